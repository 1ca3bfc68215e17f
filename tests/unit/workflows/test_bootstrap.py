"""A bootstrap gives the same graph whatever the timing, and says what stands in its way."""

from collections.abc import Iterable
from dataclasses import replace
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.builds import BuildOutcome, BuildSpec, Phase
from builder.domain.digests import Digest
from builder.domain.graph import DependencyGraph, RequirementKind
from builder.domain.releases import NoSuchProject, ProjectPage
from builder.errors import ImpossibleError, IndexUnreachableError
from builder.record.files import build_order, build_order_json, graph_json
from builder.resolve.constraints import Constraint
from builder.resolve.problem import Asked
from builder.schedule.budget import Budget
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.solving import Rules
from tests.facts import TARGET, pin
from tests.fakes.world import FakeWorld, Known, Package, alone, bootstrapped

SETUPTOOLS = Package("setuptools==80")
TREE = (
    SETUPTOOLS,
    Package("setuptools==81", fails=Phase.BUILD),
    Package("wheel==1", build=("setuptools<81",)),
    Package("app==1", ("lib>=1", "tool"), build=("setuptools<81",), hook=("wheel",)),
    Package("lib==2", ("leaf",), build=("setuptools<81",), known=Known.HOOK),
    Package("leaf==1", build=("setuptools<81", "tool"), known=Known.SOURCE),
    Package("tool==3", build=("setuptools<81",), known=Known.WHEEL),
)


def request(*asked: str, workers: int = 1, constraints: Iterable[str] = ()) -> Request:
    limited = {
        canonicalize_name(one.name): Constraint(one.specifier, (), ("c.txt:1",))
        for one in map(Requirement, constraints)
    }
    return Request(
        asked=tuple(Asked(Requirement(one), "the command line") for one in asked),
        rules=Rules(limited, TARGET),
        image="sha256:image",
        sandbox=Digest.of_bytes(b"agent"),
        budget=Budget(workers, 1, 64.0),
    )


def run(world: FakeWorld, wanted: Request) -> Bootstrapped:
    return bootstrapped(wanted, world)


def graph_of(packages: Iterable[Package], *asked: str) -> DependencyGraph:
    result = run(FakeWorld(packages), request(*asked))
    assert result.graph is not None
    return result.graph


def environment_of(graph: DependencyGraph, of: str) -> set[str]:
    recipe = graph.nodes[pin(of)].recipe
    assert recipe is not None
    return {str(part.pin) for part in recipe.environment}


def test_everything_down_to_the_last_backend_is_built() -> None:
    graph = graph_of(TREE, "app")

    built = ["app==1", "leaf==1", "lib==2", "setuptools==80", "tool==3", "wheel==1"]
    assert sorted(map(str, graph.nodes)) == built


@settings(max_examples=15)
@given(st.integers())
def test_timing_and_the_number_of_workers_leave_no_trace(seed: int) -> None:
    once = graph_of(TREE, "app")
    world = FakeWorld(TREE, delay=0.004, seed=seed)

    graph = run(world, request("app", workers=4)).graph

    assert graph is not None
    assert graph_json(graph) == graph_json(once)
    assert build_order_json(graph) == build_order_json(once)
    assert world.most_at_once <= 4


def test_no_more_builds_run_at_once_than_allowed() -> None:
    packages = [Package(f"p{number}==1") for number in range(12)]
    world = FakeWorld(packages, delay=0.01)

    run(world, request(*(f"p{number}" for number in range(12)), workers=3))

    assert 1 < world.most_at_once <= 3


def test_a_build_waits_for_its_environment_and_what_that_needs_at_run_time() -> None:
    packages = [
        Package("app==1", build=("backend",)),
        Package("backend==1", ("helper",)),
        Package("helper==1"),
    ]
    graph = graph_of(packages, "app")

    order = [str(one) for one in build_order(graph)]
    assert order.index("helper==1") < order.index("app==1")
    assert environment_of(graph, "app==1") == {"backend==1", "helper==1"}


def test_packages_may_need_each_other_at_run_time() -> None:
    graph = graph_of([Package("a==1", ("b",)), Package("b==1", ("a",))], "a")

    assert sorted(map(str, graph.nodes)) == ["a==1", "b==1"]


def test_a_hook_that_asks_for_more_gets_it_and_the_edge_says_so() -> None:
    graph = graph_of(TREE, "app")

    edges = {(str(e.child), e.kind.value) for e in graph.children(pin("app==1"))}
    assert ("wheel==1", "build-backend") in edges
    assert ("setuptools==80", "build-system") in edges
    assert ("lib==2", "install") in edges


def test_constraints_hold_for_build_environments_too() -> None:
    packages = [
        Package("app==1", build=("setuptools",)),
        Package("setuptools==1"),
        Package("setuptools==2"),
    ]
    result = run(FakeWorld(packages), request("app", constraints=["setuptools<2"]))

    assert result.graph is not None
    assert pin("setuptools==1") in result.graph.nodes
    assert result.graph.nodes[pin("setuptools==1")].constraint == "setuptools<2"


def test_a_failure_blocks_its_dependents_and_others_go_on() -> None:
    packages = [
        Package("broken==1", fails=Phase.BUILD),
        Package("blocked==1", build=("broken",)),
        Package("other==1"),
    ]
    world = FakeWorld(packages)

    result = run(world, request("blocked", "other"))

    by_pin = {str(failure.pin): failure for failure in result.failures}
    assert set(by_pin) == {"broken==1", "blocked==1"}
    assert by_pin["broken==1"].blocked_by is None
    assert by_pin["blocked==1"].blocked_by == pin("broken==1")
    assert pin("other==1") in world.built_wheels
    assert {str(failure.pin) for failure in world.heard} == set(by_pin)


def test_a_failed_install_requirement_fails_the_request_and_not_its_parent() -> None:
    world = FakeWorld([Package("app==1", ("broken",)), Package("broken==1", fails=Phase.BUILD)])

    result = run(world, request("app"))

    assert result.graph is None
    assert [str(failure.pin) for failure in result.failures] == ["broken==1"]
    assert pin("app==1") in world.built_wheels


@pytest.mark.parametrize("phase", [Phase.PREPARE, Phase.HOOKS])
@pytest.mark.parametrize("known", [Known.INDEX, Known.HOOK])
def test_the_way_to_a_failure_is_told_from_the_top(phase: Phase, known: Known) -> None:
    packages = [
        Package("app==1", build=("middle",)),
        Package("middle==1", ("broken",)),
        Package("broken==1", fails=phase, known=known),
    ]
    result = run(FakeWorld(packages), request("app"))

    causes = [failure for failure in result.failures if failure.blocked_by is None]
    assert [(str(failure.pin), failure.phase) for failure in causes] == [("broken==1", phase)]
    chain = result.chains[pin("broken==1")]
    assert [edge.requirement for edge in chain] == ["app", "middle", "broken"]


def test_the_way_to_a_failure_tells_what_a_backend_asked_for_from_what_its_source_does() -> None:
    packages = [
        Package("app==1", build=("backend",), hook=("broken",)),
        Package("backend==1"),
        Package("broken==1", fails=Phase.BUILD),
    ]
    result = run(FakeWorld(packages), request("app"))

    kinds = [edge.kind for edge in result.chains[pin("broken==1")]]
    assert kinds == [RequirementKind.TOPLEVEL, RequirementKind.BUILD_BACKEND]


def test_a_backend_that_never_asks_for_the_same_fails() -> None:
    class Fickle(FakeWorld):
        def build(self, spec: BuildSpec) -> BuildOutcome:
            return super().build(replace(spec, accepted=()))

    packages = [Package("app==1", hook=("x",)), Package("x==1")]

    result = run(Fickle(packages), request("app"))

    assert "each time it is asked" in result.failures[0].reason


def test_an_impossible_request_is_told_with_its_reasons_before_any_build() -> None:
    world = FakeWorld([Package("a==1", ("c<1",)), Package("b==1", ("c>=1",)), Package("c==1")])

    with pytest.raises(ImpossibleError) as raised:
        run(world, request("a", "b"))

    assert "a==1 requires c<1" in raised.value.message
    assert world.specs == []


def test_an_impossible_build_environment_fails_its_package_alone() -> None:
    world = FakeWorld([Package("app==1", build=("nowhere",)), Package("other==1")])

    result = run(world, request("app", "other"))

    assert [failure.phase for failure in result.failures] == [Phase.RESOLVE]
    assert "no index knows a project named nowhere" in result.failures[0].reason
    assert pin("other==1") in world.built_wheels


def test_a_ring_of_builds_names_each_edge() -> None:
    packages = [Package("a==1", build=("b>=1",)), Package("b==1", build=("a",))]

    with pytest.raises(ImpossibleError) as raised:
        run(FakeWorld(packages), request("a"))

    assert "a==1 cannot be built without b==1 (itself asks for b>=1)" in raised.value.message
    assert "b==1 cannot be built without a==1 (itself asks for a)" in raised.value.message
    assert raised.value.hint


def test_a_ring_through_metadata_that_only_a_build_gives_names_each_edge_too() -> None:
    packages = [
        Package("a==1", build=("b>=1",)),
        Package("b==1", build=("a",), known=Known.HOOK),
    ]

    with pytest.raises(ImpossibleError) as raised:
        run(FakeWorld(packages), request("a"))

    assert "()" not in raised.value.message
    assert "b>=1" in raised.value.message


def test_what_the_wheel_says_has_the_last_word() -> None:
    packages = [
        Package("app==1", ("new",), promised=("old",)),
        Package("new==1"),
        Package("old==1"),
    ]
    graph = graph_of(packages, "app")

    assert sorted(map(str, graph.nodes)) == ["app==1", "new==1"]


def test_a_wheel_that_rules_out_a_release_gets_another_one_chosen() -> None:
    packages = [
        Package("app==1", ("lib<2",), promised=("lib",)),
        Package("lib==1"),
        Package("lib==2"),
    ]
    graph = graph_of(packages, "app")

    assert sorted(map(str, graph.nodes)) == ["app==1", "lib==1"]


def test_what_cannot_be_reached_ends_the_run() -> None:
    class Cut(FakeWorld):
        def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
            raise IndexUnreachableError(f"no answer for {name}")

    stop = Event()
    world = Cut([Package("app==1")])

    with pytest.raises(IndexUnreachableError):
        alone(request("app"), world, stop).run()

    assert stop.is_set()


def test_markers_are_those_of_the_target() -> None:
    packages = [
        Package("app==1", ("there; platform_machine == 's390x'", "here; sys_platform == 'win32'")),
        Package("there==1"),
    ]
    graph = graph_of(packages, "app")

    assert sorted(map(str, graph.nodes)) == ["app==1", "there==1"]


def test_a_constraint_that_leaves_nothing_is_named() -> None:
    with pytest.raises(ImpossibleError, match=r"c\.txt:1"):
        run(FakeWorld([Package("app==1")]), request("app", constraints=["app>1"]))


NAMES = [f"n{number}" for number in range(6)]
SOME = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)


@st.composite
def worlds(draw: st.DrawFn) -> list[Package]:
    """Projects that conflict now and then; a project is built only by those of lower numbers."""
    packages = []
    for number, name in enumerate(NAMES):
        for version in range(1, 4):
            lower = [one for one in draw(SOME) if one in NAMES[:number]]
            requires = [
                f"{one}{draw(st.sampled_from(['', '<3', '<2', '>=2', '!=3']))}"
                for one in draw(SOME)
                if one != name
            ]
            known = draw(st.sampled_from(Known))
            packages.append(
                Package(f"{name}=={version}", tuple(requires), build=tuple(lower), known=known)
            )
    return packages


def outcome(packages: list[Package], seed: int, workers: int) -> str:
    world = FakeWorld(packages, delay=0.001 if seed else 0, seed=seed)
    try:
        result = run(world, request("n5", "n4<3", workers=workers))
    except ImpossibleError as error:
        return type(error).__name__
    return graph_json(result.graph) if result.graph else "failed"


@settings(max_examples=60)
@given(worlds(), st.integers(1, 1 << 30))
def test_the_graph_of_any_world_is_a_function_of_that_world(
    packages: list[Package], seed: int
) -> None:
    assert outcome(packages, seed, 4) == outcome(packages, 0, 1)


def test_specifiers_of_the_request_hold() -> None:
    packages = [Package(f"app=={version}") for version in (1, 2, 3)]

    (node,) = graph_of(packages, "app!=3").nodes

    assert node.version in SpecifierSet("==2")

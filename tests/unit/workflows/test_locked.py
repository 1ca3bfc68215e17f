"""A build from a lock uses exactly what the lock names, and says what is not in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Event

import pytest
from packaging.utils import NormalizedName

from builder.domain.build_needs import build_needs
from builder.domain.builds import Failure, Phase
from builder.domain.digests import Digest
from builder.domain.graph import (
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    RequirementKind,
)
from builder.domain.releases import Candidate, Pin
from builder.domain.sources import SourceTree
from builder.errors import ImpossibleError
from builder.record.files import build_order, graph_json
from builder.record.reading import read_graph
from builder.schedule.budget import Budget
from builder.workflows.locked import LockedBuild
from builder.workflows.locks import LockBuilt, LockRequest, Origin
from builder.workflows.packages import ForeignWheel
from builder.workflows.packages import Package as Made
from tests.facts import TARGET, pin, wheel
from tests.fakes.index import FakeRelease
from tests.fakes.world import FakeWorld, Package, bootstrapped
from tests.unit.workflows.test_bootstrap import request

TREE = (
    Package("setuptools==80"),
    Package("plug-in==1", build=("setuptools",)),
    Package("app==1", ("lib",), build=("setuptools",), hook=("plug-in",)),
    Package("lib==2", build=("setuptools",)),
)


@dataclass
class LockWorld(FakeWorld):
    """A world of packages, asked by lock."""

    there: Mapping[Pin, Made] = field(default_factory=dict)

    def locked_source(self, node: GraphNode) -> SourceTree | Failure:
        found: Candidate = FakeRelease(node.pin.name, str(node.pin.version)).candidate
        return self.source(found)

    def finished(self, node: GraphNode) -> Made | None:
        return self.there.get(node.pin)

    def offered(self, name: NormalizedName) -> tuple[GraphNode, ...]:
        return tuple(
            GraphNode(of, "", wheel=made.wheel.digest)
            for of, made in self.there.items()
            if of.name == name and made.wheel is not None
        )

    def locked_wheel(self, of: Pin, node: GraphNode) -> ForeignWheel | Failure:
        assert node.pre_built
        return self.foreign(of, "as the lock says")

    def locked_seed(self, part: EnvironmentPart) -> ForeignWheel | Failure:
        return self.foreign(part.pin, "as a seed")


def plan(packages: Iterable[Package], *asked: str) -> DependencyGraph:
    """The lock that a discovery leaves."""
    world = FakeWorld(packages)
    wanted = replace(request(*asked), plan_only=True)
    result = bootstrapped(wanted, world)
    assert result.graph is not None
    return read_graph(graph_json(result.graph), "graph.json")


def without_recipes(graph: DependencyGraph) -> DependencyGraph:
    """The same as Fromager would have written it."""
    bare = {
        of: GraphNode(of, node.source_url, constraint=node.constraint)
        for of, node in graph.nodes.items()
    }
    return DependencyGraph(bare, graph.edges)


def lock_request(graph: DependencyGraph, *, workers: int = 1) -> LockRequest:
    nodes = {of: graph.nodes[of] for of in build_order(graph)}
    bare = [of for of, node in nodes.items() if node.recipe is None]
    return LockRequest(
        nodes,
        {of: tuple(sorted(build_needs(graph)[of])) for of in bare},
        tuple(nodes),
        TARGET,
        "sha256:image",
        Digest.of_bytes(b"agent"),
        Budget(workers, 1, 64.0),
    )


def build(world: LockWorld, wanted: LockRequest) -> LockBuilt:
    return LockedBuild(wanted, world, world, Event()).run()


def test_discovery_builds_only_what_hooks_need_and_names_the_rest() -> None:
    world = FakeWorld(TREE)
    result = bootstrapped(replace(request("app"), plan_only=True), world)

    assert sorted(map(str, world.built_wheels)) == ["setuptools==80"]
    assert sorted(map(str, world.planned_only)) == [
        "app==1",
        "lib==2",
        "plug-in==1",
        "setuptools==80",
    ]
    assert result.graph is not None
    assert sorted(map(str, result.graph.nodes)) == [
        "app==1",
        "lib==2",
        "plug-in==1",
        "setuptools==80",
    ]
    recipe = result.graph.nodes[pin("app==1")].recipe
    assert recipe is not None
    assert recipe.backend == ("plug-in",)
    parts = {str(part.pin): part for part in recipe.environment}
    assert parts["plug-in==1"].wheel is None
    assert parts["setuptools==80"].wheel is not None
    assert all(part.source is not None for part in recipe.environment)


def test_everything_is_built_with_exactly_the_locked_environment() -> None:
    graph = plan(TREE, "app")
    newer = Package("setuptools==81")
    world = LockWorld((*TREE, newer))

    result = build(world, lock_request(graph, workers=3))

    assert result.failures == ()
    assert set(result.packages) == set(graph.nodes)
    for spec in world.specs:
        recipe = graph.nodes[spec.source.pin].recipe
        assert recipe is not None
        assert [one.pin for one in spec.environment] == [part.pin for part in recipe.environment]


def test_a_backend_that_asks_for_something_new_fails_with_that_message() -> None:
    graph = plan(TREE, "app")
    changed = [
        replace(one, hook=("plug-in", "surprise")) if one.of == "app==1" else one for one in TREE
    ]

    result = build(LockWorld(changed), lock_request(graph))

    (failure,) = result.failures
    assert failure.pin == pin("app==1")
    assert "its backend asks for surprise, which the lock does not hold" in failure.reason


def test_a_wheel_that_requires_something_new_fails() -> None:
    graph = plan(TREE, "app")
    changed = [
        replace(one, requires=("lib", "surprise")) if one.of == "app==1" else one for one in TREE
    ]

    (failure,) = build(LockWorld(changed), lock_request(graph)).failures

    assert "its wheel requires surprise[], which the lock does not hold" in failure.reason


def test_a_wheel_that_differs_is_told_and_refused_where_that_is_asked() -> None:
    graph = plan(TREE, "app")
    of = pin("setuptools==80")
    other = replace(graph.nodes[of], wheel=Digest.of_bytes(b"another"))
    wanted = lock_request(DependencyGraph({**graph.nodes, of: other}, graph.edges))
    world = LockWorld(TREE)

    tolerant = build(world, wanted)
    strict = build(LockWorld(TREE), replace(wanted, require_identical=True))

    assert tolerant.different == {of}
    assert "differs from the one that the lock knows" in world.noted_texts[0]
    assert next(f for f in strict.failures if f.blocked_by is None).phase is Phase.INSPECT


def test_what_is_there_is_not_built_again() -> None:
    graph = plan(TREE, "app")
    of = pin("setuptools==80")
    known = Made(of, "", None, None, (), wheel("setuptools==80"))
    world = LockWorld(TREE, there={of: known}, foreign_wheels={of: wheel("setuptools==80")})

    result = build(world, lock_request(graph))

    assert result.origins[of] is Origin.FOUND
    assert of not in world.built_wheels
    assert len(world.built_wheels) == 3


def test_a_graph_without_recipes_is_built_with_what_its_edges_say() -> None:
    graph = without_recipes(plan(TREE, "app"))
    world = LockWorld(TREE)

    result = build(world, lock_request(graph))

    assert result.failures == ()
    app = result.packages[pin("app==1")]
    assert app.recipe is not None
    assert app.recipe.backend == ("plug-in",)
    assert [str(part.pin) for part in app.recipe.environment] == ["plug-in==1", "setuptools==80"]


def test_an_order_without_edges_sees_only_what_stands_before() -> None:
    graph = without_recipes(plan(TREE, "app"))
    names = ("setuptools==80", "lib==2", "plug-in==1", "app==1", "setuptools==81")
    nodes = {
        pin(of): graph.nodes.get(pin(of)) or GraphNode(pin(of), "https://index.example/x")
        for of in names
    }
    wanted = replace(lock_request(graph), nodes=nodes, environments={}, wanted=tuple(nodes))
    world = LockWorld((*TREE, Package("setuptools==81")))

    result = build(world, wanted)

    assert result.failures == ()
    spec = next(one for one in world.specs if one.source.pin == pin("lib==2"))
    assert [str(one.pin) for one in spec.environment] == ["setuptools==80"]


def test_edges_that_lack_a_requirement_are_told() -> None:
    graph = without_recipes(plan(TREE, "app"))
    edges = tuple(e for e in graph.edges if str(e.child) != "plug-in==1")
    lacking = DependencyGraph(
        {of: node for of, node in graph.nodes.items() if str(of) != "plug-in==1"}, edges
    )

    (failure,) = build(LockWorld(TREE), lock_request(lacking)).failures

    assert "its build needs plug-in, which the lock does not hold" in failure.reason


def test_a_ring_in_a_lock_is_named() -> None:
    a, b = pin("a==1"), pin("b==1")
    graph = DependencyGraph(
        {a: GraphNode(a, "https://index.example/a"), b: GraphNode(b, "https://index.example/b")},
        (
            Dependency(None, a, RequirementKind.TOPLEVEL, "a"),
            Dependency(a, b, RequirementKind.BUILD_SYSTEM, "b"),
            Dependency(b, a, RequirementKind.BUILD_SYSTEM, "a"),
        ),
    )
    world = LockWorld([Package("a==1", build=("b",)), Package("b==1", build=("a",))])

    with pytest.raises(ImpossibleError) as caught:
        build(world, lock_request(graph))

    assert "a==1 is built with b==1" in str(caught.value)


def test_in_test_mode_a_wheel_of_the_index_serves() -> None:
    graph = plan(TREE, "app")
    broken = [replace(one, fails=Phase.BUILD) if one.of == "lib==2" else one for one in TREE]
    of = pin("lib==2")
    world = LockWorld(broken, foreign_wheels={of: wheel("lib==2")})

    result = build(world, replace(lock_request(graph, workers=2), test_mode=True))

    assert [failure.pin for failure in result.failures] == [of]
    assert result.origins[of] is Origin.REPLACED
    assert set(result.packages) == set(graph.nodes)


def test_fail_fast_starts_nothing_after_a_failure() -> None:
    packages = [Package("a==1", fails=Phase.BUILD), Package("b==1"), Package("c==1")]
    graph = plan(packages, "a", "b", "c")
    world = LockWorld(packages)

    result = build(world, replace(lock_request(graph), fail_fast=True))

    assert [str(failure.pin) for failure in result.failures] == ["a==1"]
    assert world.built_wheels == []


def test_one_package_is_built_with_wheels_that_are_on_hand() -> None:
    of = pin("app==1")
    on_hand = {
        pin(one): Made(pin(one), "", None, None, (), wheel(one))
        for one in ("setuptools==80", "plug-in==1")
    }
    world = LockWorld(TREE, there=on_hand, foreign_wheels={one: wheel(str(one)) for one in on_hand})
    wanted = replace(
        lock_request(plan(TREE, "setuptools")),
        nodes={of: GraphNode(of, "https://index.example/app")},
        environments={},
        wanted=(of,),
    )

    built = build(world, wanted)
    planned = build(world, replace(wanted, plan_only=True))
    lacking = build(LockWorld(TREE), wanted)

    assert built.failures == ()
    assert world.built_wheels == [of]
    recipe = planned.packages[of].recipe
    assert recipe is not None
    assert recipe.backend == ("plug-in",)
    assert planned.packages[of].wheel is None
    assert "no index knows a project named setuptools" in lacking.failures[0].reason

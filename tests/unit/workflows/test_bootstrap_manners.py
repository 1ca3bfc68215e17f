"""Bootstraps of another manner: seeds, test mode, every version, a previous run."""

from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name

from builder.domain.builds import Phase
from builder.domain.graph import Provision
from builder.errors import ImpossibleError
from builder.record.files import build_order, build_order_json, graph_json
from builder.record.reading import read_graph
from builder.resolve.previous import PreviousChoices
from builder.workflows.runs import Bootstrapped, Request
from tests.facts import pin, wheel
from tests.fakes.world import FakeWorld, Known, Package, bootstrapped
from tests.unit.workflows.test_bootstrap import request
from tests.unit.workflows.test_locked import LockWorld, build, lock_request

RING = (
    Package("a==1", build=("b",)),
    Package("b==1", build=("c",)),
    Package("c==1", build=("a",)),
)


def run(world: FakeWorld, wanted: Request) -> Bootstrapped:
    return bootstrapped(wanted, world)


def seeded(*asked: str, workers: int = 1) -> Request:
    wanted = request(*asked, workers=workers)
    seeds = {canonicalize_name("a"): pin("a==1")}
    return replace(wanted, rules=replace(wanted.rules, seeds=seeds))


def test_a_ring_of_builds_is_named_edge_by_edge_with_a_way_out() -> None:
    with pytest.raises(ImpossibleError) as caught:
        run(FakeWorld(RING), request("a"))

    assert "a==1 cannot be built without b==1 (itself asks for b)" in str(caught.value)
    assert "b==1 cannot be built without c==1" in str(caught.value)
    assert "c==1 cannot be built without a==1" in str(caught.value)
    assert "--seed" in caught.value.hint


@pytest.mark.parametrize("workers", [1, 4])
def test_a_seed_cuts_a_ring_and_is_recorded(workers: int) -> None:
    world = FakeWorld(RING, foreign_wheels={pin("a==1"): wheel("a==1", content=b"seed")})

    graph = run(world, seeded("a", workers=workers)).graph

    assert graph is not None
    node = graph.nodes[pin("a==1")]
    assert node.recipe is not None
    assert [(str(p.pin), p.provision) for p in node.recipe.environment] == [
        ("b==1", Provision.STAGED)
    ]
    staged = graph.nodes[pin("c==1")].staged
    assert staged is not None
    assert [(str(p.pin), p.provision) for p in staged.environment] == [("a==1", Provision.SEED)]
    final = graph.nodes[pin("c==1")].recipe
    assert final is not None
    assert final.environment[0].provision is Provision.BUILT
    assert final.environment[0].wheel == node.wheel
    assert sorted(map(str, world.published)) == ["a==1", "b==1", "c==1"]


def test_a_seeded_lock_is_written_read_and_built_from() -> None:
    world = FakeWorld(RING, foreign_wheels={pin("a==1"): wheel("a==1", content=b"seed")})
    graph = run(world, seeded("a")).graph
    assert graph is not None
    again = read_graph(graph_json(graph), "graph.json")
    assert again == graph
    assert [str(one) for one in build_order(graph)] == ["a==1", "c==1", "b==1"]
    assert build_order_json(graph)
    other = LockWorld(RING, foreign_wheels={pin("a==1"): wheel("a==1", content=b"seed")})

    result = build(other, lock_request(again))

    assert result.failures == ()
    assert result.different == frozenset()
    assert sorted(map(str, other.published)) == ["a==1", "b==1", "c==1"]


def test_a_seed_that_no_index_has_is_a_failure_with_its_name() -> None:
    result = run(FakeWorld(RING), seeded("a"))

    assert result.graph is None
    assert any("no wheel of a==1 as a seed" in failure.reason for failure in result.failures)


def test_in_test_mode_everything_built_with_a_stand_in_is_tainted() -> None:
    packages = (
        Package("app==1", ("lib",), build=("tool",)),
        Package("lib==1"),
        Package("tool==1", build=("broken",)),
        Package("broken==1", fails=Phase.BUILD),
    )
    world = FakeWorld(packages, foreign_wheels={pin("broken==1"): wheel("broken==1")})

    result = run(world, replace(request("app", workers=3), test_mode=True))

    assert result.graph is not None
    taints = {str(of): [*map(str, n.tainted_by)] for of, n in result.graph.nodes.items()}
    assert taints == {
        "app==1": ["broken==1"],
        "lib==1": [],
        "tool==1": ["broken==1"],
        "broken==1": ["broken==1"],
    }
    assert result.graph.nodes[pin("broken==1")].pre_built
    assert [failure.pin for failure in result.failures] == [pin("broken==1")]
    assert result.chains[pin("broken==1")]


def test_in_test_mode_what_has_no_stand_in_is_left_out_and_the_rest_goes_on() -> None:
    packages = (
        Package("sound==1"),
        Package("broken==1", fails=Phase.PREPARE),
        Package("needs-broken==1", ("broken",)),
    )

    result = run(
        FakeWorld(packages),
        replace(request("nowhere", "sound", "needs-broken"), test_mode=True),
    )

    assert result.graph is not None
    assert sorted(map(str, result.graph.nodes)) == ["needs-broken==1", "sound==1"]
    assert [str(one.asked.requirement) for one in result.unresolved] == ["nowhere"]
    assert "no index knows a project named nowhere" in "\n".join(result.unresolved[0].reason)
    assert "the index has no wheel" in result.not_replaced[pin("broken==1")]


def test_in_test_mode_requirements_that_conflict_are_left_out_one_by_one() -> None:
    packages = (Package("app==1", ("lib<2",)), Package("lib==1"), Package("lib==2"))

    result = run(FakeWorld(packages), replace(request("app", "lib>=2"), test_mode=True))

    assert result.graph is not None
    assert sorted(map(str, result.graph.nodes)) == ["app==1", "lib==1"]
    assert [str(one.asked.requirement) for one in result.unresolved] == ["lib>=2"]


@pytest.mark.parametrize("known", list(Known))
def test_a_conflict_names_both_chains_and_nothing_is_built(known: Known) -> None:
    """Not even for a release that only its hooks tell of, where the others settle the matter."""
    packages = (
        Package("app==1", ("middle",)),
        Package("middle==1", ("lib<2",)),
        Package("other==1", ("lib>=2",)),
        Package("lib==1", build=("tool",), known=known),
        Package("lib==2", build=("tool",), known=known),
        Package("tool==1"),
    )
    world = FakeWorld(packages)

    with pytest.raises(ImpossibleError) as caught:
        run(world, request("app", "other"))

    assert "the command line -> app==1 -> middle==1 requires lib<2" in str(caught.value)
    assert "the command line -> other==1 requires lib>=2" in str(caught.value)
    assert world.specs == []


def test_every_version_that_matches_is_built_and_a_failed_one_is_left_out() -> None:
    packages = (
        Package("app==1", ("lib",)),
        Package("app==2", ("lib>=2",)),
        Package("lib==1"),
        Package("lib==2"),
        Package("lib==3", fails=Phase.BUILD),
        Package("tool==1"),
    )

    result = run(FakeWorld(packages), replace(request("app"), every_version=True))

    assert result.graph is not None
    assert sorted(map(str, result.graph.nodes)) == ["app==1", "app==2", "lib==1", "lib==2"]
    assert [str(failure.pin) for failure in result.failures] == ["lib==3"]


def test_a_previous_graph_is_followed_where_it_may_be() -> None:
    old = (Package("app==1", ("lib",), build=("tool",)), Package("lib==1"), Package("tool==1"))
    previous = run(FakeWorld(old), request("app")).graph
    newer = (
        *old,
        Package("app==2", ("lib",), build=("tool",)),
        Package("lib==2"),
        Package("tool==2"),
    )
    wanted = request("app")
    followed = replace(wanted, rules=replace(wanted.rules, previous=PreviousChoices(previous)))

    kept = run(FakeWorld(newer), followed).graph
    free = run(FakeWorld(newer), replace(followed, asked=request("app>=2").asked)).graph

    assert kept is not None
    assert sorted(map(str, kept.nodes)) == ["app==1", "lib==1", "tool==1"]
    assert free is not None
    assert sorted(map(str, free.nodes)) == ["app==2", "lib==1", "tool==1"]


def test_a_wheel_of_a_server_takes_the_place_of_a_build() -> None:
    packages = (Package("app==1", build=("tool",)), Package("tool==1"))
    world = FakeWorld(packages, cached_wheels={pin("app==1"): wheel("app==1")})

    graph = run(world, request("app")).graph

    assert graph is not None
    assert [str(of) for of in world.built_wheels] == ["tool==1"]
    node = graph.nodes[pin("app==1")]
    assert not node.pre_built
    assert node.recipe is not None
    assert node.wheel == wheel("app==1").digest


def test_metadata_that_a_hook_tells_does_not_close_a_ring() -> None:
    ring = tuple(replace(one, known=Known.HOOK) for one in RING)
    world = FakeWorld(ring, foreign_wheels={pin("a==1"): wheel("a==1", content=b"seed")})

    graph = run(world, seeded("a")).graph

    assert graph is not None
    assert len(graph.nodes) == 3


def test_a_pre_built_project_is_not_built_and_says_what_it_requires() -> None:
    packages = (
        Package("app==1", build=("tool",)),
        Package("tool==1", ("lib",), build=("nowhere",), known=Known.HOOK),
        Package("lib==1"),
    )
    of = pin("tool==1")
    world = FakeWorld(
        packages, foreign_wheels={of: wheel("tool==1", "lib")}, not_built=frozenset({of})
    )

    graph = run(world, request("app")).graph

    assert graph is not None
    assert graph.nodes[of].pre_built
    assert sorted(map(str, world.built_wheels)) == ["app==1", "lib==1"]
    assert of in world.published

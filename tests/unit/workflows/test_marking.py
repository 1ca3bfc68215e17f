"""A build from a lock in test mode is recorded as a bootstrap in test mode would record it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from builder.domain.builds import Phase
from builder.domain.graph import DependencyGraph
from builder.workflows.marking import marked_graph
from tests.facts import pin, wheel
from tests.fakes.world import FakeWorld, Package, bootstrapped
from tests.unit.workflows.test_bootstrap import request
from tests.unit.workflows.test_locked import LockWorld, build, lock_request, plan

TREE = (
    Package("app==1", ("lib",), build=("tool",)),
    Package("lib==1", ("leaf",)),
    Package("leaf==1"),
    Package("tool==1", build=("broken",)),
    Package("broken==1", ("helper",), build=("only-broken",)),
    Package("helper==1"),
    Package("only-broken==1"),
    Package("needs-hopeless==1", build=("hopeless",)),
    Package("hopeless==1"),
)
FOREIGN = {pin("broken==1"): wheel("broken==1", "helper")}
ASKED = ("app", "needs-hopeless")


def failing(*of: str) -> Sequence[Package]:
    return [replace(one, fails=Phase.BUILD) if one.of in of else one for one in TREE]


def in_one_act(*broken: str) -> DependencyGraph:
    world = FakeWorld(failing(*broken), foreign_wheels=FOREIGN)
    result = bootstrapped(replace(request(*ASKED), test_mode=True), world)
    assert result.graph is not None
    return result.graph


def in_two_acts(*broken: str) -> DependencyGraph:
    lock = plan(TREE, *ASKED)
    world = LockWorld(failing(*broken), foreign_wheels=FOREIGN)
    result = build(world, replace(lock_request(lock), test_mode=True))
    return marked_graph(lock, result.packages, result.replaced)


@pytest.mark.parametrize(
    "broken", [(), ("broken==1",), ("hopeless==1",), ("broken==1", "hopeless==1"), ("lib==1",)]
)
def test_one_act_and_two_leave_the_same_graph(broken: tuple[str, ...]) -> None:
    assert in_two_acts(*broken) == in_one_act(*broken)


def test_what_was_put_in_place_is_marked_and_everything_built_with_it() -> None:
    graph = in_two_acts("broken==1")

    assert graph.nodes[pin("broken==1")].pre_built
    tainted = {str(of) for of, node in graph.nodes.items() if node.tainted_by}
    assert tainted == {"app==1", "tool==1", "broken==1"}
    assert pin("only-broken==1") not in graph.nodes
    assert pin("helper==1") in graph.nodes


def test_what_has_no_wheel_is_left_out_with_what_only_that_needs() -> None:
    graph = in_two_acts("hopeless==1")

    assert {"hopeless", "needs-hopeless"}.isdisjoint(of.name for of in graph.nodes)
    assert not any(node.tainted_by or node.pre_built for node in graph.nodes.values())

"""The schedule frees nodes when their needs are over, and finds rings."""

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from builder.schedule.waiting import Schedule

EDGES = st.dictionaries(
    st.integers(0, 30), st.sets(st.integers(0, 30), max_size=5), min_size=1, max_size=30
)


@given(EDGES)
def test_a_node_is_freed_once_and_never_before_its_needs(edges: dict[int, set[int]]) -> None:
    needs = {node: {need for need in wanted if need < node} for node, wanted in edges.items()}
    nodes = set(needs) | {need for wanted in needs.values() for need in wanted}
    schedule: Schedule[int] = Schedule()
    ready = [node for node in sorted(nodes) if not schedule.wait(node, needs.get(node, ()))]
    over: list[int] = []
    while ready:
        node = ready.pop()
        assert needs.get(node, set()) <= set(over)
        over.append(node)
        ready.extend(schedule.over(node))

    assert sorted(over) == sorted(nodes)
    assert schedule.ring() == ()


def test_a_ring_is_named_in_the_order_of_need() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.wait("a", ["b"])
    schedule.wait("b", ["c"])
    schedule.wait("c", ["a"])

    ring = schedule.ring()

    assert ring[0] == ring[-1]
    assert set(pairwise(ring)) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_a_node_that_needs_itself_is_a_ring() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.wait("a", ["a"])

    assert schedule.ring() == ("a", "a")


def test_the_longest_chain_behind_it_makes_a_node_urgent() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.wait("top", ["middle"])
    schedule.wait("middle", ["deep"])
    schedule.wait("other", ["shallow"])

    assert min(["shallow", "deep"], key=schedule.urgency) == "deep"


def test_ten_thousand_nodes_cost_well_under_a_millisecond_each() -> None:
    schedule: Schedule[int] = Schedule()
    began = time.perf_counter()
    for node in range(10_000):
        schedule.wait(node, [need for need in (node - 1, node - 7, node // 2) if 0 <= need < node])
    ready = [0]
    count = 0
    while ready:
        count += 1
        ready.extend(schedule.over(ready.pop()))

    assert count == 10_000
    assert time.perf_counter() - began < 10

"""Rings are found, and hinder nobody before they are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from builder.schedule.waiting import Schedule

NODES = st.integers(0, 12)
ANY_EDGES = st.dictionaries(NODES, st.sets(NODES, max_size=4), min_size=1)


def waiting(edges: dict[int, set[int]]) -> Schedule[int]:
    schedule: Schedule[int] = Schedule()
    for node, needs in edges.items():
        schedule.wait(node, needs)
    return schedule


def finished(schedule: Schedule[int], edges: dict[int, set[int]]) -> set[int]:
    """Whoever can finish, beginning with what waits for nothing."""
    nodes = set(edges) | {need for needs in edges.values() for need in needs}
    ready = [node for node in nodes if not edges.get(node)]
    over: set[int] = set()
    while ready:
        ready.sort(key=schedule.urgency, reverse=True)
        node = ready.pop()
        over.add(node)
        ready.extend(schedule.over(node))
    return over


@given(ANY_EDGES)
def test_whatever_waits_when_all_else_is_over_waits_for_a_ring(edges: dict[int, set[int]]) -> None:
    schedule = waiting(edges)

    over = finished(schedule, edges)

    ring = schedule.ring()
    assert bool(ring) == bool(set(edges) - over)
    assert all(needed in edges[needing] for needing, needed in pairwise(ring))
    assert not over & set(ring)


def test_a_node_that_waits_for_itself_does_not_hinder_the_others() -> None:
    schedule = waiting({1: {1, 2}, 3: {1}, 2: set()})

    assert schedule.urgency(2) < schedule.urgency(3)
    assert schedule.over(2) == ()
    assert schedule.ring() == (1, 1)


def test_a_node_that_waits_anew_waits_only_for_the_new() -> None:
    schedule = waiting({1: {2, 3}})
    schedule.wait(1, {4})

    assert schedule.missing(1) == (4,)
    assert schedule.over(2) == ()
    assert schedule.over(4) == (1,)
    assert schedule.over(3) == ()


def test_a_node_that_needs_only_what_is_over_waits_no_longer() -> None:
    schedule = waiting({1: {2, 3}})
    schedule.over(2)

    assert not schedule.wait(1, {2})
    assert schedule.missing(1) == ()
    assert schedule.over(3) == ()

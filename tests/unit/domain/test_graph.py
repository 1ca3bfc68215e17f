"""Of all edges, those that lead somewhere are kept, in an order of their own."""

import random

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.graph import Dependency, DependencyGraph, RequirementKind, reachable
from builder.domain.releases import Pin
from tests.facts import pin

PINS = [pin(f"{name}==1") for name in "abcdef"]
EDGES = st.builds(
    Dependency,
    parent=st.sampled_from([None, *PINS]),
    child=st.sampled_from(PINS),
    kind=st.sampled_from(RequirementKind),
    requirement=st.sampled_from(["x", "x>1"]),
)


def edge(parent: Pin | None, child: Pin) -> Dependency:
    return Dependency(parent, child, RequirementKind.INSTALL, child.name)


def test_what_nothing_leads_to_is_left_out() -> None:
    a, b, c, *_ = PINS

    assert reachable([edge(b, c), edge(None, a), edge(c, b)]) == (edge(None, a),)


def test_a_ring_is_walked_once() -> None:
    a, b, *_ = PINS
    ring = [edge(None, a), edge(a, b), edge(b, a)]

    assert reachable([*ring, *ring]) == tuple(ring)


@given(st.lists(EDGES), st.randoms(use_true_random=False))
def test_the_order_of_the_edges_given_does_not_matter(
    edges: list[Dependency], order: random.Random
) -> None:
    shuffled = list(edges)
    order.shuffle(shuffled)

    found = reachable(shuffled)

    assert found == reachable(edges)
    assert len(set(found)) == len(found)
    parents = {None, *(one.child for one in found)}
    assert {one for one in edges if one.parent in parents} == set(found)


def test_children_are_those_of_one_parent() -> None:
    a, b, *_ = PINS
    graph = DependencyGraph({}, (edge(None, a), edge(a, b)))

    assert graph.children(a) == (edge(a, b),)
    assert graph.children(None) == (edge(None, a),)

"""Who needs a package, and who needs those."""

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.graph import RequirementKind
from builder.graphs.adjacency import adjacency
from builder.graphs.why import UP_TO_THE_ROOT, reasons
from tests.facts import pin
from tests.graphs import edge, graph

GRAPH = graph(
    edge("", "app==1"),
    edge("app==1", "lib==1", "install"),
    edge("app==1", "tool==1", "build-system"),
    edge("lib==1", "tool==1", "build-system"),
    edge("tool==1", "part==1", "install"),
)


def told(of: str, depth: int, *kinds: RequirementKind) -> list[tuple[int, str, bool]]:
    found = reasons(adjacency(GRAPH), pin(of), depth, kinds)
    return [(one.depth, str(one.edge.parent or ""), one.elsewhere) for one in found]


def test_without_a_depth_only_direct_dependents_are_told() -> None:
    assert told("tool==1", 0) == [(0, "app==1", False), (0, "lib==1", False)]


def test_each_level_tells_more() -> None:
    assert told("part==1", 1) == [
        (0, "tool==1", False),
        (1, "app==1", False),
        (1, "lib==1", False),
    ]


def test_the_way_up_ends_at_the_request_and_tells_nobody_twice() -> None:
    assert told("part==1", UP_TO_THE_ROOT) == [
        (0, "tool==1", False),
        (1, "app==1", False),
        (2, "", False),
        (1, "lib==1", False),
        (2, "app==1", True),
    ]


def test_other_kinds_of_needs_are_left_out() -> None:
    assert told("tool==1", UP_TO_THE_ROOT, RequirementKind.INSTALL) == []


def test_a_ring_is_told_once() -> None:
    ring = graph(edge("", "a==1"), edge("a==1", "b==1", "install"), edge("b==1", "a==1", "install"))

    found = list(reasons(adjacency(ring), pin("a==1"), UP_TO_THE_ROOT))

    assert [str(one.edge.parent) for one in found if not one.elsewhere] == ["None", "b==1"]
    assert [str(one.edge.parent) for one in found if one.elsewhere] == ["a==1"]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=60))
def test_up_to_the_root_every_edge_above_is_told_once(pairs: list[tuple[int, int]]) -> None:
    edges = {edge(f"p{one}==1", f"p{two}==1", "install") for one, two in pairs}
    known = adjacency(graph(*edges, edge("", "p0==1")))

    found = [one.edge for one in reasons(known, pin("p0==1"), UP_TO_THE_ROOT)]

    above, stack = {pin("p0==1")}, [pin("p0==1")]
    while stack:
        for one in known.parents(stack.pop()):
            if one.parent is not None and one.parent not in above:
                above.add(one.parent)
                stack.append(one.parent)
    expected = {one for child in above for one in known.parents(child)}
    assert set(found) == expected
    assert len(found) == len(expected)

"""The part of a graph that has to do with one package."""

import pytest

from builder.graphs.subset import Direction, subset
from builder.record.files import graph_json
from builder.record.reading import read_graph
from tests.facts import pin
from tests.graphs import edge, graph

GRAPH = graph(
    edge("", "app==1"),
    edge("", "other==1"),
    edge("app==1", "lib==1", "install", "lib>=1"),
    edge("lib==1", "tool==1", "build-system"),
    edge("tool==1", "part==1", "install"),
    edge("other==1", "far==1", "install"),
    edge("part==1", "lib==1", "install"),
)


@pytest.mark.parametrize(
    ("direction", "names"),
    [
        (Direction.DEPENDENCIES, ["lib", "part", "tool"]),
        (Direction.DEPENDENTS, ["app", "lib", "part", "tool"]),
        (Direction.BOTH, ["app", "lib", "part", "tool"]),
    ],
)
def test_what_is_kept_is_a_graph_again(direction: Direction, names: list[str]) -> None:
    found = subset(GRAPH, [pin("lib==1")], direction)

    assert sorted(one.name for one in found.nodes) == names
    assert read_graph(graph_json(found), "subset.json") == found


def test_a_package_alone_is_asked_for_as_it_is() -> None:
    found = subset(GRAPH, [pin("lib==1")], Direction.DEPENDENCIES)

    assert [one.requirement for one in found.children(None)] == ["lib==1"]


def test_what_the_user_asked_for_keeps_its_requirement() -> None:
    found = subset(GRAPH, [pin("app==1")], Direction.DEPENDENCIES)

    assert [one.requirement for one in found.children(None)] == ["app"]


def test_every_edge_between_what_is_kept_is_kept() -> None:
    found = subset(GRAPH, [pin("tool==1")], Direction.BOTH)

    assert [one for one in GRAPH.edges if one.child.name in {"lib", "tool", "part"}] == [
        one for one in found.edges if one.child.name != "app"
    ]

"""Graphs of long ago are read, and come out as graphs of today."""

import json

import pytest

from builder.errors import InputError
from builder.record.files import graph_json
from builder.record.old_graphs import read_old_graph
from builder.record.reading import read_graph

OLD = {
    "": [["toplevel", "App", "1.0", "app"]],
    "app==1.0": [
        ["install", "Some.Lib", "2", "some-lib>=1"],
        ["build_system", "tool", "3", "tool"],
    ],
    "lost==1": [["install", "tool", "3", "tool"]],
}


def test_an_old_graph_becomes_a_graph_that_can_be_read() -> None:
    migrated = read_old_graph(json.dumps(OLD), "old.json")

    again = read_graph(graph_json(migrated), "new.json")

    assert again == migrated
    assert [str(pin) for pin in again.nodes] == ["app==1.0", "some-lib==2", "tool==3"]
    assert [edge.kind.value for edge in again.edges] == ["toplevel", "build-system", "install"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "old.json: this is not JSON"),
        ("{}", 'there is no list ""'),
        ('{"": [["toplevel", "a", "x", "a"]]}', "Invalid version: 'x'"),
        ('{"": [["toplevel", "a b", "1", "a"]]}', "name is invalid"),
        ('{"": [["sideways", "a", "1", "a"]]}', "'sideways' is none of toplevel, install"),
        ('{"": {"edges": []}}', "old.json: "),
    ],
    ids=["no JSON", "no root", "no version", "no name", "no kind", "a graph of today"],
)
def test_what_is_no_old_graph_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_old_graph(text, "old.json")

    assert words in str(caught.value)

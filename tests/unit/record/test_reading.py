"""Graphs and build orders are read as they were written, and Fromager's too."""

import json
from dataclasses import replace

import pytest

from builder.domain.digests import Digest
from builder.domain.graph import BuiltFor, BuiltIn, DependencyGraph, RequirementKind
from builder.domain.releases import Rebuilt
from builder.errors import InputError
from builder.graphs.subset import Direction, subset
from builder.record.files import build_order, build_order_json, graph_json
from builder.record.reading import read_build_order, read_graph
from tests.unit.record.test_files import GRAPH


def test_a_graph_comes_back_as_it_was_written() -> None:
    assert read_graph(graph_json(GRAPH), "graph.json") == DependencyGraph(
        GRAPH.nodes, tuple(sorted(GRAPH.edges, key=lambda edge: edge.order))
    )


def test_a_build_order_comes_back_as_it_was_written() -> None:
    entries = read_build_order(build_order_json(GRAPH), "build-order.json")

    assert entries == tuple(GRAPH.nodes[pin] for pin in build_order(GRAPH))


def test_how_the_source_of_a_rust_project_was_prepared_comes_back() -> None:
    rebuilt = Rebuilt(Digest.of_bytes(b"archive"), Digest.of_bytes(b"settings"))
    nodes = {pin: replace(node, rebuilt=rebuilt) for pin, node in GRAPH.nodes.items()}
    graph = replace(GRAPH, nodes=nodes)

    assert read_graph(graph_json(graph), "graph.json").nodes == nodes
    entries = read_build_order(build_order_json(graph), "build-order.json")
    assert {entry.rebuilt for entry in entries} == {rebuilt}


def test_what_it_was_built_for_and_in_which_image_comes_back() -> None:
    own = BuiltIn("cpu", "sha256:1", ("libffi-dev",))
    built_for = BuiltFor("cuda", BuiltIn("cuda-image", "sha256:2"), "linux/amd64")
    nodes = {pin: replace(node, image=own) for pin, node in GRAPH.nodes.items()}
    graph = replace(GRAPH, nodes=nodes, built_for=built_for)

    found = read_graph(graph_json(graph), "graph.json")

    assert (found.nodes, found.built_for) == (nodes, built_for)
    entries = read_build_order(build_order_json(graph), "build-order.json")
    assert {entry.image for entry in entries} == {own}
    top = json.loads(graph_json(graph))[""]
    assert top["built_for"] == {
        "variant": "cuda",
        "platform": "linux/amd64",
        "image": {"name": "cuda-image", "id": "sha256:2"},
    }
    part = subset(graph, sorted(nodes)[:1], Direction.BOTH)
    assert part.built_for == built_for


def test_a_graph_that_fromager_wrote_is_read_without_what_it_does_not_know() -> None:
    text = json.dumps(
        {
            "": {
                "download_url": "",
                "pre_built": False,
                "version": "0",
                "canonicalized_name": "",
                "edges": [{"key": "app==1.0", "req_type": "toplevel", "req": "app"}],
            },
            "app==1.0": {
                "download_url": "https://files.index.example/app-1.0.tar.gz",
                "pre_built": False,
                "version": "1.0",
                "canonicalized_name": "app",
                "constraint": None,
                "edges": [{"key": "tool==2", "req_type": "build-sdist", "req": "tool"}],
            },
            "tool==2": {"download_url": "", "version": "2", "canonicalized_name": "tool"},
            "lost==1": {"download_url": "", "version": "1", "canonicalized_name": "lost"},
        }
    )

    graph = read_graph(text, "graph.json")

    assert [str(pin) for pin in graph.nodes] == ["app==1.0", "tool==2"]
    assert all(node.recipe is None and node.source is None for node in graph.nodes.values())
    assert {edge.kind for edge in graph.edges} == {
        RequirementKind.TOPLEVEL,
        RequirementKind.BUILD_SDIST,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "g.json: this is not JSON"),
        ("[]", "g.json: the whole: Input should be a valid dictionary"),
        ("{}", 'there is no node ""'),
        ('{"": {"version": "0", "canonicalized_name": "", "edges": [{}]}}', '"".edges.0.key'),
        (
            (
                '{"": {"version": "0", "canonicalized_name": "",'
                ' "edges": [{"key": "a==x", "req_type": "install", "req": "a"}]}}'
            ),
            "Invalid version: 'x'",
        ),
        (
            (
                '{"": {"version": "0", "canonicalized_name": "",'
                ' "edges": [{"key": "a==1", "req_type": "toplevel", "req": "a"}]}}'
            ),
            "the request needs a==1, and there is no such node",
        ),
        (
            (
                '{"": {"version": "0", "canonicalized_name": "",'
                ' "edges": [{"key": "a\\nb==1", "req_type": "toplevel", "req": "a"}]}}'
            ),
            "name is invalid",
        ),
    ],
    ids=[
        "no JSON",
        "a list",
        "no root",
        "an empty edge",
        "no version",
        "a missing node",
        "a name of two lines",
    ],
)
def test_what_is_no_graph_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_graph(text, "g.json")

    assert words in str(caught.value)

"""The files that describe a run, to the letter."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    RequirementKind,
)
from builder.record.files import build_order, build_order_json, constraints_text, graph_json
from builder.record.reading import read_build_order, read_graph
from tests.facts import pin, wheel

EXPECTED = Path(__file__).parent / "expected"
APP, LIB, TOOL = pin("app==2.0"), pin("some-lib==1.1"), pin("tool==3")


def node(of: str, *environment: str, constraint: str = "") -> GraphNode:
    made = wheel(of)
    return GraphNode(
        pin=made.pin,
        source_url=f"https://files.index.example/{made.pin.name}-{made.pin.version}.tar.gz",
        source=Digest.of_bytes(f"sdist of {of}".encode()),
        wheel_filename=made.filename,
        wheel=made.digest,
        constraint=constraint,
        recipe=BuildRecipe(
            ("tool",),
            (),
            tuple(EnvironmentPart(wheel(one).pin, None, wheel(one).digest) for one in environment),
        ),
    )


GRAPH = DependencyGraph(
    {
        APP: node("app==2.0", "tool==3"),
        LIB: node("some-lib==1.1", "tool==3", constraint="some-lib<2"),
        TOOL: node("tool==3"),
    },
    (
        Dependency(None, APP, RequirementKind.TOPLEVEL, "app"),
        Dependency(APP, TOOL, RequirementKind.BUILD_SYSTEM, "tool>=3"),
        Dependency(APP, LIB, RequirementKind.INSTALL, "Some.Lib>=1; python_version > '3'"),
        Dependency(LIB, TOOL, RequirementKind.BUILD_BACKEND, "tool"),
    ),
)
INSTALL = tuple(edge for edge in GRAPH.edges if edge.child in (APP, LIB))
FILES = {
    "graph.json": graph_json(GRAPH),
    "build-order.json": build_order_json(GRAPH),
    "constraints.txt": constraints_text(INSTALL, GRAPH),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_it_was(name: str) -> None:
    assert FILES[name] == (EXPECTED / name).read_text()


def test_the_order_in_which_nodes_are_held_does_not_matter() -> None:
    turned = replace(GRAPH, nodes=dict(reversed(list(GRAPH.nodes.items()))))

    assert graph_json(turned) == FILES["graph.json"]
    assert build_order_json(turned) == FILES["build-order.json"]


def test_every_edge_leads_to_a_node() -> None:
    nodes = json.loads(FILES["graph.json"])

    assert {edge["key"] for one in nodes.values() for edge in one["edges"]} <= set(nodes)


def test_constraints_hold_what_is_installed_and_no_build_tools() -> None:
    assert "tool" not in FILES["constraints.txt"]


@given(st.lists(st.sets(st.integers(0, 30), max_size=4), min_size=31, max_size=31))
def test_whatever_a_build_needs_stands_before_it(needs: list[set[int]]) -> None:
    names = [f"p{number}==1" for number in range(31)]
    nodes = [
        node(names[number], *(names[need] for need in sorted(wanted) if need < number))
        for number, wanted in enumerate(needs)
    ]

    order = build_order(DependencyGraph({one.pin: one for one in nodes}, ()))

    assert len(order) == len(nodes)
    for one in nodes:
        place = order.index(one.pin)
        assert one.recipe is not None
        assert all(order.index(part.pin) < place for part in one.recipe.environment)


def test_a_long_chain_of_builds_is_no_trouble() -> None:
    names = [f"p{number}==1" for number in range(5000)]
    nodes = [node(name, *names[max(0, n - 1) : n]) for n, name in enumerate(names)]

    assert len(build_order(DependencyGraph({one.pin: one for one in nodes}, ()))) == 5000


def test_a_source_from_a_repository_is_told_as_such() -> None:
    url = f"git+https://git.example/app@{'0' * 40}"
    nodes = {**GRAPH.nodes, APP: replace(GRAPH.nodes[APP], source_url=url)}

    order = json.loads(build_order_json(DependencyGraph(nodes, GRAPH.edges)))

    assert {(entry["dist"], entry["source_url_type"]) for entry in order} == {
        ("app", "git"),
        ("some-lib", "sdist"),
        ("tool", "sdist"),
    }
    assert url in {entry["source_url"] for entry in order}


def test_a_source_where_settings_led_is_told_as_such_and_read_again() -> None:
    made = replace(node("a==1"), source_url="https://own.example/v1.tar.gz", by_settings=True)
    edges = (Dependency(None, made.pin, RequirementKind.TOPLEVEL, "a"),)
    graph = DependencyGraph({made.pin: made}, edges)

    text, order = graph_json(graph), build_order_json(graph)

    assert json.loads(text)["a==1"]["source_url_type"] == "override"
    assert [entry["source_url_type"] for entry in json.loads(order)] == ["override"]
    assert read_graph(text, "g.json").nodes[made.pin].by_settings
    assert read_build_order(order, "o.json")[0].by_settings

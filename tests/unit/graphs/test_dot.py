"""A graph as Graphviz draws it."""

import pytest

from builder.graphs.customized import Customized
from builder.graphs.dot import Selection, dot
from tests.facts import pin
from tests.graphs import edge, graph, node

NAMES = {
    name: pin(f"{name}==1").name for name in ("app", "settings", "patches", "plugin", "both", "lib")
}
SPECIAL = Customized(
    settings=frozenset({NAMES["settings"], NAMES["both"]}),
    patched=frozenset({NAMES["both"]}),
    patched_releases=frozenset({pin("patches==1")}),
    plugins=frozenset({NAMES["plugin"], NAMES["both"]}),
)
GRAPH = graph(
    edge("", "app==1"),
    edge("app==1", "lib==1", "install", 'lib; extra == "x"'),
    edge("lib==1", "settings==1", "install", "settings>=1"),
    edge("app==1", "plugin==1", "build-system"),
    edge("plugin==1", "both==1", "install"),
    edge("lib==1", "patches==1+local", "build-backend"),
    edge("app==1", "ready==1", "install"),
    nodes=[node("ready==1", pre_built=True)],
)


def test_shapes_tell_how_a_package_is_built() -> None:
    drawn = dot(GRAPH, SPECIAL, Selection())

    shapes = {
        line.split('"')[1]: line.split("shape=")[1].rstrip("]").split()[0]
        for line in drawn.splitlines()
        if "shape=" in line
    }
    assert shapes == {
        "*": "circle",
        "app==1": "oval",
        "lib==1": "oval",
        "settings==1": "box",
        "patches==1+local": "note",
        "plugin==1": "trapezium",
        "both==1": "tripleoctagon",
        "ready==1": "parallelogram",
    }


def arrows(selection: Selection) -> set[str]:
    lines = dot(GRAPH, SPECIAL, selection).splitlines()
    names = {line.split()[0]: line.split('"')[1] for line in lines if "shape=" in line}
    found = set()
    for line in lines:
        words = line.split()
        if "->" in words:
            dotted = " dotted" if "style=dotted" in line else ""
            found.add(f"{names[words[0]]} -> {names[words[2]]}{dotted}")
    return found


def test_arrows_of_builds_are_dotted() -> None:
    assert "app==1 -> plugin==1 dotted" in arrows(Selection())
    assert "app==1 -> lib==1" in arrows(Selection())


def test_without_builds_only_what_is_installed_is_left() -> None:
    assert arrows(Selection(install_only=True)) == {
        "* -> app==1",
        "app==1 -> lib==1",
        "app==1 -> ready==1",
        "lib==1 -> settings==1",
    }


def test_arrows_go_past_what_is_built_in_the_usual_way() -> None:
    assert arrows(Selection(overrides_only=True)) == {
        "* -> settings==1",
        "* -> ready==1",
        "* -> plugin==1 dotted",
        "* -> patches==1+local dotted",
        "plugin==1 -> both==1",
    }


def test_both_selections_can_be_had_at_once() -> None:
    assert arrows(Selection(install_only=True, overrides_only=True)) == {
        "* -> settings==1",
        "* -> ready==1",
    }


@pytest.mark.parametrize("text", ['a"]; evil [x="', "a\\", "a\n}\nevil"])
def test_text_from_upstream_stays_inside_its_quotes(text: str) -> None:
    lines = dot(graph(edge("", "a==1", "toplevel", text)), Customized(), Selection()).splitlines()

    assert len(lines) == 5
    tooltip = lines[3].partition("tooltip=")[2].removesuffix("]")
    inner = tooltip[1:-1].replace("\\\\", "").replace('\\"', "")
    assert tooltip[0] == tooltip[-1] == '"'
    assert '"' not in inner
    assert "\\" not in inner

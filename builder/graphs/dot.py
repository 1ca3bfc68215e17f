"""A graph as Graphviz draws it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.domain.graph import Dependency, DependencyGraph, GraphNode
from builder.domain.releases import Pin
from builder.graphs.adjacency import Adjacency, adjacency, installed
from builder.graphs.customized import Customized


@dataclass(frozen=True)
class Selection:
    """Which part is drawn.

    Attributes:
        install_only: leaves out what is there for builds alone.
        overrides_only: leaves out what is built in the usual way; arrows go past it.
    """

    install_only: bool = False
    overrides_only: bool = False


@dataclass(frozen=True)
class _Arrow:
    start: Pin | None
    end: Pin
    dotted: bool
    requirements: tuple[str, ...]


def dot(graph: DependencyGraph, customized: Customized, selection: Selection) -> str:
    """The text of a drawing.

    The request is a circle. A package is an oval; with settings a box, with patches a note, with a
    plugin a trapezium, with both a triple octagon; and a parallelogram where it is pre-built.
    What is there for builds alone has a dashed outline, and arrows of builds are dotted.
    """
    edges = adjacency(graph)
    closure = installed(edges)
    pins = [pin for pin in sorted(graph.nodes) if not selection.install_only or pin in closure]
    if selection.overrides_only:
        pins = [pin for pin in pins if customized.touches(pin) or graph.nodes[pin].pre_built]
    ids: dict[Pin | None, str] = {None: "node0"}
    ids.update((pin, f"node{number}") for number, pin in enumerate(pins, 1))
    lines = ["digraph {", '  node0 [label="*" shape=circle]']
    lines += [
        _node(ids[pin], graph.nodes[pin], customized, dashed=pin not in closure) for pin in pins
    ]
    lines += [_arrow(ids, arrow) for arrow in _arrows(edges, ids, selection)]
    return "\n".join([*lines, "}\n"])


def _node(name: str, node: GraphNode, customized: Customized, *, dashed: bool) -> str:
    style = " style=dashed" if dashed else ""
    label = _quoted(str(node.pin))
    return f"  {name} [label={label} shape={_shape(node, customized)}{style}]"


def _shape(node: GraphNode, customized: Customized) -> str:
    has_plugin = node.pin.name in customized.plugins
    has_patches = customized.has_patches(node.pin)
    shapes = (
        ("parallelogram", node.pre_built),
        ("tripleoctagon", has_plugin and has_patches),
        ("trapezium", has_plugin),
        ("note", has_patches),
        ("box", node.pin.name in customized.settings),
        ("oval", True),
    )
    return next(shape for shape, fits in shapes if fits)


def _arrow(ids: dict[Pin | None, str], arrow: _Arrow) -> str:
    tooltip = _quoted(", ".join(arrow.requirements))
    style = " style=dotted" if arrow.dotted else ""
    return f"  {ids[arrow.start]} -> {ids[arrow.end]} [tooltip={tooltip}{style}]"


def _quoted(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def _arrows(
    edges: Adjacency, drawn: Iterable[Pin | None], selection: Selection
) -> Iterator[_Arrow]:
    """One solid and one dotted arrow at most from each node to each other."""
    shown = set(drawn)
    for start in drawn:
        firm: set[Pin] = set()
        for arrow in _from(edges, start, shown, builds=False):
            firm.add(arrow.end)
            yield arrow
        if not selection.install_only:
            for arrow in _from(edges, start, shown, builds=True):
                if arrow.end not in firm:
                    yield arrow


def _from(
    edges: Adjacency, start: Pin | None, shown: set[Pin | None], *, builds: bool
) -> Iterator[_Arrow]:
    """Arrows to the nearest nodes that are drawn, past all that are not.

    Args:
        edges: of the graph.
        start: where the arrows begin.
        shown: what is drawn.
        builds: whether to go along build edges too; every arrow is then a dotted one.
    """
    labels: dict[Pin, dict[str, None]] = {}
    passed: set[Pin | None] = {start}
    stack: list[tuple[Pin | None, str]] = [(start, "")]
    while stack:
        pin, first = stack.pop()
        for edge in _followed(edges.children(pin), builds=builds):
            label = first or edge.requirement
            if edge.child in shown:
                labels.setdefault(edge.child, {})[label] = None
            elif edge.child not in passed:
                passed.add(edge.child)
                stack.append((edge.child, label))
    for end in sorted(labels):
        yield _Arrow(start, end, builds, tuple(sorted(labels[end])))


def _followed(edges: Iterable[Dependency], *, builds: bool) -> Iterator[Dependency]:
    return (edge for edge in edges if builds or not edge.kind.is_build)

"""The part of a graph that has to do with one package."""

from collections.abc import Iterable, Iterator
from enum import Enum

from builder.domain.graph import Dependency, DependencyGraph, RequirementKind
from builder.domain.releases import Pin
from builder.graphs.adjacency import adjacency, walked


class Direction(Enum):
    """Which way to go from the package."""

    DEPENDENCIES = "dependencies"
    DEPENDENTS = "dependents"
    BOTH = "both"


def subset(graph: DependencyGraph, pins: Iterable[Pin], direction: Direction) -> DependencyGraph:
    """The nodes that these releases need, or that need these, and every edge between them.

    Without dependents, the releases themselves become the request: a graph starts at the top.
    """
    edges = adjacency(graph)
    chosen = set(pins)
    kept: set[Pin | None] = set(chosen)
    if direction is not Direction.DEPENDENTS:
        kept |= walked(chosen, lambda pin: (edge.child for edge in edges.children(pin)))
    if direction is not Direction.DEPENDENCIES:
        start: set[Pin | None] = set(chosen)
        kept |= walked(
            start,
            lambda pin: (edge.parent for edge in (edges.parents(pin) if pin else ())),
        )
    inner = [edge for edge in graph.edges if edge.parent in kept and edge.child in kept]
    if direction is Direction.DEPENDENCIES:
        inner += _requests(graph, chosen)
    nodes = {pin: node for pin, node in graph.nodes.items() if pin in kept}
    sorted_edges = tuple(sorted(inner, key=lambda edge: edge.order))
    return DependencyGraph(nodes, sorted_edges, graph.built_for)


def _requests(graph: DependencyGraph, chosen: set[Pin]) -> Iterator[Dependency]:
    """What the user asked of these, or else that they are wanted as they are."""
    left = set(chosen)
    for edge in graph.edges:
        if edge.parent is None and edge.child in chosen:
            left.discard(edge.child)
            yield edge
    for pin in sorted(left):
        yield Dependency(None, pin, RequirementKind.TOPLEVEL, str(pin))

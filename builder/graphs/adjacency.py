"""A graph's edges by both of their ends, and walks along them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from builder.domain.graph import Dependency, DependencyGraph
from builder.domain.releases import Pin

Node = TypeVar("Node")


@dataclass(frozen=True)
class Adjacency:
    """Every edge twice: below its parent, where None is the request, and above its child."""

    below: Mapping[Pin | None, tuple[Dependency, ...]]
    above: Mapping[Pin, tuple[Dependency, ...]]

    def children(self, pin: Pin | None) -> tuple[Dependency, ...]:
        return self.below.get(pin, ())

    def parents(self, pin: Pin) -> tuple[Dependency, ...]:
        return self.above.get(pin, ())


def adjacency(graph: DependencyGraph) -> Adjacency:
    """The edges of a graph, found by their ends, each group in the graph's order."""
    below: dict[Pin | None, list[Dependency]] = {}
    above: dict[Pin, list[Dependency]] = {}
    for edge in graph.edges:
        below.setdefault(edge.parent, []).append(edge)
        above.setdefault(edge.child, []).append(edge)
    return Adjacency(
        {parent: tuple(edges) for parent, edges in below.items()},
        {child: tuple(edges) for child, edges in above.items()},
    )


def walked(starts: Iterable[Node], further: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """Everything that can be come to, the starts with it."""
    found = set(starts)
    stack = list(found)
    while stack:
        for node in further(stack.pop()):
            if node not in found:
                found.add(node)
                stack.append(node)
    return found


def installed(edges: Adjacency) -> set[Pin]:
    """What an installation of the request holds: all that edges other than builds' lead to."""

    def further(pin: Pin | None) -> Iterable[Pin | None]:
        return (edge.child for edge in edges.children(pin) if not edge.kind.is_build)

    start: list[Pin | None] = [None]
    return {pin for pin in walked(start, further) if pin is not None}

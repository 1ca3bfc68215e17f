"""Rings of builds that wait for each other, named edge by edge."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from builder.domain.build_needs import build_needs
from builder.domain.graph import Dependency, DependencyGraph
from builder.domain.releases import Pin
from builder.graphs.adjacency import Adjacency, adjacency
from builder.graphs.components import Needs, knots


@dataclass(frozen=True)
class Step:
    """One build that waits for a wheel.

    Attributes:
        way: the edges that lead from it to that wheel; empty where only its recorded environment
            names it.
    """

    waiting: Pin
    needed: Pin
    way: tuple[Dependency, ...]


@dataclass(frozen=True)
class Cycle:
    """A ring: the wheel that the last step needs is the one that the first step builds.

    Attributes:
        tangled: how many releases wait for each other in this knot; the ring is a shortest one.
    """

    steps: tuple[Step, ...]
    tangled: int


def build_cycles(graph: DependencyGraph) -> tuple[Cycle, ...]:
    """One ring from each knot of builds that can never start; seeds and staged wheels cut some."""
    needs = build_needs(graph)
    edges = adjacency(graph)
    return tuple(
        Cycle(tuple(_steps(edges, _ring(min(knot), knot, needs))), len(knot))
        for knot in sorted(knots(needs), key=min)
    )


def _ring(start: Pin, knot: set[Pin], needs: Needs) -> list[Pin]:
    """A shortest way from a release back to itself; the start stands at both ends."""
    before: dict[Pin, Pin] = {}
    queue = deque([start])
    while start not in before:
        pin = queue.popleft()
        for need in sorted(needs[pin]):
            if need in knot and need not in before:
                before[need] = pin
                queue.append(need)
    ring = [start, before[start]]
    while ring[-1] != start:
        ring.append(before[ring[-1]])
    return ring[::-1]


def _steps(edges: Adjacency, ring: list[Pin]) -> Iterator[Step]:
    for waiting, needed in pairwise(ring):
        yield Step(waiting, needed, _way(edges, waiting, needed))


def _way(edges: Adjacency, waiting: Pin, needed: Pin) -> tuple[Dependency, ...]:
    """A build edge, and install edges behind it, as few as will do."""
    reached: dict[Pin, Dependency] = {}
    queue: deque[Pin] = deque()
    frontier = [edge for edge in edges.children(waiting) if edge.kind.is_build]
    while True:
        for edge in frontier:
            if edge.child not in reached:
                reached[edge.child] = edge
                queue.append(edge.child)
        if needed in reached or not queue:
            return tuple(_back(reached, needed))
        frontier = [edge for edge in edges.children(queue.popleft()) if not edge.kind.is_build]


def _back(reached: Mapping[Pin, Dependency], needed: Pin) -> list[Dependency]:
    way: list[Dependency] = []
    pin: Pin | None = needed
    while pin is not None and pin in reached:
        way.append(reached[pin])
        if way[-1].kind.is_build:
            break
        pin = way[-1].parent
    return way[::-1]

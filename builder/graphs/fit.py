"""Which of several collections of packages already holds most of what a new one needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from builder.domain.graph import DependencyGraph
from builder.domain.releases import Pin
from builder.graphs.adjacency import Adjacency, adjacency, walked


@dataclass(frozen=True)
class Overlap:
    """How much of a package's closure one collection holds, in the very same versions."""

    collection: str
    existing: int
    new: int

    @property
    def total(self) -> int:
        return self.existing + self.new

    @property
    def percent(self) -> float:
        return round(100 * self.existing / self.total, 1)


@dataclass(frozen=True)
class Fit:
    """One package that was asked for, and every collection, the best first."""

    pin: Pin
    overlaps: tuple[Overlap, ...]


def best_fits(
    onboarding: DependencyGraph, collections: Mapping[str, DependencyGraph]
) -> tuple[Fit, ...]:
    """Compares what each requested package needs, itself and build tools included."""
    edges = adjacency(onboarding)
    asked = sorted({edge.child for edge in edges.children(None)})
    return tuple(_fit(pin, _closure(edges, pin), collections) for pin in asked)


def _closure(edges: Adjacency, pin: Pin) -> set[Pin]:
    return walked([pin], lambda one: (edge.child for edge in edges.children(one)))


def _fit(pin: Pin, closure: set[Pin], collections: Mapping[str, DependencyGraph]) -> Fit:
    overlaps = []
    for name, graph in collections.items():
        existing = sum(one in graph.nodes for one in closure)
        overlaps.append(Overlap(name, existing, len(closure) - existing))
    return Fit(pin, tuple(sorted(overlaps, key=lambda one: (one.new, one.collection))))

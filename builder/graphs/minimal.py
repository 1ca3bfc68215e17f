"""Which requirements need not be asked for, because others bring what they ask for."""

from collections.abc import Iterable, Sequence

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.graph import Dependency, DependencyGraph
from builder.domain.releases import Pin
from builder.graphs.acceptance import as_requirement
from builder.graphs.adjacency import Adjacency, adjacency, installed, walked
from builder.graphs.components import components


def redundant(requirements: Sequence[Requirement], graph: DependencyGraph) -> frozenset[int]:
    """The places of the requirements that the others bring along, extras and all.

    Pins (`==`) and URLs are never among them. Of requirements that bring each other along, the
    first one stays.
    """
    edges = adjacency(graph)
    request = _Request(edges, requirements)
    for place, requirement in enumerate(requirements):
        if _is_exact(requirement):
            request.keep(place)
    for place in _from_the_top(edges, requirements):
        if not request.brings(place):
            request.keep(place)
    return frozenset(range(len(requirements))) - request.kept


def named_by_url(urls: Iterable[str], graph: DependencyGraph) -> list[Requirement]:
    """The requirements of the request that lead to these URLs, as far as it has any."""
    wanted = set(urls)
    asked = (as_requirement(edge.requirement) for edge in graph.children(None))
    return [one for one in asked if one is not None and one.url in wanted]


def _is_exact(requirement: Requirement) -> bool:
    exact = any(one.operator in ("==", "===") for one in requirement.specifier)
    return exact or requirement.url is not None


class _Request:
    """The requirements that stay, and everything that those bring."""

    def __init__(self, edges: Adjacency, requirements: Sequence[Requirement]) -> None:
        self._edges = edges
        self._requirements = requirements
        self._requested = _requested(edges)
        self._edges_to: dict[NormalizedName, list[Dependency]] = {}
        for pin in installed(edges):
            inward = (edge for edge in edges.parents(pin) if not edge.kind.is_build)
            self._edges_to.setdefault(pin.name, []).extend(inward)
        self._brought: set[Pin] = set()
        self.kept: set[int] = set()

    def keep(self, place: int) -> None:
        self.kept.add(place)
        name = canonicalize_name(self._requirements[place].name)
        fresh = [pin for pin in self._requested.get(name, ()) if pin not in self._brought]
        self._brought |= walked(fresh, self._further)

    def _further(self, pin: Pin) -> Iterable[Pin]:
        return (
            edge.child
            for edge in self._edges.children(pin)
            if not edge.kind.is_build and edge.child not in self._brought
        )

    def brings(self, place: int) -> bool:
        """Whether something that is brought needs the same, or is about to be kept for it."""
        wanted = self._requirements[place]
        edges = self._edges_to.get(canonicalize_name(wanted.name), ())
        return place in self.kept or any(
            edge.parent in self._brought and _covers(edge, wanted) for edge in edges
        )


def _covers(edge: Dependency, wanted: Requirement) -> bool:
    needed = as_requirement(edge.requirement)
    return (
        needed is not None
        and needed.extras >= wanted.extras
        and wanted.specifier.contains(edge.child.version, prereleases=True)
    )


def _requested(edges: Adjacency) -> dict[NormalizedName, list[Pin]]:
    found: dict[NormalizedName, list[Pin]] = {}
    for edge in edges.children(None):
        found.setdefault(edge.child.name, []).append(edge.child)
    return found


def _from_the_top(edges: Adjacency, requirements: Sequence[Requirement]) -> list[int]:
    """The places of the requirements, so that what brings others comes before those."""
    needs = {
        pin: [edge.child for edge in edges.children(pin) if not edge.kind.is_build]
        for pin in installed(edges)
    }
    heights: dict[Pin, int] = {}
    for height, together in enumerate(components(needs)):
        heights.update(dict.fromkeys(together, height))
    requested = _requested(edges)

    def key(place: int) -> tuple[int, int]:
        pins = requested.get(canonicalize_name(requirements[place].name), ())
        return -max((heights[pin] for pin in pins), default=0), place

    return sorted(range(len(requirements)), key=key)

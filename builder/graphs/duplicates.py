"""Projects that an installation would hold in several versions, and what each consumer accepts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.graph import Dependency, DependencyGraph
from builder.domain.releases import Pin
from builder.graphs.acceptance import accepts
from builder.graphs.adjacency import Adjacency, adjacency, installed


@dataclass(frozen=True)
class Demand:
    """One requirement that led to one version, and those who have it.

    Attributes:
        version: what it led to.
        accepted: which of the versions in the graph would do.
        by: None is the request.
    """

    version: Version
    requirement: str
    accepted: tuple[Version, ...]
    by: tuple[Pin | None, ...]


@dataclass(frozen=True)
class Duplicate:
    """A project in several versions.

    Attributes:
        demands: ordered by the version that they led to.
        usable: the versions that would do for all, the highest last; empty for a conflict.
    """

    name: NormalizedName
    versions: tuple[Version, ...]
    demands: tuple[Demand, ...]
    usable: tuple[Version, ...]
    constraint: str = ""


def duplicates(graph: DependencyGraph) -> tuple[Duplicate, ...]:
    """Every project of the install closure that has several versions, by name."""
    edges = adjacency(graph)
    closure = installed(edges)
    versions = versions_by_name(closure)
    return tuple(
        _duplicate(graph, edges, closure, name, found)
        for name, found in sorted(versions.items())
        if len(found) > 1
    )


def versions_by_name(pins: Iterable[Pin]) -> Mapping[NormalizedName, tuple[Version, ...]]:
    """The versions of each project, ascending."""
    found: dict[NormalizedName, list[Version]] = {}
    for pin in sorted(pins):
        found.setdefault(pin.name, []).append(pin.version)
    return {name: tuple(versions) for name, versions in found.items()}


def demands_on(edges: Adjacency, pin: Pin, among: set[Pin]) -> tuple[Dependency, ...]:
    """The edges by which an installation needs a release.

    A project's own extras are not among them: they go along with whatever version it has.
    """
    return tuple(
        edge
        for edge in edges.parents(pin)
        if not edge.kind.is_build
        and (edge.parent is None or (edge.parent in among and edge.parent.name != pin.name))
    )


def _duplicate(
    graph: DependencyGraph,
    edges: Adjacency,
    closure: set[Pin],
    name: NormalizedName,
    versions: tuple[Version, ...],
) -> Duplicate:
    consumers: dict[tuple[Version, str], list[Dependency]] = {}
    for version in versions:
        for edge in demands_on(edges, Pin(name, version), closure):
            consumers.setdefault((version, edge.requirement), []).append(edge)
    demands = tuple(
        Demand(
            version,
            requirement,
            tuple(one for one in versions if accepts(group[0], one)),
            tuple(edge.parent for edge in group),
        )
        for (version, requirement), group in consumers.items()
    )
    usable = set(versions).intersection(*(demand.accepted for demand in demands))
    nodes = [graph.nodes[Pin(name, version)] for version in versions]
    constraint = next((node.constraint for node in nodes if node.constraint), "")
    return Duplicate(name, versions, demands, tuple(sorted(usable)), constraint)

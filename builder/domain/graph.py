"""The dependency graph: who needs whom, why, and from which bytes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from builder.domain.digests import Digest
from builder.domain.releases import Pin


class RequirementKind(Enum):
    """Why one package needs another. The values are those of Fromager's `req_type`."""

    TOPLEVEL = "toplevel"
    INSTALL = "install"
    BUILD_SYSTEM = "build-system"
    BUILD_BACKEND = "build-backend"


@dataclass(frozen=True)
class Dependency:
    """One edge. `parent` is None for what the user asked for."""

    parent: Pin | None
    child: Pin
    kind: RequirementKind
    requirement: str

    @property
    def order(self) -> tuple[str, str, str, str]:
        """A sort key that depends on nothing but the edge itself."""
        return (str(self.parent or ""), self.kind.value, str(self.child), self.requirement)


@dataclass(frozen=True)
class GraphNode:
    """One release and how it came to be."""

    pin: Pin
    source_url: str
    source: Digest
    wheel_filename: str
    wheel: Digest
    constraint: str
    environment: tuple[tuple[Pin, Digest], ...]
    """The wheels that its build saw."""


@dataclass(frozen=True)
class DependencyGraph:
    """Nodes by pin, and edges in a fixed order."""

    nodes: Mapping[Pin, GraphNode]
    edges: tuple[Dependency, ...]

    def children(self, parent: Pin | None) -> tuple[Dependency, ...]:
        return tuple(edge for edge in self.edges if edge.parent == parent)


def reachable(edges: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """The edges that can be walked to from the top, each once, in a fixed order."""
    by_parent: dict[Pin | None, list[Dependency]] = {}
    for edge in set(edges):
        by_parent.setdefault(edge.parent, []).append(edge)
    seen: set[Pin | None] = {None}
    stack: list[Pin | None] = [None]
    found: list[Dependency] = []
    while stack:
        for edge in by_parent.get(stack.pop(), ()):
            found.append(edge)
            if edge.child not in seen:
                seen.add(edge.child)
                stack.append(edge.child)
    return tuple(sorted(found, key=lambda edge: edge.order))

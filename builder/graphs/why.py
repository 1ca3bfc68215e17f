"""Why a package is in a graph: who needs it, and who needs those."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from builder.domain.graph import Dependency, RequirementKind
from builder.domain.releases import Pin
from builder.graphs.adjacency import Adjacency

UP_TO_THE_ROOT = -1


@dataclass(frozen=True)
class Reason:
    """One edge on the way up.

    Attributes:
        depth: 0 for what needs the package itself.
        elsewhere: whether the reasons for the edge's parent stand at another place, where the way
            down from it is shorter, or earlier.
    """

    depth: int
    edge: Dependency
    elsewhere: bool = False


def reasons(
    edges: Adjacency, pin: Pin, depth: int, kinds: Collection[RequirementKind] = ()
) -> Iterator[Reason]:
    """Every reason with those for its parent behind it; the parents of a node are told once.

    Args:
        edges: of the graph.
        pin: what to explain.
        depth: how many levels above the direct dependents to tell of.
        kinds: the kinds of edges to follow; none stands for all.
    """
    levels = _levels(edges, pin, kinds)
    told = {pin}
    stack = [(0, edge) for edge in reversed(_above(edges, pin, kinds))]
    while stack:
        level, edge = stack.pop()
        parent = edge.parent
        if parent is None or (depth != UP_TO_THE_ROOT and level >= depth):
            yield Reason(level, edge)
            continue
        if parent in told or levels[parent] != level + 1:
            yield Reason(level, edge, elsewhere=True)
            continue
        told.add(parent)
        yield Reason(level, edge)
        stack.extend((level + 1, above) for above in reversed(_above(edges, parent, kinds)))


def _above(
    edges: Adjacency, pin: Pin, kinds: Collection[RequirementKind]
) -> tuple[Dependency, ...]:
    return tuple(edge for edge in edges.parents(pin) if not kinds or edge.kind in kinds)


def _levels(edges: Adjacency, pin: Pin, kinds: Collection[RequirementKind]) -> dict[Pin, int]:
    """The length of the shortest way from each dependent down to `pin`."""
    levels = {pin: 0}
    queue = deque([pin])
    while queue:
        one = queue.popleft()
        for edge in _above(edges, one, kinds):
            if edge.parent is not None and edge.parent not in levels:
                levels[edge.parent] = levels[one] + 1
                queue.append(edge.parent)
    return levels

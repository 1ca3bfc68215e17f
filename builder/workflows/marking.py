"""From a lock that was built from in test mode to the graph of what is there now."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    GraphNode,
    RequirementKind,
    reachable,
)
from builder.domain.releases import Pin
from builder.workflows.packages import Package
from builder.workflows.recording import completed_graph, taints_of

_OF_BUILDS = (RequirementKind.BUILD_SYSTEM, RequirementKind.BUILD_BACKEND)


def marked_graph(
    lock: DependencyGraph, packages: Mapping[Pin, Package], replaced: Collection[Pin]
) -> DependencyGraph:
    """The same graph that a bootstrap in test mode leaves.

    Wheels that were put in place of failed builds are pre-built; what was built with them is
    tainted. Releases without a wheel are left out, and so is whatever only they need.
    """
    edges = reachable(edge for edge in lock.edges if _is_there(edge, packages, replaced))
    completed = completed_graph(lock, packages).nodes
    taints = taints_of(_recipes(completed.values()), replaced)
    nodes = {}
    for pin in sorted({edge.child for edge in edges}):
        node = completed[pin]
        if pin in replaced:
            node = _in_place(node, packages[pin])
        tainted_by = {*taints.get(pin, ()), *node.tainted_by}
        nodes[pin] = replace(node, tainted_by=tuple(sorted(tainted_by)))
    return DependencyGraph(nodes, edges, lock.built_for)


def _is_there(edge: Dependency, packages: Mapping[Pin, Package], replaced: Collection[Pin]) -> bool:
    if edge.child not in packages:
        return False
    if edge.parent is None:
        return True
    was_built = edge.parent not in replaced
    return edge.parent in packages and (was_built or edge.kind not in _OF_BUILDS)


def _in_place(node: GraphNode, package: Package) -> GraphNode:
    return replace(node, pre_built=True, source_url=package.source_url, staged=None)


def _recipes(nodes: Iterable[GraphNode]) -> Iterator[tuple[Pin, BuildRecipe]]:
    for node in nodes:
        for recipe in (node.recipe, node.staged):
            if recipe is not None:
                yield node.pin, recipe

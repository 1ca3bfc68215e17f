"""From a lock that was built from in test mode to the graph of what is there now."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from builder.domain.graph import (
    Dependency,
    DependencyGraph,
    GraphNode,
    RequirementKind,
    reachable,
)
from builder.domain.releases import Pin
from builder.workflows.packages import Package
from builder.workflows.recording import completed_graph

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
    taints = _taints(completed, replaced)
    nodes = {}
    for pin in sorted({edge.child for edge in edges}):
        node = completed[pin]
        if pin in replaced:
            node = _in_place(node, packages[pin])
        tainted_by = taints.get(pin, set()) | set(node.tainted_by)
        nodes[pin] = replace(node, tainted_by=tuple(sorted(tainted_by)))
    return DependencyGraph(nodes, edges)


def _is_there(edge: Dependency, packages: Mapping[Pin, Package], replaced: Collection[Pin]) -> bool:
    if edge.child not in packages:
        return False
    if edge.parent is None:
        return True
    was_built = edge.parent not in replaced
    return edge.parent in packages and (was_built or edge.kind not in _OF_BUILDS)


def _in_place(node: GraphNode, package: Package) -> GraphNode:
    return replace(node, pre_built=True, source_url=package.source_url, staged=None)


def _taints(nodes: Mapping[Pin, GraphNode], replaced: Collection[Pin]) -> dict[Pin, set[Pin]]:
    """For each release, the replaced ones that took part in it, through however many builds."""
    users: dict[Pin, set[Pin]] = {}
    for node in nodes.values():
        for part in _parts(node):
            users.setdefault(part, set()).add(node.pin)
    taints: dict[Pin, set[Pin]] = {}
    for source in replaced:
        stack = [source]
        while stack:
            pin = stack.pop()
            if source not in taints.setdefault(pin, set()):
                taints[pin].add(source)
                stack.extend(users.get(pin, ()))
    return taints


def _parts(node: GraphNode) -> Iterator[Pin]:
    for recipe in (node.recipe, node.staged):
        if recipe is not None:
            yield from (part.pin for part in recipe.environment)

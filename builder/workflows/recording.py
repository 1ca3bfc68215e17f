"""From what became of every package to the graph that records it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from packaging.utils import NormalizedName

from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    GraphNode,
    reachable,
)
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Pin
from builder.domain.repositories import is_repository
from builder.resolve.constraints import Constraint
from builder.workflows.flows import Step
from builder.workflows.packages import METADATA, PLAN, STAGED, STATED, WHEEL, Package, completed


def graph_of(
    results: Mapping[Step, Any],
    top: Iterable[Dependency],
    constraints: Mapping[NormalizedName, Constraint],
    replaced: frozenset[Pin] = frozenset(),
) -> DependencyGraph:
    """The graph of a run.

    Args:
        results: what each step led to; steps that failed are left out, and so is whatever only
            they need.
        top: the edges of the request.
        constraints: what held, by project.
        replaced: packages whose wheel was put in place of a build that failed.
    """
    packages = {**_packages(results, PLAN), **_packages(results, WHEEL)}
    staged = _packages(results, STAGED)
    every = [*top]
    for package in (*packages.values(), *staged.values()):
        every.extend(package.edges)
    edges = reachable(
        edge
        for edge in every
        if edge.child in packages and (edge.parent is None or edge.parent in packages)
    )
    built = (*packages.values(), *staged.values())
    taints = taints_of(((it.pin, it.recipe) for it in built if it.recipe is not None), replaced)
    nodes = {}
    for pin in sorted({edge.child for edge in edges}):
        constraint = constraints.get(pin.name)
        nodes[pin] = _node(
            packages[pin],
            f"{pin.name}{constraint.specifier}" if constraint is not None else "",
            _recipe(packages[pin], packages),
            _recipe(staged.get(pin), packages),
            _requires(packages[pin], results),
            taints.get(pin, ()),
        )
    return DependencyGraph(nodes, edges)


def _packages(results: Mapping[Step, Any], kind: str) -> dict[Pin, Package]:
    return {
        result.pin: result
        for step, result in results.items()
        if step.kind == kind and isinstance(result, Package)
    }


def _recipe(package: Package | None, packages: Mapping[Pin, Package]) -> BuildRecipe | None:
    if package is None or package.recipe is None:
        return None
    return completed(package.recipe, packages)


def _requires(package: Package, results: Mapping[Step, Any]) -> tuple[str, ...] | None:
    """The built wheel has the last word; before there is one, whatever resolution went by."""
    source = package.source_url if is_repository(package.source_url) else ""
    steps = [Step(kind, package.pin, source) for kind in (METADATA, STATED)]
    metadata = next((results[step] for step in steps if step in results), None)
    if package.wheel is not None:
        metadata = package.wheel.metadata
    if not isinstance(metadata, ReleaseMetadata):
        return None
    return tuple(str(requirement) for requirement in metadata.requires)


def _node(
    package: Package,
    constraint: str,
    recipe: BuildRecipe | None,
    staged: BuildRecipe | None,
    requires: tuple[str, ...] | None,
    tainted_by: tuple[Pin, ...],
) -> GraphNode:
    return GraphNode(
        pin=package.pin,
        source_url=package.source_url,
        source=package.source,
        constraint=constraint,
        pre_built=package.pre_built,
        recipe=recipe,
        staged=staged,
        requires=requires,
        wheel_filename=package.wheel.filename if package.wheel is not None else "",
        wheel=package.wheel.digest if package.wheel is not None else None,
        tainted_by=tainted_by,
        rebuilt=package.rebuilt,
        image=package.image,
    )


def taints_of(
    recipes: Iterable[tuple[Pin, BuildRecipe]], replaced: Collection[Pin]
) -> dict[Pin, tuple[Pin, ...]]:
    """For each release, the replaced ones that took part in it, through however many builds."""
    users: dict[Pin, set[Pin]] = {}
    for pin, recipe in recipes:
        for part in recipe.environment:
            users.setdefault(part.pin, set()).add(pin)
    taints: dict[Pin, set[Pin]] = {}
    for source in replaced:
        stack = [source]
        while stack:
            pin = stack.pop()
            if source not in taints.setdefault(pin, set()):
                taints[pin].add(source)
                stack.extend(users.get(pin, ()))
    return {pin: tuple(sorted(sources)) for pin, sources in taints.items()}


def completed_graph(graph: DependencyGraph, packages: Mapping[Pin, Package]) -> DependencyGraph:
    """A graph with what a build from it found out: digests, recipes, requirements, wheels."""
    return DependencyGraph(
        {
            pin: _completed_node(node, packages.get(pin), packages)
            for pin, node in graph.nodes.items()
        },
        graph.edges,
        graph.built_for,
    )


def _completed_node(
    node: GraphNode, package: Package | None, packages: Mapping[Pin, Package]
) -> GraphNode:
    if package is None or package.wheel is None:
        return node
    return replace(
        node,
        source_url=package.source_url if is_repository(node.source_url) else node.source_url,
        source=package.source,
        recipe=_recipe(package, packages),
        requires=tuple(str(one) for one in package.wheel.metadata.requires),
        rebuilt=package.rebuilt or node.rebuilt,
        wheel_filename=package.wheel.filename,
        wheel=package.wheel.digest,
    )

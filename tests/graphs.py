"""Short words for graphs: `graph(edge("", "app==1"), edge("app==1", "lib==2", "install"))`."""

from collections.abc import Iterable

from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    RequirementKind,
)
from builder.domain.releases import Pin
from tests.facts import pin


def edge(parent: str, child: str, kind: str = "toplevel", requirement: str = "") -> Dependency:
    """An edge between `name==version`s; no parent stands for the request."""
    to = pin(child)
    return Dependency(
        pin(parent) if parent else None, to, RequirementKind(kind), requirement or to.name
    )


def digest(text: str) -> Digest:
    return Digest.of_bytes(text.encode())


def node(
    of: str,
    *,
    environment: Iterable[str] | None = None,
    staged: Iterable[str] | None = None,
    recipe: BuildRecipe | None = None,
    staged_recipe: BuildRecipe | None = None,
    source: str | None = "",
    pre_built: bool = False,
    tainted_by: Iterable[str] = (),
    constraint: str = "",
) -> GraphNode:
    """A node; `source` makes the digest of its source archive, which None leaves out."""
    named = pin(of)
    return GraphNode(
        pin=named,
        source_url=f"https://files.index.example/{named.name}-{named.version}.tar.gz",
        source=None if source is None else digest(source or of),
        constraint=constraint,
        pre_built=pre_built,
        recipe=recipe or (None if environment is None else built_with(*environment)),
        staged=staged_recipe or (None if staged is None else built_with(*staged)),
        tainted_by=tuple(map(pin, tainted_by)),
    )


def built_with(*environment: str) -> BuildRecipe:
    """A recipe whose environment holds the graph's own wheels of these releases."""
    return BuildRecipe((), (), tuple(part(one) for one in environment))


def part(of: str) -> EnvironmentPart:
    return EnvironmentPart(pin(of), digest(of))


def graph(*edges: Dependency, nodes: Iterable[GraphNode] = ()) -> DependencyGraph:
    """A graph of these edges; a node that is not given is as bare as one of Fromager's."""
    found: dict[Pin, GraphNode] = {one.pin: one for one in nodes}
    for one in edges:
        for end in (one.parent, one.child):
            if end is not None and end not in found:
                found[end] = node(str(end))
    ordered = sorted(set(edges), key=lambda one: one.order)
    return DependencyGraph({one: found[one] for one in sorted(found)}, tuple(ordered))

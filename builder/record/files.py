"""The files that describe a run: graph.json, build-order.json and constraints.txt.

The schemas are Fromager's (its `graph.json` and `build-order.json`), with keys of our own added,
which its readers pass over. `docs/reference/files.md` describes them.
"""

import json
from collections.abc import Iterable, Mapping

from builder.domain.build_needs import build_needs
from builder.domain.graph import (
    BuildRecipe,
    BuiltFor,
    BuiltIn,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    Provision,
)
from builder.domain.releases import Pin
from builder.domain.repositories import is_repository


def graph_json(graph: DependencyGraph) -> str:
    """The dependency graph; the same graph gives the same text."""
    children: dict[Pin | None, list[Dependency]] = {None: []}
    for edge in graph.edges:
        children.setdefault(edge.parent, []).append(edge)
    top = _node(None, children[None])
    if graph.built_for is not None:
        top["built_for"] = _built_for(graph.built_for)
    nodes: dict[str, object] = {"": top}
    for pin in sorted(graph.nodes):
        nodes[str(pin)] = _node(graph.nodes[pin], children.get(pin, []))
    return json.dumps(nodes, indent=2) + "\n"


def build_order_json(graph: DependencyGraph) -> str:
    """Every release from the bottom up: whatever a build needs stands before it."""
    entries = []
    first_edge: dict[Pin, Dependency] = {}
    for edge in graph.edges:
        first_edge.setdefault(edge.child, edge)
    for pin in build_order(graph):
        node = graph.nodes[pin]
        entry: dict[str, object] = {
            "req": first_edge[pin].requirement if pin in first_edge else str(pin),
            "constraint": node.constraint,
            "dist": pin.name,
            "version": str(pin.version),
            "prebuilt": node.pre_built,
            "source_url": node.source_url,
            "source_url_type": _source_url_type(node),
        }
        entries.append(entry | _lock_fields(node))
    return json.dumps(entries, indent=2) + "\n"


def constraints_text(edges: Iterable[Dependency], graph: DependencyGraph) -> str:
    """`name==version` for whatever an installation of the top-level requirements holds."""
    pins = {edge.child for edge in edges if edge.child in graph.nodes}
    return "".join(f"{pin}\n" for pin in sorted(pins))


def merged_constraints_text(files: Iterable[str], specifiers: Mapping[str, str]) -> str:
    """Every constraint that held, whatever file it came from; markers are decided already."""
    lines = ["# auto-generated constraints file", *(f"# {file}" for file in files), ""]
    lines += [f"{name}{specifiers[name]}" for name in sorted(specifiers)]
    return "\n".join(lines) + "\n"


def build_order(graph: DependencyGraph) -> tuple[Pin, ...]:
    """Pins in an order in which they can be built, the same for the same graph.

    A build waits for every wheel of its environment, which holds what those need at run time too.
    What is part of a ring comes after whatever else its build needs.
    """
    needs = build_needs(graph)
    done: dict[Pin, None] = {}
    entered: set[Pin] = set()
    for root in sorted(graph.nodes):
        stack = [(root, False)]
        while stack:
            pin, leave = stack.pop()
            if leave:
                done.setdefault(pin)
                continue
            if pin in entered:
                continue
            entered.add(pin)
            stack.append((pin, True))
            waited_for = sorted(needs[pin], reverse=True)
            stack.extend((need, False) for need in waited_for if need not in entered)
    return tuple(done)


def _node(node: GraphNode | None, edges: Iterable[Dependency]) -> dict[str, object]:
    fields: dict[str, object] = {
        "download_url": node.source_url if node else "",
        "pre_built": node.pre_built if node else False,
        "version": str(node.pin.version) if node else "0",
        "canonicalized_name": node.pin.name if node else "",
        "constraint": (node.constraint or None) if node else None,
    }
    if node and node.by_settings:
        fields["source_url_type"] = _source_url_type(node)
    if node:
        fields |= _lock_fields(node)
    fields["edges"] = [
        {"key": str(edge.child), "req_type": edge.kind.value, "req": edge.requirement}
        for edge in edges
    ]
    return fields


def _source_url_type(node: GraphNode) -> str:
    if node.pre_built:
        return "prebuilt"
    if is_repository(node.source_url):
        return "git"
    return "override" if node.by_settings else "sdist"


def _lock_fields(node: GraphNode) -> dict[str, object]:
    """Our own keys, each only where something is known."""
    fields: dict[str, object] = {}
    if node.source is not None:
        fields["source_sha256"] = node.source.sha256
    if node.rebuilt is not None:
        fields["rebuilt"] = {
            "sha256": node.rebuilt.archive.sha256,
            "laid_down_sha256": node.rebuilt.laid_down.sha256,
        }
    if node.wheel is not None:
        fields |= {"wheel": node.wheel_filename, "wheel_sha256": node.wheel.sha256}
    if node.requires is not None:
        fields["requires_dist"] = list(node.requires)
    if node.recipe is not None:
        fields |= _recipe(node.recipe)
    if node.staged is not None:
        fields["staged"] = _recipe(node.staged)
    if node.tainted_by:
        fields["tainted_by"] = [str(pin) for pin in node.tainted_by]
    if node.image is not None:
        fields["built_in"] = _image(node.image)
    return fields


def _built_for(built_for: BuiltFor) -> dict[str, object]:
    return {
        "variant": built_for.variant,
        "platform": built_for.platform,
        "image": _image(built_for.image),
    }


def _image(image: BuiltIn) -> dict[str, object]:
    fields: dict[str, object] = {"name": image.name, "id": image.identifier}
    if image.system_packages:
        fields["system_packages"] = list(image.system_packages)
    return fields


def _recipe(recipe: BuildRecipe) -> dict[str, object]:
    return {
        "build_requires": {"system": list(recipe.system), "backend": list(recipe.backend)},
        "build_environment": [_part(part) for part in recipe.environment],
    }


def _part(part: EnvironmentPart) -> dict[str, object]:
    fields: dict[str, object] = {"key": str(part.pin)}
    if part.source is not None:
        fields["source_sha256"] = part.source.sha256
    if part.wheel is not None:
        fields["wheel_sha256"] = part.wheel.sha256
    if part.provision is not Provision.BUILT:
        fields["provision"] = part.provision.value
    return fields

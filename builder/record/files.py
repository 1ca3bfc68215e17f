"""The files that describe a run: graph.json, build-order.json and constraints.txt.

The schemas are Fromager's (its `graph.json` and `build-order.json`), with keys of our own added:
`source_sha256`, `wheel`, `wheel_sha256` and `build_environment`.
"""

import json
from collections.abc import Iterable

from builder.domain.graph import Dependency, DependencyGraph, GraphNode
from builder.domain.releases import Pin


def graph_json(graph: DependencyGraph) -> str:
    """The dependency graph; the same graph gives the same text."""
    children: dict[Pin | None, list[Dependency]] = {None: []}
    for edge in graph.edges:
        children.setdefault(edge.parent, []).append(edge)
    nodes: dict[str, object] = {"": _node(None, children[None])}
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
        entries.append(
            {
                "req": first_edge[pin].requirement,
                "constraint": node.constraint,
                "dist": pin.name,
                "version": str(pin.version),
                "prebuilt": False,
                "source_url": node.source_url,
                "source_url_type": "sdist",
                "source_sha256": node.source.sha256,
            }
        )
    return json.dumps(entries, indent=2) + "\n"


def constraints_text(edges: Iterable[Dependency], graph: DependencyGraph) -> str:
    """`name==version` for whatever an installation of the top-level requirements holds."""
    pins = {edge.child for edge in edges if edge.child in graph.nodes}
    return "".join(f"{pin}\n" for pin in sorted(pins))


def build_order(graph: DependencyGraph) -> tuple[Pin, ...]:
    """Pins in an order in which they can be built, the same for the same graph.

    A build waits for every wheel of its environment, which holds what those need at run time too.
    """
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
            needs = sorted((need for need, _ in graph.nodes[pin].environment), reverse=True)
            stack.extend((need, False) for need in needs if need not in entered)
    return tuple(done)


def _node(node: GraphNode | None, edges: Iterable[Dependency]) -> dict[str, object]:
    fields: dict[str, object] = {
        "download_url": node.source_url if node else "",
        "pre_built": False,
        "version": str(node.pin.version) if node else "0",
        "canonicalized_name": node.pin.name if node else "",
        "constraint": (node.constraint or None) if node else None,
    }
    if node:
        fields |= {
            "source_sha256": node.source.sha256,
            "wheel": node.wheel_filename,
            "wheel_sha256": node.wheel.sha256,
            "build_environment": [
                {"key": str(pin), "wheel_sha256": digest.sha256} for pin, digest in node.environment
            ],
        }
    fields["edges"] = [
        {"key": str(edge.child), "req_type": edge.kind.value, "req": edge.requirement}
        for edge in edges
    ]
    return fields

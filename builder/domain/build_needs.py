"""Which wheels of a graph each of its builds waits for."""

from collections.abc import Iterable, Iterator, Mapping

from builder.domain.graph import BuildRecipe, DependencyGraph, Provision
from builder.domain.releases import Pin

_Children = Mapping[Pin, list[Pin]]


def build_needs(graph: DependencyGraph) -> Mapping[Pin, frozenset[Pin]]:
    """For every release, the graph's own wheels without which its build cannot start.

    That is its environment, or what edges tell of it where nobody recorded one. Seeds are there
    already, and what is staged is made beside the graph, though it waits for wheels in turn.
    A release that needs itself, by way of others or not, is among its own needs.
    """
    build: dict[Pin, list[Pin]] = {}
    install: dict[Pin, list[Pin]] = {}
    for edge in graph.edges:
        if edge.parent is not None:
            kind = build if edge.kind.is_build else install
            kind.setdefault(edge.parent, []).append(edge.child)
    closures: dict[frozenset[Pin], frozenset[Pin]] = {}
    needs: dict[Pin, frozenset[Pin]] = {}
    for pin, node in graph.nodes.items():
        if node.pre_built:
            needs[pin] = frozenset()
        elif node.recipe is not None:
            needs[pin] = frozenset(it for it in _recorded(graph, node.recipe) if it in graph.nodes)
        else:
            # Most packages ask for the same few tools, which are followed once.
            asked = frozenset(build.get(pin, ()))
            if asked not in closures:
                closures[asked] = _installed_with(asked, install)
            needs[pin] = closures[asked]
    return needs


def _installed_with(pins: Iterable[Pin], install: _Children) -> frozenset[Pin]:
    found = set(pins)
    stack = list(found)
    while stack:
        for child in install.get(stack.pop(), ()):
            if child not in found:
                found.add(child)
                stack.append(child)
    return frozenset(found)


def _recorded(graph: DependencyGraph, recipe: BuildRecipe) -> Iterator[Pin]:
    entered: set[Pin] = set()
    pending = [recipe]
    while pending:
        for part in pending.pop().environment:
            if part.provision is Provision.BUILT:
                yield part.pin
            elif part.provision is Provision.STAGED and part.pin not in entered:
                entered.add(part.pin)
                node = graph.nodes.get(part.pin)
                if node is not None and node.staged is not None:
                    pending.append(node.staged)

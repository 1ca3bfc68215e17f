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
    return {pin: frozenset(_needs(graph, pin, build, install)) for pin in graph.nodes}


def _needs(graph: DependencyGraph, pin: Pin, build: _Children, install: _Children) -> Iterable[Pin]:
    node = graph.nodes[pin]
    if node.pre_built:
        return ()
    if node.recipe is None:
        return _installed_with(build.get(pin, ()), install)
    return (need for need in _recorded(graph, node.recipe) if need in graph.nodes)


def _installed_with(pins: Iterable[Pin], install: _Children) -> set[Pin]:
    found = set(pins)
    stack = list(found)
    while stack:
        for child in install.get(stack.pop(), ()):
            if child not in found:
                found.add(child)
                stack.append(child)
    return found


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

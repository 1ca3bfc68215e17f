"""How many packages of a graph are out of the ordinary, and in which way."""

from dataclasses import dataclass

from packaging.utils import NormalizedName

from builder.domain.graph import DependencyGraph
from builder.graphs.customized import Customized


@dataclass(frozen=True)
class Statistics:
    """Numbers of projects; one that is there in several versions counts once."""

    packages: int
    releases: int
    constrained: int
    with_settings: int
    pre_built: int
    patched: int
    with_plugins: int


def statistics(graph: DependencyGraph, customized: Customized) -> Statistics:
    """Counts."""
    names = {pin.name for pin in graph.nodes}
    constrained: set[NormalizedName] = set()
    pre_built: set[NormalizedName] = set()
    patched: set[NormalizedName] = set()
    for pin, node in graph.nodes.items():
        if node.constraint:
            constrained.add(pin.name)
        if node.pre_built:
            pre_built.add(pin.name)
        if customized.has_patches(pin):
            patched.add(pin.name)
    return Statistics(
        packages=len(names),
        releases=len(graph.nodes),
        constrained=len(constrained),
        with_settings=len(names & customized.settings),
        pre_built=len(pre_built),
        patched=len(patched),
        with_plugins=len(names & customized.plugins),
    )

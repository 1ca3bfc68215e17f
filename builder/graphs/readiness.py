"""In which order a graph can be built: what becomes ready once what is there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from packaging.utils import NormalizedName

from builder.domain.build_needs import build_needs
from builder.domain.graph import DependencyGraph
from builder.domain.releases import Pin


@dataclass(frozen=True)
class Readiness:
    """When one build can start.

    Attributes:
        needs: the wheels that it waits for.
        after: those of them that no other one of them waits for anyway.
        depth: how many builds must be done one after the other before it.
        alone: whether no other build may run beside it.
    """

    pin: Pin
    needs: tuple[Pin, ...]
    after: tuple[Pin, ...]
    depth: int
    alone: bool = False


@dataclass(frozen=True)
class BuildOutlook:
    """What there is to build, and in which order.

    Attributes:
        builds: by depth, then by name.
        pre_built: what is not built at all.
        never: what waits for itself, and what waits for that.
    """

    builds: tuple[Readiness, ...]
    pre_built: tuple[Pin, ...]
    never: tuple[Pin, ...]


def outlook(graph: DependencyGraph, alone: Collection[NormalizedName] = ()) -> BuildOutlook:
    """Says of every build what it waits for; nothing waits for more than that.

    Args:
        graph: what to build.
        alone: the projects whose settings ask for an exclusive build.
    """
    pre_built = {pin for pin, node in graph.nodes.items() if node.pre_built}
    needs = {
        pin: needed - pre_built
        for pin, needed in build_needs(graph).items()
        if pin not in pre_built
    }
    depths = _depths(needs)
    builds = [
        Readiness(
            pin, tuple(sorted(needs[pin])), _last(needs, needs[pin]), depth, pin.name in alone
        )
        for pin, depth in depths.items()
    ]
    return BuildOutlook(
        tuple(sorted(builds, key=lambda build: (build.depth, build.pin))),
        tuple(sorted(pre_built)),
        tuple(sorted(needs.keys() - depths.keys())),
    )


def _depths(needs: Mapping[Pin, frozenset[Pin]]) -> dict[Pin, int]:
    """The longest chain below each build, for every build that can be come to."""
    dependents: dict[Pin, list[Pin]] = {}
    for pin, needed in needs.items():
        for need in needed:
            dependents.setdefault(need, []).append(pin)
    missing = {pin: len(needed) for pin, needed in needs.items()}
    depths = {pin: 0 for pin, count in missing.items() if not count}
    stack = list(depths)
    while stack:
        done = stack.pop()
        for pin in dependents.get(done, ()):
            missing[pin] -= 1
            if not missing[pin]:
                depths[pin] = 1 + max(depths[need] for need in needs[pin])
                stack.append(pin)
    return depths


def _last(needs: Mapping[Pin, frozenset[Pin]], needed: frozenset[Pin]) -> tuple[Pin, ...]:
    implied = {deeper for need in needed for deeper in needs[need]}
    return tuple(sorted(needed - implied))

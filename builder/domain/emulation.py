"""How much longer work takes where a processor is emulated, from what was measured."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean

from builder.domain.releases import Pin

PATIENCE = 10
"""How many times as long as a native container an emulated one may run, by default."""


@dataclass(frozen=True)
class BuildTime:
    """How long the container ran that built a wheel.

    Attributes:
        emulated: the architecture whose processor was emulated; empty where the host's own ran.
        reused: whether that was in an earlier run.
    """

    pin: Pin
    seconds: float
    emulated: str = ""
    reused: bool = False


@dataclass(frozen=True)
class Factor:
    """The same work, done both ways."""

    native_seconds: float
    emulated_seconds: float

    @property
    def times(self) -> float:
        """How many times as long it took under emulation."""
        return self.emulated_seconds / self.native_seconds


@dataclass(frozen=True)
class Compared:
    """What releases say of emulation that were built natively as well."""

    releases: int
    factor: Factor


def compared(builds: Iterable[BuildTime], architecture: str) -> Compared | None:
    """Sets against one another the builds of those releases that were built in both ways.

    A release that was built several times in one way counts with the mean of them.

    Returns:
        None where there is nothing to compare.
    """
    native: defaultdict[Pin, list[float]] = defaultdict(list)
    emulated: defaultdict[Pin, list[float]] = defaultdict(list)
    for build in builds:
        if build.seconds > 0 and build.emulated in ("", architecture):
            (emulated if build.emulated else native)[build.pin].append(build.seconds)
    both = native.keys() & emulated.keys()
    if not both:
        return None
    factor = Factor(
        sum(mean(native[pin]) for pin in both), sum(mean(emulated[pin]) for pin in both)
    )
    return Compared(len(both), factor)

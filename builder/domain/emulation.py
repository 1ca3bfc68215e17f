"""How much longer work takes where a processor is emulated, from what was measured."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import mean

from builder.domain.releases import Pin

PATIENCE = 10
"""How many times as long as a native container an emulated one may run, by default."""


EMULATOR_VARIABLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "arm64": (("QEMU_CPU", "cortex-a72"),)
}
"""By emulated architecture, what its emulator is told by the variables of whatever it runs.

The processor that qemu plays by default signs return addresses, as Debian's programs ask of it, by
a cipher that takes ten times as long as all else together. One of ARMv8.0 does not sign. What is
found to run on it runs on every other one, too.
"""


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


@dataclass(frozen=True)
class Timings:
    """What was measured in a run.

    Attributes:
        factors: by emulated architecture, what a fixed piece of work says of it.
    """

    builds: tuple[BuildTime, ...] = ()
    factors: Mapping[str, Factor] = field(default_factory=dict)

    @property
    def emulated(self) -> tuple["Emulation", ...]:
        """The builds under emulation, counted for each architecture."""
        found: defaultdict[str, list[BuildTime]] = defaultdict(list)
        for build in self.builds:
            if build.emulated:
                found[build.emulated].append(build)
        return tuple(
            Emulation(
                architecture,
                len(builds),
                sum(build.seconds for build in builds),
                self.factors.get(architecture),
                compared(self.builds, architecture),
            )
            for architecture, builds in sorted(found.items())
        )


@dataclass(frozen=True)
class Emulation:
    """What an emulated architecture had to do, and what that cost.

    Attributes:
        seconds: of all its builds together.
        fixed_work: what a fixed piece of work says of the cost.
        releases: what the builds themselves say of it.
    """

    architecture: str
    builds: int
    seconds: float
    fixed_work: Factor | None
    releases: Compared | None

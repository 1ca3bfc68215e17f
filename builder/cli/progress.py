"""Shows a run as it goes: live where there is a terminal, one line an event elsewhere."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from builder.cli.telling import console, tell
from builder.domain.emulation import BuildTime, Factor, Timings
from builder.domain.events import (
    BuildTook,
    EmulationMeasured,
    Event,
    Noted,
    PackageFailed,
    PackageMoved,
    Stage,
)
from builder.domain.releases import Pin

_ACTIVE = (Stage.BUILDING, Stage.ASKING, Stage.PREPARING, Stage.FETCHING)
_QUIET = (Stage.ASKING, Stage.FETCHING, Stage.PREPARING, Stage.WAITING)
_BEFORE_A_BUILD = (Stage.WAITING, Stage.ASKING, Stage.PLANNED)
_SHOWN_WAITING = 5
_NO_FACTOR = "how much longer it takes is not known, as no native image like this one is here"


@dataclass
class Tally:
    """What happened so far."""

    stages: dict[Pin, Stage] = field(default_factory=dict)
    since: dict[Pin, float] = field(default_factory=dict)
    waits_for: dict[Pin, tuple[Pin, ...]] = field(default_factory=dict)
    reused: set[Pin] = field(default_factory=set)
    shared: dict[Pin, str] = field(default_factory=dict)
    """Of pure wheels that another variant built: the image."""
    emulated: dict[Pin, str] = field(default_factory=dict)
    """Of packages whose container runs under emulation now: the architecture."""
    times: list[BuildTime] = field(default_factory=list)
    factors: dict[str, Factor] = field(default_factory=dict)
    """By emulated architecture, what a fixed piece of work says of it."""

    def count(self, *stages: Stage) -> int:
        return sum(stage in stages for stage in self.stages.values())

    @property
    def over(self) -> set[Pin]:
        ends = (Stage.BUILT, Stage.PLANNED, Stage.REPLACED, Stage.FAILED, Stage.BLOCKED)
        return {pin for pin, stage in self.stages.items() if stage in ends}


class Progress:
    """Hears events from any thread, and tells of them."""

    def __init__(self) -> None:
        self._console = console()
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._tallies: dict[str, Tally] = {}

    def __call__(self, event: Event) -> None:
        self._hear("", event)

    def of(self, variant: str) -> Callable[[Event], None]:
        """Hears of one variant, in a run that has several."""
        return partial(self._hear, variant)

    def tally_of(self, variant: str) -> Tally:
        """What happened for a variant; in a run that has only one, whatever it is called."""
        return self._tallies.get(variant) or self._tallies.setdefault("", Tally())

    @property
    def timings(self) -> Timings:
        """What was measured, for all variants together."""
        with self._lock:
            tallies = list(self._tallies.values())
        return Timings(
            tuple(time for tally in tallies for time in tally.times),
            {name: factor for tally in tallies for name, factor in tally.factors.items()},
        )

    def _hear(self, variant: str, event: Event) -> None:
        now = time.monotonic()
        with self._lock:
            tally = self._tallies.setdefault(variant, Tally())
            line = _take(tally, event, now)
        if line is not None:
            warning = "warning: " if line.level == logging.WARNING else ""
            whose = f"{variant}: " if variant else ""
            tell(f"{whose}{line.text}", line.level, stamp=f"[{now - self._began:7.1f} s] {warning}")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keeps a live view at the bottom of a terminal while the block runs."""
        if not self._console.is_terminal:
            yield
            return
        live = Live(
            console=self._console,
            get_renderable=self._view,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with live:
            yield

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def _view(self) -> RenderableType:
        now = time.monotonic()
        with self._lock:
            every = sorted(self._tallies.items())
            active = [line for whose, tally in every for line in _active(whose, tally, now)]
            waiting = [line for whose, tally in every for line in _waiting(whose, tally)]
            tallies = [tally for _, tally in every]
        lines = [Text(line, style="cyan") for line in active]
        lines += [Text(line, style="dim") for line in waiting[:_SHOWN_WAITING]]
        if len(waiting) > _SHOWN_WAITING:
            lines.append(Text(f"  … {len(waiting) - _SHOWN_WAITING} more wait", style="dim"))
        done = sum(tally.count(Stage.BUILT) for tally in tallies)
        failed = sum(tally.count(Stage.FAILED, Stage.BLOCKED) for tally in tallies)
        summary = f"{done} built, {failed} failed, {len(waiting)} waiting"
        lines.append(Text(f"  {summary}, {now - self._began:.0f} s", style="bold"))
        return Group(*lines)


@dataclass(frozen=True)
class _Line:
    text: str
    level: int = logging.INFO


def _active(whose: str, tally: Tally, now: float) -> Iterator[str]:
    for pin, stage in sorted(tally.stages.items()):
        if stage in _ACTIVE:
            how = _emulation(tally.emulated.get(pin, ""))
            yield f"  {stage.value:10} {_named(whose, pin)}  {now - tally.since[pin]:.0f} s{how}"


def _waiting(whose: str, tally: Tally) -> Iterator[str]:
    over = tally.over
    for pin, stage in sorted(tally.stages.items()):
        if stage is Stage.WAITING:
            needs = [str(need) for need in tally.waits_for.get(pin, ()) if need not in over]
            shown = ", ".join(needs[:4]) + (" …" if len(needs) > 4 else "")
            yield f"  waiting    {_named(whose, pin)}  for {shown or 'a free place'}"


def _named(whose: str, pin: Pin) -> str:
    return f"{pin} ({whose})" if whose else str(pin)


def _take(tally: Tally, event: Event, now: float) -> _Line | None:
    match event:
        case Noted(text, warning):
            return _Line(text, logging.WARNING if warning else logging.INFO)
        case PackageFailed(failure):
            blocked = failure.blocked_by is not None
            tally.stages[failure.pin] = Stage.BLOCKED if blocked else Stage.FAILED
            reason = failure.reason if blocked else f"{failure.phase.value}: {failure.reason}"
            told = f"{'blocked' if blocked else 'failed':9} {failure.pin}: {reason}"
            return _Line(told, logging.ERROR)
        case BuildTook(took):
            tally.times.append(took)
            return None
        case EmulationMeasured(architecture, factor):
            if factor is None:
                return _Line(f"emulated {architecture}: {_NO_FACTOR}")
            tally.factors[architecture] = factor
            return _Line(measured_line(architecture, factor))
        case PackageMoved():
            return _move(tally, event, now)


def _move(tally: Tally, event: PackageMoved, now: float) -> _Line | None:
    pin, stage = event.pin, event.stage
    started = tally.since.get(pin, now)
    if stage is Stage.REUSED:
        tally.reused.add(pin)
        return _Line(f"reused    {pin}", logging.DEBUG)
    if stage is Stage.SHARED:
        tally.shared[pin] = event.image
        return None
    if stage is Stage.WAITING:
        tally.waits_for[pin] = event.waits_for
    if stage in _BEFORE_A_BUILD and pin in tally.over:
        return None  # a wheel is there already, and something else is asked of the release
    tally.stages[pin] = stage
    tally.since[pin] = now
    tally.emulated.pop(pin, None)
    if event.emulated:
        tally.emulated[pin] = event.emulated
    if stage is Stage.BUILT:
        how = "from the store" if pin in tally.reused else f"in {now - started:.1f} s"
        if pin in tally.shared:
            how = f"natively in image {tally.shared[pin]}: a pure wheel"
        return _Line(f"built     {pin} {how} ({tally.count(Stage.BUILT)} done)")
    told = f"{stage.value:9} {pin}{_emulation(event.emulated)}"
    return _Line(told, logging.DEBUG if stage in _QUIET else logging.INFO)


def measured_line(architecture: str, factor: Factor) -> str:
    """What was measured of emulation, for people."""
    return (
        f"emulated {architecture}: a fixed piece of work took {factor.emulated_seconds:.1f} s,"
        f" {factor.times:.1f} times as long as natively"
    )


def _emulation(architecture: str) -> str:
    return f" under emulation (qemu, {architecture})" if architecture else ""


def terminal_progress() -> Progress:
    """Progress on standard error: standard output is for data."""
    return Progress()

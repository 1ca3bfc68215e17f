"""Shows a run as it goes: live where there is a terminal, one line an event elsewhere."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from builder.cli.telling import console, tell
from builder.domain.emulation import BuildTime, Factor
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


@dataclass
class Tally:
    """What happened so far."""

    stages: dict[Pin, Stage] = field(default_factory=dict)
    since: dict[Pin, float] = field(default_factory=dict)
    waits_for: dict[Pin, tuple[Pin, ...]] = field(default_factory=dict)
    reused: set[Pin] = field(default_factory=set)
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
        self.tally = Tally()

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        with self._lock:
            line = self._take(event, now)
        if line is not None:
            warning = "warning: " if line.level == logging.WARNING else ""
            tell(line.text, line.level, stamp=f"[{now - self._began:7.1f} s] {warning}")

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

    def _take(self, event: Event, now: float) -> "_Line | None":
        match event:
            case Noted(text, warning):
                return _Line(text, logging.WARNING if warning else logging.INFO)
            case PackageFailed(failure):
                blocked = failure.blocked_by is not None
                self.tally.stages[failure.pin] = Stage.BLOCKED if blocked else Stage.FAILED
                reason = failure.reason if blocked else f"{failure.phase.value}: {failure.reason}"
                told = f"{'blocked' if blocked else 'failed':9} {failure.pin}: {reason}"
                return _Line(told, logging.ERROR)
            case BuildTook(took):
                self.tally.times.append(took)
                return None
            case EmulationMeasured(architecture, factor):
                if factor is None:
                    return None
                self.tally.factors[architecture] = factor
                return _Line(measured_line(architecture, factor))
            case PackageMoved():
                return self._move(event, now)

    def _move(self, event: PackageMoved, now: float) -> "_Line | None":
        tally, pin, stage = self.tally, event.pin, event.stage
        started = tally.since.get(pin, now)
        if stage is Stage.REUSED:
            tally.reused.add(pin)
            return _Line(f"reused    {pin}", logging.DEBUG)
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
            return _Line(f"built     {pin} {how} ({tally.count(Stage.BUILT)} done)")
        told = f"{stage.value:9} {pin}{_emulation(event.emulated)}"
        return _Line(told, logging.DEBUG if stage in _QUIET else logging.INFO)

    def _view(self) -> RenderableType:
        now = time.monotonic()
        with self._lock:
            tally = self.tally
            lines = [
                Text(
                    f"  {stage.value:10} {pin}  {now - tally.since[pin]:.0f} s"
                    f"{_emulation(tally.emulated.get(pin, ''))}",
                    style="cyan",
                )
                for pin, stage in sorted(tally.stages.items())
                if stage in _ACTIVE
            ]
            over = tally.over
            waiting = [pin for pin, stage in sorted(tally.stages.items()) if stage is Stage.WAITING]
            for pin in waiting[:_SHOWN_WAITING]:
                needs = [str(need) for need in tally.waits_for.get(pin, ()) if need not in over]
                shown = ", ".join(needs[:4]) + (" …" if len(needs) > 4 else "")
                lines.append(
                    Text(f"  waiting    {pin}  for {shown or 'a free place'}", style="dim")
                )
            if len(waiting) > _SHOWN_WAITING:
                lines.append(Text(f"  … {len(waiting) - _SHOWN_WAITING} more wait", style="dim"))
            done, failed = tally.count(Stage.BUILT), tally.count(Stage.FAILED, Stage.BLOCKED)
            summary = f"{done} built, {failed} failed, {len(waiting)} waiting"
            lines.append(Text(f"  {summary}, {now - self._began:.0f} s", style="bold"))
        return Group(*lines)


@dataclass(frozen=True)
class _Line:
    text: str
    level: int = logging.INFO


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

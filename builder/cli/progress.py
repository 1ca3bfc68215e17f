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
from builder.domain.events import Event, Noted, PackageFailed, PackageMoved, Stage
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
        if stage is Stage.BUILT:
            how = "from the store" if pin in tally.reused else f"in {now - started:.1f} s"
            return _Line(f"built     {pin} {how} ({tally.count(Stage.BUILT)} done)")
        return _Line(f"{stage.value:9} {pin}", logging.DEBUG if stage in _QUIET else logging.INFO)

    def _view(self) -> RenderableType:
        now = time.monotonic()
        with self._lock:
            tally = self.tally
            lines = [
                Text(f"  {stage.value:10} {pin}  {now - tally.since[pin]:.0f} s", style="cyan")
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


def terminal_progress() -> Progress:
    """Progress on standard error: standard output is for data."""
    return Progress()

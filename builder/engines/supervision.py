"""How a running container is watched, whatever the engine: its output, its limits, its end."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from builder.domain.containers import ContainerExit, Ending, Limits
from builder.errors import EngineError

KILLED = 137
_LOOK_EVERY = 0.05
_KILL_AGAIN_AFTER = 2.0
_GIVE_UP_AFTER = 30.0


@dataclass(frozen=True)
class Exit:
    """What the engine says about a container that has exited."""

    status: int
    out_of_memory: bool


class Started(Protocol):
    """A container that runs, with its output attached."""

    def chunks(self) -> Iterator[bytes]: ...

    def break_off(self) -> None:
        """Ends `chunks`, since the engine does not."""
        ...

    def kill(self) -> None:
        """Asks the engine to kill every process of the container; fine if none is left."""
        ...

    def wait(self) -> Exit:
        """Returns once the container has exited."""
        ...


def supervise(
    container: Started, limits: Limits, output: Callable[[bytes], None], stop: threading.Event
) -> ContainerExit:
    """Hands on the output until the container ends, or ends it when a limit or `stop` says so.

    Raises:
        EngineError: the engine went away.
    """
    began = time.monotonic()
    with _Watch(container, began + limits.wall_seconds, stop) as watch:
        _forward(container.chunks(), limits.output_bytes, output, watch)
        exited = container.wait()
    return _judged(exited, watch.cause, time.monotonic() - began)


class _Watch:
    """Looks at the clock and at `stop` in a thread of its own, and kills the container."""

    def __init__(self, container: Started, deadline: float, stop: threading.Event) -> None:
        self.cause: Ending | None = None
        self._container = container
        self._deadline = deadline
        self._stop = stop
        self._over = threading.Event()
        self._killed_at: float | None = None
        self._first_killed_at = 0.0
        self._thread = threading.Thread(target=self._look, name="container-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def end(self, cause: Ending) -> None:
        if self.cause is None:
            self.cause = cause

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            now = time.monotonic()
            if self._stop.is_set():
                self.end(Ending.STOPPED)
            elif now > self._deadline:
                self.end(Ending.TIMED_OUT)
            if self.cause is not None:
                self._kill(now)

    def _kill(self, now: float) -> None:
        if self._killed_at is None:
            self._first_killed_at = now
        elif now - self._killed_at < _KILL_AGAIN_AFTER:
            return
        elif now - self._first_killed_at > _GIVE_UP_AFTER:
            self._container.break_off()
        self._killed_at = now
        try:
            self._container.kill()
        except EngineError:
            return


def _forward(
    chunks: Iterator[bytes], limit: int, output: Callable[[bytes], None], watch: _Watch
) -> None:
    left = limit
    for chunk in chunks:
        if left >= 0:
            output(chunk[:left] if len(chunk) > left else chunk)
            left -= len(chunk)
            if left < 0:
                watch.end(Ending.TOO_MUCH_OUTPUT)


def _judged(exited: Exit, cause: Ending | None, seconds: float) -> ContainerExit:
    match cause:
        case Ending.TOO_MUCH_OUTPUT:
            return ContainerExit(cause, KILLED, seconds)
        case Ending.STOPPED | Ending.TIMED_OUT if exited.status != 0:
            return ContainerExit(cause, KILLED, seconds)
        case _ if exited.out_of_memory and exited.status != 0:
            return ContainerExit(Ending.OUT_OF_MEMORY, exited.status, seconds)
        case _:
            return ContainerExit(Ending.EXITED, exited.status, seconds)

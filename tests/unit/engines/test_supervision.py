"""The supervisor, with containers that only exist as a few flags."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from builder.domain.containers import Ending, Limits
from builder.engines.supervision import Exit, supervise
from builder.errors import EngineError


@dataclass
class ScriptedContainer:
    """Prints some chunks, then runs until it is killed, or not.

    Attributes:
        runs_on: it goes on when it has printed everything.
        refusals: how often the engine refuses to kill it.
    """

    printed: tuple[bytes, ...] = ()
    exited: Exit = field(default_factory=lambda: Exit(0, out_of_memory=False))
    runs_on: bool = False
    refusals: int = 0
    kills: int = 0
    dead: threading.Event = field(default_factory=threading.Event)

    def chunks(self) -> Iterator[bytes]:
        yield from self.printed
        if self.runs_on:
            assert self.dead.wait(30)

    def break_off(self) -> None:
        self.dead.set()

    def kill(self) -> None:
        self.kills += 1
        if self.kills <= self.refusals:
            raise EngineError("busy")
        self.dead.set()

    def wait(self) -> Exit:
        return self.exited


KILLED = Exit(137, out_of_memory=False)


def test_what_was_printed_is_handed_on() -> None:
    seen: list[bytes] = []

    ended = supervise(ScriptedContainer((b"a", b"b")), Limits(), seen.append, threading.Event())

    assert (seen, ended.ending, ended.status) == ([b"a", b"b"], Ending.EXITED, 0)


def test_an_engine_that_refuses_to_kill_is_asked_again() -> None:
    container = ScriptedContainer(exited=KILLED, runs_on=True, refusals=1)
    stop = threading.Event()
    stop.set()

    ended = supervise(container, Limits(), lambda _: None, stop)

    assert (ended.ending, container.kills) == (Ending.STOPPED, 2)


def test_a_container_that_ended_well_before_the_kill_came_has_ended_well() -> None:
    stop = threading.Event()
    stop.set()
    container = ScriptedContainer(runs_on=True)

    assert supervise(container, Limits(), lambda _: None, stop).ending is Ending.EXITED


def test_output_that_was_cut_off_is_never_a_success() -> None:
    seen: list[bytes] = []
    container = ScriptedContainer((b"123", b"456"))

    ended = supervise(container, Limits(output_bytes=4), seen.append, threading.Event())

    assert (b"".join(seen), ended.ending) == (b"1234", Ending.TOO_MUCH_OUTPUT)


@pytest.mark.parametrize(
    ("status", "ending"),
    [(137, Ending.OUT_OF_MEMORY), (1, Ending.OUT_OF_MEMORY), (0, Ending.EXITED)],
)
def test_lack_of_memory_counts_only_where_the_command_failed(status: int, ending: Ending) -> None:
    container = ScriptedContainer(exited=Exit(status, out_of_memory=True))

    assert supervise(container, Limits(), lambda _: None, threading.Event()).ending is ending

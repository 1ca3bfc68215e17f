"""Progress is plain lines where there is no terminal, and commands none where there is one."""

import io
from contextlib import redirect_stderr

from builder.cli.progress import Progress
from builder.cli.telling import Listening, listen
from builder.domain.builds import Failure, Phase
from builder.domain.emulation import Factor
from builder.domain.events import (
    EmulationMeasured,
    Event,
    Noted,
    PackageFailed,
    PackageMoved,
    Stage,
)
from tests.facts import pin

PIN = pin("pkg==1")


def printed(*events: Event, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    with redirect_stderr(stream):
        listen(Listening(verbose=verbose))
        progress = Progress()
        for event in events:
            progress(event)
    return [line.partition("] ")[2] for line in stream.getvalue().splitlines()]


def test_a_package_is_told_of_when_it_is_built_and_counted() -> None:
    said = printed(
        PackageMoved(PIN, Stage.FETCHING),
        PackageMoved(PIN, Stage.BUILDING),
        PackageMoved(PIN, Stage.REUSED),
        PackageMoved(PIN, Stage.BUILT),
    )

    assert said == ["building  pkg==1", "built     pkg==1 from the store (1 done)"]


def test_a_package_that_is_built_stays_so_when_it_is_planned_elsewhere_in_the_tree() -> None:
    progress = Progress()
    for stage in (Stage.BUILT, Stage.WAITING, Stage.ASKING, Stage.PLANNED):
        progress(PackageMoved(PIN, stage))

    tally = progress.tally_of("cpu")
    assert (tally.count(Stage.BUILT), tally.count(Stage.PLANNED)) == (1, 0)


def test_work_under_emulation_is_told_as_such() -> None:
    said = printed(
        EmulationMeasured("arm64", Factor(0.25, 3.0)),
        PackageMoved(PIN, Stage.BUILDING, emulated="arm64"),
    )

    assert said == [
        "emulated arm64: a fixed piece of work took 3.0 s, 12.0 times as long as natively",
        "building  pkg==1 under emulation (qemu, arm64)",
    ]


def test_a_factor_that_is_not_known_is_told_as_such() -> None:
    (said,) = printed(EmulationMeasured("arm64", None))

    assert "is not known" in said


def test_whoever_wants_more_hears_of_every_stage() -> None:
    assert printed(PackageMoved(PIN, Stage.FETCHING), verbose=True) == ["fetching  pkg==1"]


def test_a_failure_is_told_apart_from_its_consequences() -> None:
    cause = Failure(PIN, Phase.BUILD, "no compiler")
    blocked = Failure(pin("other==1"), Phase.ENVIRONMENT, "needs pkg==1", blocked_by=PIN)

    assert printed(PackageFailed(cause), PackageFailed(blocked)) == [
        "failed    pkg==1: build: no compiler",
        "blocked   other==1: needs pkg==1",
    ]


def test_no_word_of_upstreams_commands_the_terminal() -> None:
    evil = "\x1b]0;evil\x07\x1b[31mred\u202e"

    said = printed(Noted(evil, warning=True), PackageFailed(Failure(PIN, Phase.BUILD, evil)))

    assert not any(mark in line for line in said for mark in "\x1b\x07\u202e")
    assert all("red" in line for line in said)

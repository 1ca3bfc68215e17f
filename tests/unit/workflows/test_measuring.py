import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.domain.containers import Limits
from builder.domain.emulation import Factor
from builder.domain.events import EmulationMeasured, Event, Noted
from builder.workflows.agent import install_agent
from builder.workflows.measuring import tell_factor
from builder.workflows.sandbox import Interior, Room, Sandbox, Task
from tests.fakes.engine import FakeEngine, Stage

EMULATED, NATIVE = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def sandbox(folder: Path, engine: FakeEngine, emulated: str = "arm64") -> Sandbox:
    room = Room(EMULATED, "python3", folder / "scratch", {"builder.run": "1"}, emulated)
    return Sandbox(engine, install_agent(folder), room, threading.Event())


def engine(seconds: Mapping[str, object]) -> FakeEngine:
    def play(stage: Stage) -> int:
        answer = {"status": "measured", "seconds": seconds[stage.spec.image]}
        stage.write("/out/result.json", json.dumps(answer).encode())
        return 0

    return FakeEngine(play)


def told(folder: Path, engine: FakeEngine, native: Interior | None) -> list[Event]:
    events: list[Event] = []
    tell_factor(sandbox(folder, engine), native, events.append)
    return events


def test_the_same_work_is_done_both_ways(tmp_path: Path) -> None:
    events = told(
        tmp_path, engine({EMULATED: 3.0, NATIVE: 0.25}), Interior(NATIVE, "/usr/bin/python3")
    )

    assert events == [EmulationMeasured("arm64", Factor(0.25, 3.0))]


def test_without_a_native_image_there_is_no_factor(tmp_path: Path) -> None:
    assert told(tmp_path, engine({EMULATED: 3.0}), None) == [EmulationMeasured("arm64", None)]


@pytest.mark.parametrize("seconds", [0, -1, "soon", None])
def test_an_answer_that_makes_no_sense_is_told_and_builds_go_on(
    tmp_path: Path, seconds: object
) -> None:
    (event,) = told(tmp_path, engine({EMULATED: seconds}), None)

    assert isinstance(event, Noted)
    assert event.warning
    assert "could not be measured" in event.text


def test_an_emulator_is_told_to_play_a_processor_that_is_quick(tmp_path: Path) -> None:
    ran = FakeEngine(lambda _: 0)
    own = Task("x", {}, variables=[("QEMU_CPU", "max"), ("A", "b")])

    for task, emulated in ((Task("x", {}), "arm64"), (own, "arm64"), (Task("x", {}), "")):
        with sandbox(tmp_path, ran, emulated).run(task, lambda _: None):
            pass

    assert [spec.environment for spec in ran.specs] == [
        (("QEMU_CPU", "cortex-a72"),),
        (("QEMU_CPU", "max"), ("A", "b")),
        (),
    ]


@pytest.mark.parametrize(
    ("emulated", "limits", "wall_seconds"),
    [
        ("", Limits(wall_seconds=60), 60),
        ("arm64", Limits(wall_seconds=60), 600),
        ("arm64", Limits(wall_seconds=60, asked_for=True), 60),
    ],
)
def test_only_time_that_nobody_asked_for_is_stretched_under_emulation(
    tmp_path: Path, emulated: str, limits: Limits, wall_seconds: float
) -> None:
    ran = FakeEngine(lambda _: 0)

    with sandbox(tmp_path, ran, emulated).run(Task("x", {}, limits=limits), lambda _: None):
        pass

    assert ran.specs[0].limits.wall_seconds == wall_seconds

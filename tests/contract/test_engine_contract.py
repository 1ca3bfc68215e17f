"""What every engine promises, the fake one too."""

import dataclasses
import shutil
import threading
import time
from pathlib import Path, PurePosixPath

import pytest

from builder.domain.containers import BindMount, Ending, Limits
from builder.domain.digests import Digest
from builder.domain.images import RegistryImage
from builder.errors import EngineError, ImageError
from tests.contract.subjects import Subject
from tests.fakes.engine import FakeEngine, Stage

LINES = 300_000
OUT = PurePosixPath("/out")


def test_a_container_hands_back_the_exit_status_of_its_command(subject: Subject) -> None:
    subject.plays(lambda _: 3)

    ran = subject.sh("exit 3")

    assert (ran.exit.ending, ran.exit.status) == (Ending.EXITED, 3)
    assert not ran.exit.succeeded


def test_a_container_that_succeeds_says_so(subject: Subject) -> None:
    subject.plays(lambda _: 0)

    assert subject.sh("true").exit.succeeded


def test_no_line_is_lost_of_a_container_that_prints_much(subject: Subject) -> None:
    expected = b"".join(b"%d\n" % number for number in range(1, LINES + 1))

    def program(stage: Stage) -> int:
        for begin in range(0, len(expected), 1000):
            stage.print(expected[begin : begin + 1000])
        return 0

    subject.plays(program)

    assert subject.sh(f"seq 1 {LINES}").output == expected


def test_output_without_an_end_of_line_arrives(subject: Subject) -> None:
    def program(stage: Stage) -> int:
        stage.print(b"no end")
        return 0

    subject.plays(program)

    assert subject.sh("printf 'no end'").output == b"no end"


def test_the_environment_is_exactly_what_the_spec_names(subject: Subject) -> None:
    wanted = (("B", "two words"), ("A", "1=1"), ("EMPTY", ""))

    def program(stage: Stage) -> int:
        for name, value in stage.environment.items():
            stage.print(f"{name}={value}\n".encode())
        return 0

    subject.plays(program)

    ran = subject.run(subject.spec("/usr/bin/env", environment=wanted))

    assert sorted(ran.text.splitlines()) == sorted(f"{name}={value}" for name, value in wanted)


def test_what_a_container_writes_can_be_read_and_removed(subject: Subject, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    def program(stage: Stage) -> int:
        stage.write("/out/deep/file", b"made\n")
        return 0

    subject.plays(program)

    ran = subject.sh(
        "umask 077; mkdir /out/deep && echo made > /out/deep/file",
        binds=(BindMount(out, OUT, writable=True),),
    )

    assert ran.exit.succeeded, ran.text
    assert (out / "deep" / "file").read_bytes() == b"made\n"
    shutil.rmtree(out)
    assert not out.exists()


def test_a_read_only_mount_can_be_read_and_not_written(subject: Subject, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "file").write_text("given")

    def program(stage: Stage) -> int:
        stage.print((stage.folder("/in") / "file").read_bytes())
        try:
            stage.write("/in/new", b"")
        except OSError:
            return 7
        return 0

    subject.plays(program)

    ran = subject.sh(
        "cat /in/file; echo > /in/new || exit 7",
        binds=(BindMount(given, PurePosixPath("/in")),),
    )

    assert b"given" in ran.output
    assert ran.exit.status == 7
    assert [path.name for path in given.iterdir()] == ["file"]


def test_stop_ends_a_container_at_once(subject: Subject) -> None:
    subject.plays(_sleeper)
    stop = threading.Event()
    started = time.monotonic()
    threading.Timer(0.5, stop.set).start()

    ran = subject.run(subject.spec("/bin/sleep", "600"), stop)

    assert (ran.exit.ending, ran.exit.status) == (Ending.STOPPED, 137)
    assert time.monotonic() - started < 10


def test_a_container_whose_stop_is_set_already_ends_at_once(subject: Subject) -> None:
    subject.plays(_sleeper)
    stop = threading.Event()
    stop.set()

    assert subject.run(subject.spec("/bin/sleep", "600"), stop).exit.ending is Ending.STOPPED


def test_a_container_ends_when_its_time_is_up(subject: Subject) -> None:
    subject.plays(_sleeper)

    ran = subject.sh("trap '' TERM INT; sleep 600", limits=Limits(wall_seconds=1.0))

    assert (ran.exit.ending, ran.exit.status) == (Ending.TIMED_OUT, 137)
    assert 1.0 <= ran.exit.seconds < 10


def test_a_container_that_closed_its_output_ends_when_its_time_is_up(subject: Subject) -> None:
    subject.plays(_sleeper)

    ran = subject.sh("exec >&- 2>&-; sleep 600", limits=Limits(wall_seconds=1.0))

    assert ran.exit.ending is Ending.TIMED_OUT


def test_a_container_ends_when_it_prints_more_than_it_may(subject: Subject) -> None:
    def program(stage: Stage) -> int:
        while True:
            stage.print(b"y\n" * 1000)

    subject.plays(program)

    ran = subject.sh("yes", limits=Limits(output_bytes=100_001, wall_seconds=60))

    assert (ran.exit.ending, ran.exit.status) == (Ending.TOO_MUCH_OUTPUT, 137)
    assert len(ran.output) == 100_001


def test_containers_run_side_by_side(subject: Subject) -> None:
    def program(stage: Stage) -> int:
        stage.sleep(0.1)
        stage.print(stage.environment["NUMBER"].encode())
        return 0

    subject.plays(program)
    answers: dict[int, bytes] = {}

    def ask(number: int) -> None:
        spec = subject.spec(
            "/bin/sh",
            "-c",
            "sleep 0.1; printf $NUMBER",
            environment=(("NUMBER", str(number)), ("PATH", "/bin")),
        )
        answers[number] = subject.run(spec).output

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {number: str(number).encode() for number in range(6)}


def test_nothing_is_left_of_a_container_that_ended(subject: Subject) -> None:
    subject.plays(lambda _: 1)

    subject.sh("exit 1")

    assert subject.leftovers() == 0


def test_nothing_is_left_when_the_output_cannot_be_taken(subject: Subject) -> None:
    def refuse(_: bytes) -> None:
        raise RuntimeError("disk full")

    def program(stage: Stage) -> int:
        stage.print(b"text")
        return 0

    subject.plays(program)
    spec = subject.spec("/bin/sh", "-c", "echo text; sleep 600")

    with pytest.raises(RuntimeError, match="disk full"):
        subject.engine.run(spec, refuse, threading.Event())

    assert subject.leftovers() == 0


def test_a_mount_whose_source_is_missing_is_refused(subject: Subject, tmp_path: Path) -> None:
    missing = BindMount(tmp_path / "missing", PurePosixPath("/in"))

    with pytest.raises(EngineError, match="missing"):
        subject.sh("true", binds=(missing,))

    assert subject.leftovers() == 0


def test_an_image_is_known_by_the_digest_of_its_configuration(subject: Subject) -> None:
    assert subject.engine.ensure_image(subject.image) == str(subject.image.config)


def test_a_layout_that_holds_another_image_is_refused(subject: Subject) -> None:
    other = dataclasses.replace(subject.image, config=Digest.of_bytes(b"another image"))

    with pytest.raises(ImageError):
        subject.engine.ensure_image(other)


def test_an_image_of_another_platform_is_refused(subject: Subject) -> None:
    with pytest.raises(ImageError, match="s390x"):
        subject.engine.ensure_image(dataclasses.replace(subject.image, platform="linux/s390x"))


def test_an_image_that_is_named_by_tag_is_refused(subject: Subject) -> None:
    with pytest.raises(ImageError, match="digest"):
        subject.engine.ensure_image(
            RegistryImage("base", "registry.example/base:latest", "linux/amd64")
        )


def test_only_leftovers_that_are_accepted_are_removed(subject: Subject) -> None:
    if isinstance(subject.engine, FakeEngine):
        subject.engine.left_behind[:] = [{"builder.run": subject.label}, {"builder.run": "alive"}]
        seen: list[str] = []

        def is_abandoned(labels: dict[str, str]) -> bool:
            seen.append(labels["builder.run"])
            return labels["builder.run"] == subject.label

        assert subject.engine.remove_leftovers(is_abandoned) == 1
        assert subject.engine.left_behind == [{"builder.run": "alive"}]
        assert seen == [subject.label, "alive"]
    else:
        assert subject.engine.remove_leftovers(lambda _: False) == 0


def _sleeper(stage: Stage) -> int:
    stage.sleep(600)
    return 0

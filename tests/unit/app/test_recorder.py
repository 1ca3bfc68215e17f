"""What plugins want done is taken down as plain values, or refused while it is told."""

from typing import Any

import pytest

from builder.app.recorder import BuildRecorder, Recorder
from builder.domain.instructions import BuildAsUsual, RunCommand, WriteFile
from builder.plugins.values import BuildCommands, Commands


def test_what_is_told_is_taken_down_in_order() -> None:
    recorder = BuildRecorder()
    commands: BuildCommands = recorder

    commands.run("make", "-j2", folder="sub/./x", env={"B": "2", "A": "1"})
    commands.write("a/b", "text", executable=True)
    commands.build_as_usual()

    assert recorder.instructions == (
        RunCommand(("make", "-j2"), "sub/x", (("A", "1"), ("B", "2"))),
        WriteFile("a/b", "text", executable=True),
        BuildAsUsual(),
    )


def test_a_prepared_source_is_never_built() -> None:
    commands: Commands = Recorder()

    assert not hasattr(commands, "build_as_usual")


REFUSED: dict[str, tuple[Any, ...]] = {
    "no program": (lambda it: it.run(), "names no program"),
    "an empty program": (lambda it: it.run(""), "names no program"),
    "a number": (lambda it: it.run("make", 2), "2 is a int, and must be a str"),
    "a NUL": (lambda it: it.run("a\0b"), "cannot be given to a process"),
    "no Unicode": (lambda it: it.run("\udc80"), "cannot be given to a process"),
    "an absolute folder": (lambda it: it.run("x", folder="/etc"), "'/etc' does not lead"),
    "a folder outside": (lambda it: it.run("x", folder="a/../../b"), "does not lead"),
    "a file outside": (lambda it: it.write("../a", ""), "does not lead"),
    "no file": (lambda it: it.write("", ""), "does not lead"),
    "bytes": (lambda it: it.write("a", b""), "wants a str, and got bytes"),
    "a variable's name": (lambda it: it.run("x", env={"A=B": ""}), "'A=B' is no name"),
    "a variable's value": (lambda it: it.run("x", env={"A": 1}), "1 is a int"),
    "no variables": (lambda it: it.run("x", env=["A"]), "must be a mapping"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_done_is_refused(what: str) -> None:
    tell, words = REFUSED[what]
    recorder = Recorder()

    with pytest.raises((TypeError, ValueError), match=words):
        tell(recorder)

    assert recorder.instructions == ()


def test_endless_commands_are_refused() -> None:
    recorder = Recorder()
    for _ in range(1000):
        recorder.run("true")

    with pytest.raises(ValueError, match="more than 1000 commands"):
        recorder.run("true")

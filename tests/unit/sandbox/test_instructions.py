"""What a plugin asks for is done in order, below one folder, up to the first failure."""

import os
from pathlib import Path
from typing import Any

import pytest

from builder.domain.instructions import BuildAsUsual, RunCommand, WriteFile, orders
from tests.unit.sandbox.agent import load

instructions = load("instructions")


def test_everything_is_done_in_order_with_its_own_variables(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    built: list[str] = []
    asked = (
        WriteFile("sub/new/tool", '#!/bin/sh\necho "$A $B $1" >> log\n', executable=True),
        RunCommand(("./new/tool", "x y"), "sub", (("B", "2"),)),
        BuildAsUsual(),
        RunCommand(("./new/tool", "$A"), "sub"),
    )

    def build() -> None:
        built.append((tmp_path / "sub/log").read_text())

    instructions.carry_out(str(tmp_path), orders(asked), {"A": "1", "B": ""}, build)

    assert built == ["1 2 x y\n"]
    assert (tmp_path / "sub/log").read_text() == "1 2 x y\n1  $A\n"


FAILING: dict[str, tuple[Any, str]] = {
    "a status": (RunCommand(("sh", "-c", "exit 3")), "sh -c 'exit 3' ended with exit status 3"),
    "no program": (RunCommand(("no-such-program",)), "no-such-program cannot be run: No such file"),
    "no folder": (RunCommand(("true",), "sub"), "true: the source has no folder 'sub'"),
    "a folder in the way": (WriteFile(".", ""), ". cannot be written: Is a directory"),
    "nothing to build with": (BuildAsUsual(), "nobody knows how to do 'build'"),
}


@pytest.mark.parametrize("what", FAILING)
def test_the_first_that_fails_ends_it_with_a_reason(what: str, tmp_path: Path) -> None:
    failing, reason = FAILING[what]

    with pytest.raises(instructions.InstructionFailedError) as failed:
        instructions.carry_out(str(tmp_path), orders((failing, WriteFile("after", ""))), {})

    assert reason in str(failed.value)
    assert not (tmp_path / "after").exists()


def test_a_link_is_written_over_and_not_through(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("old")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/file").symlink_to("../outside")

    written = orders((WriteFile("file", "new\r\n"),))
    instructions.carry_out(str(tmp_path / "source"), written, {})

    assert (tmp_path / "outside").read_text() == "old"
    assert (tmp_path / "source/file").read_bytes() == b"new\r\n"


def test_what_no_archive_can_hold_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert instructions.stray(str(tmp_path)) is None

    os.mkfifo(tmp_path / "pipe")

    assert instructions.stray(str(tmp_path)) == "pipe"

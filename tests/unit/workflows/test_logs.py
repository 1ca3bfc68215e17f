"""What upstream printed cannot command a terminal."""

from pathlib import Path

from builder.workflows.logs import appending_to, harmless, tail


def test_escapes_controls_and_direction_marks_are_gone() -> None:
    hostile = "\x1b[31mred\x1b[0m \x1b]52;c;ZXZpbA==\x07clip\r\x9b2J \u202eevil\u2066 \x08"

    shown = harmless(hostile)

    assert not any(one in shown for one in "\x1b\x07\r\x9b\u202e\u2066\x08")
    assert "red" in shown


def test_the_tail_is_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "folder" / "log"
    with appending_to(log) as write:
        for number in range(100):
            write(f"line {number}\n\n".encode())

    assert tail(log, 2) == ("line 98", "line 99")

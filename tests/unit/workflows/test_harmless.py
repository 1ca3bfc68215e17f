"""No text of upstream's, however made, reaches a terminal as a command."""

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from builder.workflows.logs import harmless, log_path, tail
from tests.facts import pin

PIECES = st.sampled_from(
    [
        "\x1b",
        "[",
        "]",
        "31m",
        "0;title",
        "\x07",
        "\\",
        "\x9b",
        "\x90",
        "\r",
        "\n",
        "\u061c",
        "\u202e",
        "text",
    ]
)
HOSTILE = st.lists(PIECES | st.characters(max_codepoint=0x2100), max_size=12).map("".join)
COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@given(HOSTILE)
def test_nothing_that_commands_is_left(text: str) -> None:
    assert not COMMANDS.search(harmless(text))


@given(HOSTILE)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)
    assert harmless("plain text\twith ümlauts → and 漢字") == (
        "plain text\twith ümlauts → and 漢字"
    )


@given(st.binary(max_size=300))
def test_the_tail_of_any_log_is_lines_without_commands(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.write_bytes(content)

        lines = tail(log, 3)

    assert len(lines) <= 3
    assert not any(COMMANDS.search(line) or "\n" in line for line in lines)


def test_the_tail_of_a_huge_log_is_read_from_its_end(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 200_000 + "\nlast ümlaut\n".encode())

    assert tail(tmp_path / "log", 1) == ("last ümlaut",)


def test_a_log_is_named_after_its_package() -> None:
    assert log_path(Path("logs"), pin("some-pkg==1!2.0+x")) == Path("logs/some_pkg-1!2.0+x.log")

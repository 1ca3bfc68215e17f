"""One log per package: what its containers printed, as it came, and the end of it for messages."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.domain.releases import Pin

TAIL_LINES = 200
"""Enough for the line that tells, which a parallel make buries; people see the last of them."""
SHOWN_LINES = 25
_TAIL_BYTES = 128 << 10
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def log_path(folder: Path, pin: Pin) -> Path:
    """Where the log of a package lies."""
    return folder / f"{pin.name.replace('-', '_')}-{pin.version}.log"


@contextmanager
def appending_to(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Gives a function that adds to a log; what it takes reaches the file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as log:

        def write(data: bytes) -> None:
            view = memoryview(data)
            while view:
                view = view[log.write(view) :]

        yield write


def tail(path: Path, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """The last lines of a log, safe to show."""
    with path.open("rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - _TAIL_BYTES))
        text = log.read().decode("utf-8", "replace")
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return tuple(harmless(line) for line in kept)


def harmless(text: str) -> str:
    """Upstream's text without what could command a terminal: escapes, controls, direction marks."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ESCAPES.sub("", text))

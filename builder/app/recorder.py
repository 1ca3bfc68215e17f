"""Takes down what plugins want done in containers, and checks it while it is told."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from builder.domain.instructions import BuildAsUsual, Instruction, RunCommand, WriteFile

MAX_INSTRUCTIONS = 1000
MAX_TEXT = 16 << 20
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Recorder:
    """What a plugin is given as `Commands`. Nothing of it is run here."""

    def __init__(self) -> None:
        self._taken: list[Instruction] = []

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        return tuple(self._taken)

    def run(self, *words: str, folder: str = "", env: Mapping[str, str] | None = None) -> None:
        """As `Commands` says.

        Raises:
            TypeError: something is no text.
            ValueError: it cannot be run.
        """
        if not words or not words[0]:
            raise ValueError("run() names no program")
        variables = tuple(sorted(checked_variables(env or {}).items()))
        where = _inside(folder) if folder else ""
        self._take(RunCommand(tuple(text(word) for word in words), where, variables))

    def write(self, path: str, text: str, *, executable: bool = False) -> None:
        """As `Commands` says.

        Raises:
            TypeError: something is no text.
            ValueError: the path leads elsewhere, or the text is too long.
        """
        if not isinstance(text, str):
            raise TypeError(f"write({path!r}) wants a str, and got {type(text).__name__}")
        if len(text.encode()) > MAX_TEXT:
            raise ValueError(f"write({path!r}): more than {MAX_TEXT} bytes")
        self._take(WriteFile(_inside(path), text, executable=bool(executable)))

    def _take(self, instruction: Instruction) -> None:
        if len(self._taken) >= MAX_INSTRUCTIONS:
            raise ValueError(f"more than {MAX_INSTRUCTIONS} commands")
        self._taken.append(instruction)


class BuildRecorder(Recorder):
    """What a plugin is given as `BuildCommands`."""

    def build_as_usual(self) -> None:
        """As `BuildCommands` says."""
        self._take(BuildAsUsual())


def checked_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Variables that a process can have.

    Raises:
        TypeError: something is no text.
        ValueError: a name is none.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"variables must be a mapping, and are a {type(given).__name__}")
    for name in given:
        if not _VARIABLE.fullmatch(text(name)):
            raise ValueError(f"{name!r} is no name of a variable")
    return {name: text(value) for name, value in given.items()}


def text(value: str) -> str:
    """The same, if a process can be given it.

    Raises:
        TypeError: it is no text.
        ValueError: no process can be given it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is a {type(value).__name__}, and must be a str")
    if "\0" in value or not _is_utf8(value):
        raise ValueError(f"{value!r} cannot be given to a process")
    return value


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(path: str) -> str:
    parts = PurePosixPath(text(path)).parts
    if not parts or parts[0].startswith("/") or ".." in parts:
        raise ValueError(f"{path!r} does not lead to anything inside the source")
    return str(PurePosixPath(*parts))

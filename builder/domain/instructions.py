"""What is done with a source inside a container, beside what is always done, as plain values."""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class RunCommand:
    """A program is run.

    Attributes:
        folder: where, below the folder that is built.
        variables: what it sees beside the environment of all.
    """

    words: tuple[str, ...]
    folder: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def order(self) -> dict[str, object]:
        """As the agent is told."""
        return {
            "do": "run",
            "words": list(self.words),
            "folder": self.folder,
            "variables": dict(self.variables),
        }


@dataclass(frozen=True)
class WriteFile:
    """A file is written, over whatever is there; `path` is below the folder that is built."""

    path: str
    text: str
    executable: bool = False

    def order(self) -> dict[str, object]:
        """As the agent is told."""
        return {
            "do": "write",
            "path": self.path,
            "text": self.text,
            "executable": self.executable,
        }


@dataclass(frozen=True)
class BuildAsUsual:
    """The backend's own `build_wheel` is called."""

    def order(self) -> dict[str, object]:
        """As the agent is told."""
        return {"do": "build"}


Instruction = RunCommand | WriteFile | BuildAsUsual


def orders(instructions: Iterable[Instruction]) -> list[dict[str, object]]:
    """Instructions as the agent is told of them, in order."""
    return [one.order() for one in instructions]


def fingerprint(instructions: Iterable[Instruction]) -> str:
    """The same text for the same instructions, for keys."""
    return json.dumps(orders(instructions), sort_keys=True)

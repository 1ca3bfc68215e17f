"""What is wrong with a file of the overrides, as a value that can be listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.errors import InputError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one file or folder.

    Attributes:
        file: the file or folder; for a plugin, how it is called.
        field: where in the file, such as `variants.cpu.env`; empty for the file as a whole.
        hint: what was probably meant, or what to do.
    """

    file: Path | str
    text: str
    field: str = ""
    line: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        field = f"{self.field}: " if self.field else ""
        return f"{place}: {field}{self.text}"


def require_none(problems: Iterable[Problem]) -> None:
    """Ends the command where there are problems, with all of them.

    Raises:
        InputError: there is one.
    """
    found = tuple(problems)
    if not found:
        return
    hints = dict.fromkeys(problem.hint for problem in found if problem.hint)
    raise InputError(
        "\n".join(map(str, found)),
        hint="; ".join(hints) or "builder lint shows every problem of the overrides",
    )

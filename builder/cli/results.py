"""What a command was asked for: to standard output, or to the file that the user named."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from builder.errors import InputError
from builder.publish.files import publish_text


def deliver(text: str, output: Path | None) -> None:
    """Prints a result, or puts it whole into a file.

    Raises:
        InputError: the file cannot be written.
    """
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        publish_text(text if text.endswith("\n") else f"{text}\n", output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be, for people; a line for each row."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    def padded() -> Iterator[str]:
        for cell, width in zip(cells, widths, strict=True):
            yield cell.ljust(width)

    return "  ".join(padded()).rstrip()

"""`builder build-order`: build orders as tables for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from packaging.utils import canonicalize_name

from builder.app.documents import read_place
from builder.cli.results import deliver
from builder.record.order_entries import read_order_entries
from builder.workflows.logs import harmless

_COLUMNS = ("dist", "version", "req", "type", "prebuilt", "order")
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where the table goes. Default: standard output.",
)


@click.group("build-order")
def build_order_group() -> None:
    """Make tables of build-order.json files. A FILE is a path or a URL."""


@build_order_group.command("as-csv")
@click.argument("file")
@_OUTPUT
def as_csv_command(file: str, output: Path | None) -> None:
    """Write a build order as CSV, with the place of each entry."""
    entries = read_order_entries(read_place(file), file)
    rows = [
        (one.name, one.version, one.requirement, one.kind, one.pre_built, place)
        for place, one in enumerate(entries, 1)
    ]
    deliver(_csv(_COLUMNS, rows), output)


@build_order_group.command("summary")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@_OUTPUT
def summary_command(files: tuple[str, ...], output: Path | None) -> None:
    """Compare the versions in several build orders, as CSV.

    Each file has a column, called like the folder that it lies in; where two are called alike,
    like the whole path.
    """
    found = [_versions(file) for file in files]
    rows = []
    for name in sorted(set().union(*found)):
        held = [versions.get(name, []) for versions in found]
        different = {version for versions in held for version in versions}
        rows.append((name, *(" ".join(versions) for versions in held), len(different) == 1))
    folders = [Path(file).absolute().parent.name for file in files]
    columns = folders if len(set(folders)) == len(files) else files
    deliver(_csv(("dist", *columns, "Same Version"), rows), output)


def _versions(file: str) -> dict[str, list[str]]:
    """The versions of each project in one build order."""
    found: dict[str, list[str]] = {}
    for entry in read_order_entries(read_place(file), file):
        found.setdefault(canonicalize_name(entry.name), []).append(entry.version)
    return found


def _csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return harmless(" ".join(value.split())) if isinstance(value, str) else value

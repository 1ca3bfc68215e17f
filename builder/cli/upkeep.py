"""Commands that help to keep requirements and overrides in order."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import click
from packaging.utils import InvalidName, NormalizedName, canonicalize_name

from builder.app.customized import customized
from builder.app.documents import read_place
from builder.app.emulation import build_times_beside
from builder.cli.options import given
from builder.cli.results import deliver
from builder.cli.telling import tell, warn
from builder.domain.emulation import Emulation
from builder.errors import InputError
from builder.graphs.minimal import named_by_url, redundant
from builder.graphs.statistics import Statistics, statistics
from builder.record.reading import read_graph
from builder.resolve.requirements_file import (
    ParsedRequirements,
    RequirementLine,
    UnnamedLine,
    parse_requirement,
    read_requirements,
)


@click.command("stats")
@click.argument("requirements_file", metavar="REQUIREMENTS")
@click.argument("graph_file", metavar="GRAPH")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def stats_command(
    click_context: click.Context, requirements_file: str, graph_file: str, *, as_json: bool
) -> None:
    """Count the packages of a build, and those that are out of the ordinary, in Markdown."""
    parsed = _read(requirements_file)
    requirements = len(parsed.requirements) + len(parsed.unnamed)
    graph = read_graph(read_place(graph_file), graph_file)
    found = statistics(graph, customized(given(click_context).settings()))
    emulated = build_times_beside(graph_file).emulated
    if as_json:
        counts = {
            "requirements": requirements,
            **dataclasses.asdict(found),
            "emulated": [_emulation(one) for one in emulated],
        }
        click.echo(json.dumps(counts, indent=2))
    else:
        click.echo(_table(requirements, found, emulated))


def _table(requirements: int, found: Statistics, emulated: Sequence[Emulation]) -> str:
    shares = (
        ("Packages", found.packages),
        ("Packages with a constraint", found.constrained),
        ("Packages with settings", found.with_settings),
        ("Pre-built packages", found.pre_built),
        ("Packages with patches", found.patched),
        ("Packages with a plugin", found.with_plugins),
    )
    rows = [("", "Count", "Share"), ("Requirements", str(requirements), "-")]
    rows += [(name, str(count), _share(count, found.packages)) for name, count in shares]
    rows += [("Releases", str(found.releases), "-")]
    for one in emulated:
        name = f"Builds under emulation ({one.architecture})"
        rows += [(name, str(one.builds), _share(one.builds, found.releases))]
        rows += [("Their seconds in containers", f"{one.seconds:.0f}", "-")]
        if one.fixed_work is not None:
            rows += [("A fixed piece of work, times native", f"{one.fixed_work.times:.1f}", "-")]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"| {row[0]:{widths[0]}} | {row[1]:>{widths[1]}} | {row[2]:>{widths[2]}} |" for row in rows
    ]
    rule = f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 1)}:|{'-' * (widths[2] + 1)}:|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _emulation(one: Emulation) -> dict[str, object]:
    return {
        "architecture": one.architecture,
        "builds": one.builds,
        "seconds": round(one.seconds, 3),
        "times_native": round(one.fixed_work.times, 2) if one.fixed_work else None,
    }


def _share(count: int, of: int) -> str:
    return f"{100 * count / of if of else 0:.1f}%"


@click.command("minimize")
@click.argument("requirements_file", metavar="REQUIREMENTS")
@click.argument("graph_file", metavar="GRAPH")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where the requirements go. Default: standard output.",
)
def minimize_command(requirements_file: str, graph_file: str, output: Path | None) -> None:
    """Drop the requirements that others bring along anyway; what is pinned by == stays."""
    parsed = _read(requirements_file)
    lines = parsed.requirements
    if not lines and not parsed.unnamed:
        raise InputError(f"{requirements_file} holds no requirement", hint="check the path")
    graph = read_graph(read_place(graph_file), graph_file)
    bringing = named_by_url([str(line.repository) for line in parsed.unnamed], graph)
    dropped = redundant([*(line.requirement for line in lines), *bringing], graph)
    kept: list[RequirementLine | UnnamedLine] = [*parsed.unnamed]
    kept += [line for place, line in enumerate(lines) if place not in dropped]
    if parsed.constraints or parsed.index_url or parsed.extra_index_urls:
        warn(f"{requirements_file} holds options; only its requirements are written")
    deliver("".join(f"{_written(line)}\n" for line in kept), output)
    names = ", ".join(lines[place].requirement.name for place in sorted(dropped))
    every = len(lines) + len(parsed.unnamed)
    tell(f"dropped {len(dropped)} of {every} requirements{': ' if names else ''}{names}")


def _written(line: RequirementLine | UnnamedLine) -> str:
    hashes = (f"--hash=sha256:{digest.sha256}" for digest in line.hashes)
    what = line.requirement if isinstance(line, RequirementLine) else line.repository
    return " ".join([str(what), *hashes])


@click.command("canonicalize")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def canonicalize_command(names: tuple[str, ...]) -> None:
    """Say how the files and folders of overrides are called for these packages.

    A NAME may be a requirement, such as NAME @ git+https://HOST/PATH@REF.
    """
    for name in names:
        click.echo(_project(name).replace("-", "_"))


def _project(text: str) -> NormalizedName:
    try:
        return canonicalize_name(text, validate=True)
    except InvalidName:
        return canonicalize_name(parse_requirement(text, "command line").name)


def _read(requirements_file: str) -> ParsedRequirements:
    return read_requirements((requirements_file,), (), dict(os.environ), read_place)

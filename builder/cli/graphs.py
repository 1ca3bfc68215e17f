"""`builder graph`: questions that a graph answers by itself."""

import json
from collections.abc import Iterable
from pathlib import Path

import click

from builder.app.customized import customized
from builder.app.documents import read_place
from builder.cli.graph_differences import (
    difference_fields,
    difference_markdown,
    difference_text,
)
from builder.cli.graph_files import FILE_COMMANDS
from builder.cli.graph_texts import (
    duplicate_fields,
    duplicate_lines,
    finding_fields,
    finding_lines,
    fit_fields,
    fit_table,
    outlook_fields,
    outlook_lines,
    why_fields,
    why_lines,
)
from builder.cli.options import given
from builder.cli.telling import counted, tell
from builder.domain.graph import RequirementKind
from builder.errors import ExitStatus, InputError
from builder.graphs.adjacency import adjacency
from builder.graphs.check import check
from builder.graphs.difference import compare
from builder.graphs.duplicates import duplicates
from builder.graphs.fit import best_fits
from builder.graphs.naming import releases_named
from builder.graphs.readiness import outlook
from builder.graphs.why import reasons
from builder.record.reading import read_graph

_DIFFERS = 1
"""What --exit-code says, as git and diff do."""

_COMMON_NAMES = ("graph", "work-dir")
"""What every collection's file and folder are called: none can be told by these."""

_GRAPH = click.argument("graph_file", metavar="GRAPH")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group("graph")
def graph_group() -> None:
    """Ask, check, compare and convert graph.json files. A GRAPH is a path or a URL."""


@graph_group.command("why")
@_GRAPH
@click.argument("package")
@click.option("--version", "versions", multiple=True, help="Only this version. May be repeated.")
@click.option(
    "--depth",
    type=click.IntRange(min=-1),
    default=0,
    metavar="LEVELS",
    help="Levels to tell of above the direct dependents; -1 for all, up to the request.",
)
@click.option(
    "--requirement-type",
    "kinds",
    type=click.Choice([kind.value for kind in RequirementKind]),
    multiple=True,
    help="Only needs of this kind. May be repeated.",
)
@_JSON
def why_command(
    graph_file: str,
    package: str,
    versions: tuple[str, ...],
    depth: int,
    kinds: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Say why a package is in a graph."""
    graph = read_graph(read_place(graph_file), graph_file)
    edges = adjacency(graph)
    followed = {RequirementKind(kind) for kind in kinds}
    answers = [
        (graph.nodes[pin], tuple(reasons(edges, pin, depth, followed)))
        for pin in releases_named(graph, package, versions)
    ]
    if as_json:
        _print_json([why_fields(node, found) for node, found in answers])
        return
    for node, found in answers:
        _print_lines(why_lines(node, found))
        if not found:
            tell(f"nothing needs {node.pin} in that way")


@graph_group.command("explain-duplicates")
@_GRAPH
@_JSON
def explain_duplicates_command(graph_file: str, *, as_json: bool) -> None:
    """Say which packages an installation would hold in several versions, and who wants which."""
    found = duplicates(read_graph(read_place(graph_file), graph_file))
    if as_json:
        _print_json([duplicate_fields(one) for one in found])
        return
    for one in found:
        _print_lines(duplicate_lines(one))
    if not found:
        tell("no package is there in several versions")


@graph_group.command("check")
@_GRAPH
@_JSON
def check_command(graph_file: str, *, as_json: bool) -> ExitStatus:
    """Look for conflicts, build cycles and gaps, without building anything.

    Says 3 where something stands against a build or an installation, and 0 where there are only
    warnings.
    """
    found = check(read_graph(read_place(graph_file), graph_file))
    if as_json:
        _print_json([finding_fields(one) for one in found])
    else:
        for one in found:
            _print_lines(finding_lines(one))
    errors = sum(one.problem.is_error for one in found)
    tell(f"{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}")
    return ExitStatus.IMPOSSIBLE if errors else ExitStatus.OK


@graph_group.command("diff")
@click.argument("old_file", metavar="OLD")
@click.argument("new_file", metavar="NEW")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="Markdown is for a pull request. Default: text.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--exit-code", is_flag=True, help="Say 1 where they differ.")
def diff_command(old_file: str, new_file: str, form: str, *, exit_code: bool) -> int:
    """Compare two graphs: packages, versions, digests, requirements, build environments."""
    difference = compare(
        read_graph(read_place(old_file), old_file), read_graph(read_place(new_file), new_file)
    )
    match form:
        case "json":
            _print_json(difference_fields(difference))
        case "markdown":
            click.echo(difference_markdown(difference), nl=False)
        case _:
            click.echo(difference_text(difference), nl=False)
    return _DIFFERS if exit_code and not difference.is_empty else ExitStatus.OK


@graph_group.command("build-graph")
@_GRAPH
@_JSON
@click.pass_context
def build_graph_command(
    click_context: click.Context, graph_file: str, *, as_json: bool
) -> ExitStatus:
    """Say what each build needs, which ones run alone, and what becomes ready when.

    There are no rounds: a build starts as soon as the last wheel that it needs is there.
    """
    graph = read_graph(read_place(graph_file), graph_file)
    found = outlook(graph, customized(given(click_context).settings()).alone)
    if as_json:
        _print_json(outlook_fields(found))
    else:
        _print_lines(outlook_lines(found))
    return ExitStatus.IMPOSSIBLE if found.never else ExitStatus.OK


@graph_group.command("find-best-fit")
@click.argument("onboarding_file", metavar="ONBOARD")
@click.argument("collection_files", metavar="COLLECTION...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="Default: table.",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
def find_best_fit_command(
    onboarding_file: str, collection_files: tuple[str, ...], form: str
) -> None:
    """Say which collection already holds most of what each package of ONBOARD needs.

    Every argument is a graph. A collection is called like its file, or where that is graph.json,
    like the folder around it.
    """
    onboarding = read_graph(read_place(onboarding_file), onboarding_file)
    names = _collection_names(collection_files)
    collections = {name: read_graph(read_place(file), file) for name, file in names.items()}
    fits = best_fits(onboarding, collections)
    if form == "json":
        _print_json([fit_fields(fit) for fit in fits])
    else:
        click.echo(fit_table(fits))


def _collection_names(files: Iterable[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for file in files:
        path = Path(file).absolute()
        own = (path.stem, *(folder.name for folder in path.parents))
        name = next((one for one in own if one not in _COMMON_NAMES), file)
        if name in named:
            raise InputError(
                f"{named[name]} and {file} would both be called {name}",
                hint="give the files different names",
            )
        named[name] = file
    return named


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))


def _print_lines(lines: Iterable[str]) -> None:
    click.echo("\n".join(lines))


for command in FILE_COMMANDS:
    graph_group.add_command(command)

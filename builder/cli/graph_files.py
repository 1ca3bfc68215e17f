"""The commands of `builder graph` that make another file from a graph."""

from itertools import islice
from pathlib import Path

import click

from builder.app.customized import customized
from builder.app.documents import read_place
from builder.cli.graph_texts import duplicate_lines, why_lines
from builder.cli.options import given
from builder.cli.results import deliver
from builder.cli.telling import tell
from builder.domain.graph import DependencyGraph
from builder.errors import ImpossibleError, InputError
from builder.graphs.adjacency import adjacency
from builder.graphs.constraints import Conflict, agree, constraints_file
from builder.graphs.dot import Selection, dot
from builder.graphs.duplicates import Duplicate, duplicates
from builder.graphs.naming import releases_named
from builder.graphs.subset import Direction, subset
from builder.graphs.why import UP_TO_THE_ROOT, reasons
from builder.record.files import graph_json
from builder.record.old_graphs import read_old_graph
from builder.record.reading import read_graph
from builder.workflows.logs import harmless

_MOST_LINES = 40

_GRAPH = click.argument("graph_file", metavar="GRAPH")
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where the result goes. Default: standard output.",
)


@click.command("subset")
@_GRAPH
@click.argument("package")
@_OUTPUT
@click.option("--version", help="Only this version of the package.")
@click.option("--dependencies-only", is_flag=True, help="Only what the package needs.")
@click.option("--dependents-only", is_flag=True, help="Only what needs the package.")
def subset_command(
    graph_file: str,
    package: str,
    output: Path | None,
    version: str | None,
    *,
    dependencies_only: bool,
    dependents_only: bool,
) -> None:
    """Cut out the part of a graph that has to do with one package."""
    direction = _direction(dependencies_only=dependencies_only, dependents_only=dependents_only)
    graph = read_graph(read_place(graph_file), graph_file)
    pins = releases_named(graph, package, (version,) if version else ())
    deliver(graph_json(subset(graph, pins, direction)), output)


def _direction(*, dependencies_only: bool, dependents_only: bool) -> Direction:
    if dependencies_only and dependents_only:
        raise InputError(
            "--dependencies-only and --dependents-only exclude each other",
            hint="give neither for both directions",
        )
    if dependencies_only:
        return Direction.DEPENDENCIES
    return Direction.DEPENDENTS if dependents_only else Direction.BOTH


@click.command("to-dot")
@_GRAPH
@_OUTPUT
@click.option("--install-only", is_flag=True, help="Leave out what is there for builds alone.")
@click.option(
    "--overrides-only",
    is_flag=True,
    help="Only packages with settings, patches or plugins, and pre-built ones.",
)
@click.pass_context
def to_dot_command(
    click_context: click.Context,
    graph_file: str,
    output: Path | None,
    *,
    install_only: bool,
    overrides_only: bool,
) -> None:
    """Draw a graph, for Graphviz.

    The request is a circle, a package an oval: a box with settings, a note with patches, a
    trapezium with a plugin, a triple octagon with both, a parallelogram where it is pre-built.
    Arrows of builds are dotted.
    """
    graph = read_graph(read_place(graph_file), graph_file)
    special = customized(given(click_context).settings())
    drawn = dot(graph, special, Selection(install_only, overrides_only))
    deliver(harmless(drawn), output)


@click.command("to-constraints")
@_GRAPH
@_OUTPUT
def to_constraints_command(graph_file: str, output: Path | None) -> None:
    """Choose one version of everything that a graph installs, as a constraints file.

    Where no version does for all who need it, nothing is written, and the exit status is 3.
    """
    graph = read_graph(read_place(graph_file), graph_file)
    found = agree(graph)
    if isinstance(found, Conflict):
        contested = [one for one in duplicates(graph) if one.name in found.names]
        for one in contested:
            _explain(graph, graph_file, one)
        raise ImpossibleError(
            f"no single version would do for all who need it: {', '.join(found.names)}",
            hint="constrain it, or what asks for it, and bootstrap again",
        )
    deliver(constraints_file(found), output)


def _explain(graph: DependencyGraph, graph_file: str, duplicate: Duplicate) -> None:
    for line in duplicate_lines(duplicate):
        tell(line)
    edges = adjacency(graph)
    for pin in releases_named(graph, duplicate.name):
        found = reasons(edges, pin, UP_TO_THE_ROOT)
        lines = list(islice(why_lines(graph.nodes[pin], found), _MOST_LINES + 1))
        for line in lines[:_MOST_LINES]:
            tell(line)
        if len(lines) > _MOST_LINES:
            tell(f"  and more: builder graph why {graph_file} {pin.name} --depth -1")


@click.command("migrate-graph")
@click.argument("old_file", metavar="OLD")
@_OUTPUT
def migrate_graph_command(old_file: str, output: Path | None) -> None:
    """Turn a graph of Fromager's first releases, which holds lists, into one of today."""
    deliver(graph_json(read_old_graph(read_place(old_file), old_file)), output)


FILE_COMMANDS = (
    subset_command,
    to_dot_command,
    to_constraints_command,
    migrate_graph_command,
)

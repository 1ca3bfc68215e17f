"""`builder build-parallel` and `builder build-sequence`: from a lock to wheels."""

from datetime import UTC, datetime
from threading import Event

import click

from builder.app.lock import (
    Lock,
    Strictness,
    build_from_lock,
    lock_from_build_order,
    lock_from_graph,
)
from builder.app.settings import Settings
from builder.cli.options import given, shared_options
from builder.cli.report import of_lock, repeating
from builder.cli.runs import building_options, lock_options, run_settings, shown
from builder.errors import ExitStatus


@click.command("build-parallel")
@click.argument("graph_file", metavar="GRAPH_FILE")
@lock_options
@building_options
@shared_options
@click.pass_context
def build_parallel_command(  # noqa: PLR0913 - one for each option of the command
    click_context: click.Context,
    *,
    graph_file: str,
    force: bool,
    require_identical: bool,
    workers: int | None,
    keep_going: bool,
    test_mode: bool,
    wheel_servers: tuple[str, ...],
) -> ExitStatus:
    """Build everything that a graph.json names, with exactly what it names.

    Nothing is resolved, and nothing is fetched once the sources are in sdists-repo. A build starts
    as soon as the last wheel that it needs is there. What the graph does not hold is a failed
    build. GRAPH_FILE may be a URL, and a graph that Fromager wrote.
    """
    settings = run_settings(given(click_context), workers, wheel_servers)
    strictness = Strictness(force, require_identical, test_mode, not keep_going)
    return _build(settings, "build-parallel", graph_file, lock_from_graph(graph_file), strictness)


@click.command("build-sequence")
@click.argument("build_order_file", metavar="BUILD_ORDER_FILE")
@lock_options
@building_options
@shared_options
@click.pass_context
def build_sequence_command(  # noqa: PLR0913 - one for each option of the command
    click_context: click.Context,
    *,
    build_order_file: str,
    force: bool,
    require_identical: bool,
    workers: int | None,
    keep_going: bool,
    test_mode: bool,
    wheel_servers: tuple[str, ...],
) -> ExitStatus:
    """Build everything that a build-order.json names, with exactly what it names.

    In an order written by Fromager, a build sees only what stands before it. BUILD_ORDER_FILE may
    be a URL.
    """
    settings = run_settings(given(click_context), workers, wheel_servers)
    strictness = Strictness(force, require_identical, test_mode, not keep_going)
    lock = lock_from_build_order(build_order_file)
    return _build(settings, "build-sequence", build_order_file, lock, strictness)


def _build(
    settings: Settings, command: str, file: str, lock: Lock, strictness: Strictness
) -> ExitStatus:
    return shown(
        settings,
        lambda progress: of_lock(
            build_from_lock(settings, lock, strictness, datetime.now(UTC), progress, Event()),
            repeating(command, settings, (), file),
        ),
    )

"""`builder bootstrap`: the main job."""

from threading import Event

import click

from builder.app.bootstrap import Wanted, bootstrap
from builder.cli.options import given, shared_options
from builder.cli.progress import terminal_progress
from builder.cli.report import failure_lines, status_of, summary_lines
from builder.errors import ExitStatus


@click.command("bootstrap")
@click.argument("requirements", nargs=-1, metavar="[REQUIREMENT]...")
@click.option(
    "-r",
    "--requirements-file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Requirements, as pip reads them. May be repeated.",
)
@click.option(
    "-m",
    "--max-workers",
    "workers",
    type=click.IntRange(min=1),
    help="Builds at once. Default: one for each processor.",
)
@shared_options
@click.pass_context
def bootstrap_command(
    click_context: click.Context,
    requirements: tuple[str, ...],
    files: tuple[str, ...],
    workers: int | None,
) -> ExitStatus:
    """Rebuild requirements and everything that they need, build tools included, from source.

    Leaves source archives in sdists-repo, wheels and an index over them in wheels-repo, and
    graph.json, build-order.json, constraints.txt and logs in work-dir. Run it again after it was
    stopped or killed: it goes on where it was.
    """
    shared = given(click_context)
    settings = shared.settings(workers)
    progress = terminal_progress(verbose=bool(shared.values.get("verbose")))
    wanted = Wanted(requirements, files, shared.constraints)
    with progress.shown():
        result = bootstrap(settings, wanted, progress, Event())
    causes = [failure for failure in result.failures if failure.blocked_by is None]
    for failure in causes:
        chain = result.chains.get(failure.pin, ())
        for line in failure_lines(failure, chain, settings, shared.constraints):
            click.echo(line, err=True)
    blocked = len(result.failures) - len(causes)
    if causes:
        click.echo(f"{len(causes)} failed, {blocked} could not start because of them", err=True)
    for line in summary_lines(progress.tally, progress.seconds, settings):
        click.echo(line, err=True)
    return status_of(result)

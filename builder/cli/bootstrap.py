"""`builder bootstrap` and `builder bootstrap-parallel`: from requirements to wheels."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event as Stop

import click

from builder.app.bootstrap import Manner, bootstrap
from builder.app.lock import Strictness, build_from_lock, lock_from_graph
from builder.app.requested import Wanted
from builder.app.settings import Settings
from builder.cli.options import given, shared_options
from builder.cli.progress import Progress, terminal_progress
from builder.cli.report import comparison_lines, of_bootstrap, of_lock, repeating, status_of
from builder.cli.runs import (
    building_options,
    choice_options,
    lock_options,
    requirement_options,
    shown,
    tell_outcome,
    variants_settings,
)
from builder.cli.telling import tell
from builder.cli.variant_table import variants_report
from builder.domain.events import Event
from builder.errors import ExitStatus


@click.command("bootstrap")
@requirement_options
@click.option(
    "--sdist-only/--full-build",
    "plan_only",
    default=False,
    help="Only find out what every build needs, and build only what that takes.",
)
@choice_options
@building_options
@shared_options
@click.pass_context
def bootstrap_command(  # noqa: PLR0913 - one for each option of the command
    click_context: click.Context,
    *,
    requirements: tuple[str, ...],
    files: tuple[str, ...],
    previous: str | None,
    plan_only: bool,
    same_versions: bool,
    native_pure: bool,
    skip_constraints: bool,
    every_version: bool,
    max_release_age: int | None,
    seeds: tuple[str, ...],
    allow_git: tuple[str, ...],
    bg_threads: int | None,  # noqa: ARG001 - accepted, and needed by nothing
    workers: int | None,
    keep_going: bool,
    test_mode: bool,
    wheel_servers: tuple[str, ...],
) -> ExitStatus:
    """Rebuild requirements and everything that they need, build tools included, from source.

    Leaves source archives in sdists-repo, wheels and an index over them in wheels-repo, and
    graph.json, build-order.json, constraints.txt and logs in work-dir. Run it again after it was
    stopped or killed: it goes on where it was.

    With several variants, all are built in one run, with the same versions in each; the table at
    the end says what differs, and `builder variants compare` says it again.

    With --sdist-only, the graph is a lock that `builder build-parallel` builds from, on another
    machine if need be, without resolving anything and without a network.
    """
    shared = given(click_context)
    variants = variants_settings(shared, workers, wheel_servers)
    manner = Manner(
        previous=previous,
        same_versions=same_versions,
        native_pure=native_pure,
        plan_only=plan_only,
        skip_constraints=skip_constraints,
        test_mode=test_mode,
        every_version=every_version,
        fail_fast=not keep_going,
        max_release_age=max_release_age,
        seeds=seeds,
        allow_git=allow_git,
    )
    return _bootstrap(variants, Wanted(requirements, files, shared.constraints), manner)


@click.command("bootstrap-parallel")
@requirement_options
@choice_options
@building_options
@lock_options
@shared_options
@click.pass_context
def bootstrap_parallel_command(  # noqa: PLR0913 - one for each option of the command
    click_context: click.Context,
    *,
    requirements: tuple[str, ...],
    files: tuple[str, ...],
    previous: str | None,
    same_versions: bool,
    native_pure: bool,
    skip_constraints: bool,
    every_version: bool,
    max_release_age: int | None,
    seeds: tuple[str, ...],
    allow_git: tuple[str, ...],
    bg_threads: int | None,  # noqa: ARG001 - accepted, and needed by nothing
    workers: int | None,
    keep_going: bool,
    test_mode: bool,
    wheel_servers: tuple[str, ...],
    force: bool,
    require_identical: bool,
) -> ExitStatus:
    """Discover with `bootstrap --sdist-only`, then build from the lock that it left.

    `builder bootstrap` builds in parallel, too, and does both at once.
    """
    shared = given(click_context)
    variants = variants_settings(shared, workers, wheel_servers)
    manner = Manner(
        previous=previous,
        same_versions=same_versions,
        native_pure=native_pure,
        plan_only=True,
        skip_constraints=skip_constraints,
        test_mode=test_mode,
        every_version=every_version,
        fail_fast=not keep_going,
        max_release_age=max_release_age,
        seeds=seeds,
        allow_git=allow_git,
    )
    wanted = Wanted(requirements, files, shared.constraints)
    status = _bootstrap(variants, wanted, manner, quiet=True)
    if status is not ExitStatus.OK and not test_mode:
        return status
    strictness = Strictness(
        force=force,
        require_identical=require_identical,
        test_mode=test_mode,
        fail_fast=not keep_going,
        marked="",
    )
    built = [_build(settings, strictness) for settings in variants]
    return next((one for one in (status, *built) if one is not ExitStatus.OK), ExitStatus.OK)


def _build(settings: Settings, strictness: Strictness) -> ExitStatus:
    graph = str(settings.work_dir / "graph.json")
    repeat = repeating("build-parallel", settings, (), graph)
    return shown(
        settings,
        lambda progress: of_lock(
            build_from_lock(
                settings,
                lock_from_graph(graph),
                strictness,
                datetime.now(UTC),
                progress,
                Stop(),
            ),
            repeat,
        ),
    )


def _bootstrap(
    variants: tuple[Settings, ...], wanted: Wanted, manner: Manner, *, quiet: bool = False
) -> ExitStatus:
    progress = terminal_progress()
    with progress.shown():
        results = bootstrap(
            variants,
            wanted,
            manner,
            datetime.now(UTC),
            _listeners(variants, progress),
            Stop(),
        )
    statuses = []
    for settings in variants:
        result = results[settings.variant]
        repeat = repeating("bootstrap", settings, wanted.constraint_files)
        outcome = of_bootstrap(result, repeat, lenient=manner.every_version)
        if len(variants) > 1:
            tell(f"variant {settings.variant}:")
        tell_outcome(outcome, progress, settings, quiet=quiet)
        statuses.append(status_of(outcome))
    for line in comparison_lines(progress.timings):
        tell(line)
    graphs = {it: result.graph for it, result in results.items() if result.graph is not None}
    if len(variants) > 1 and len(graphs) == len(variants):
        click.echo("\n".join(variants_report(graphs)))
    return next((one for one in statuses if one is not ExitStatus.OK), ExitStatus.OK)


def _listeners(
    variants: tuple[Settings, ...], progress: Progress
) -> Callable[[str], Callable[[Event], None]]:
    """Who hears of a variant: where only one is wanted, its name would say nothing."""
    only = variants[0].variant if len(variants) == 1 else None
    return lambda name: progress if name == only else progress.of(name)

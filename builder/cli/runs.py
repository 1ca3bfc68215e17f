"""What the commands that build have in common: options, and how a run is shown."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from builder.app.settings import Settings
from builder.cli.options import Given
from builder.cli.progress import Progress, terminal_progress
from builder.cli.report import Outcome, outcome_lines, status_of, summary_lines
from builder.cli.telling import tell
from builder.errors import ExitStatus

Command = TypeVar("Command", bound=Callable[..., Any])


def requirement_options(command: Command) -> Command:
    """What is to be rebuilt, and what an earlier run chose."""
    for option in (
        click.option(
            "-p",
            "--previous-bootstrap-file",
            "previous",
            metavar="FILE",
            help="A graph.json, by path or URL, whose versions are kept where they may be.",
        ),
        click.option(
            "-r",
            "--requirements-file",
            "files",
            multiple=True,
            metavar="FILE",
            help="Requirements, as pip reads them. May be repeated.",
        ),
        click.argument("requirements", nargs=-1, metavar="[REQUIREMENT]..."),
    ):
        command = option(command)
    return command


def choice_options(command: Command) -> Command:
    """How releases are chosen."""
    for option in (
        click.option(
            "--bg-threads",
            type=click.IntRange(min=1),
            help="Accepted for Fromager's sake: sources are read ahead as far as it helps.",
        ),
        click.option(
            "--seed",
            "seeds",
            multiple=True,
            metavar="NAME==VERSION",
            help="Cut a ring of builds with this wheel of the index; recorded in the graph.",
        ),
        click.option(
            "--allow-git",
            multiple=True,
            metavar="URL",
            help="Let packages require git repositories whose URLs begin so; "
            "git.allow in the settings file does the same.",
        ),
        click.option(
            "--max-release-age",
            type=click.IntRange(min=1),
            metavar="DAYS",
            help="Use only releases that are at most so old.",
        ),
        click.option(
            "--multiple-versions",
            "every_version",
            is_flag=True,
            help="Take every version that matches a requirement, not just one.",
        ),
        click.option(
            "--same-versions/--own-versions",
            "same_versions",
            default=True,
            help="Whether a project has one version in all variants, where several are built. "
            "Default: --same-versions.",
        ),
        click.option(
            "--native-pure-wheels/--emulated-pure-wheels",
            "native_pure",
            default=True,
            help="Whether wheels that are the same for every processor are built natively where "
            "the variant's processor is emulated. Default: --native-pure-wheels.",
        ),
        click.option(
            "--skip-constraints", is_flag=True, help="Do not write constraints.txt at the end."
        ),
    ):
        command = option(command)
    return command


def building_options(command: Command) -> Command:
    """How builds are run."""
    for option in (
        click.option(
            "--test-mode",
            is_flag=True,
            help="Go on after failures, with wheels of the index in place of what failed.",
        ),
        click.option(
            "--keep-going/--fail-fast",
            "keep_going",
            default=True,
            help="Whether to build what else can be built after a failure. Default: --keep-going.",
        ),
        click.option(
            "-m",
            "--max-workers",
            "workers",
            type=click.IntRange(min=1),
            help="Builds at once. Default: one for each processor.",
        ),
        click.option(
            "--cache-wheel-server-url",
            "--wheel-server-url",
            "wheel_servers",
            multiple=True,
            metavar="URL",
            help="An index of wheels that were built before, taken instead of built.",
        ),
    ):
        command = option(command)
    return command


def lock_options(command: Command) -> Command:
    """How strictly a lock is followed."""
    for option in (
        click.option(
            "--require-identical",
            is_flag=True,
            help="Refuse a wheel that is not the very one that the lock knows.",
        ),
        click.option("-f", "--force", is_flag=True, help="Build what is there already, too."),
    ):
        command = option(command)
    return command


def run_settings(shared: Given, workers: int | None, wheel_servers: tuple[str, ...]) -> Settings:
    """Settings of a command that builds for one variant."""
    return replace(shared.settings(workers), wheel_server_urls=wheel_servers)


def variants_settings(
    shared: Given, workers: int | None, wheel_servers: tuple[str, ...]
) -> tuple[Settings, ...]:
    """Settings of a command that builds for one variant or more."""
    every = shared.settings_of_variants(workers)
    return tuple(replace(one, wheel_server_urls=wheel_servers) for one in every)


def shown(
    settings: Settings, run: Callable[[Progress], Outcome], *, quiet: bool = False
) -> ExitStatus:
    """Runs with progress, then tells how it ended; the status to end with."""
    progress = terminal_progress()
    with progress.shown():
        outcome = run(progress)
    tell_outcome(outcome, progress, settings, quiet=quiet)
    return status_of(outcome)


def tell_outcome(
    outcome: Outcome, progress: Progress, settings: Settings, *, quiet: bool = False
) -> None:
    """Tells how a run ended; `quiet`: without where results are, if another run follows."""
    for line in outcome_lines(outcome):
        tell(line)
    if not quiet:
        tally = progress.tally_of(settings.variant)
        for line in summary_lines(tally, progress.seconds, settings):
            tell(line)

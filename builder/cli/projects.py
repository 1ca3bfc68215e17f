"""`builder package …`, `list-versions` and `find-updates`: what an index has of a project."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from packaging.requirements import Requirement

from builder.app.projects import Distribution, Projects, open_projects, read_constraint_lines
from builder.cli.notes import tell_note
from builder.cli.options import Given, given
from builder.cli.releases import resolved_lines, updates_text, versions_text
from builder.cli.results import deliver
from builder.cli.telling import tell, tell_error, warn
from builder.errors import ExitStatus, ImpossibleError, InputError
from builder.resolve.available import Cooldown
from builder.resolve.requirements_file import parse_requirement
from builder.resolve.requirements_text import shown
from builder.workflows.logs import harmless

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)
_HINT = "loosen the requirement, or ask for other files with --distribution-type"


@dataclass(frozen=True)
class Listing:
    """How versions are to be listed: a field for each option of `listing_options`."""

    distribution_type: str
    index_urls: tuple[str, ...]
    ignore_no_versions: bool
    output_format: str
    output: Path | None
    ignore_per_package_overrides: bool


def asking_options(command: Command) -> Command:
    """Which files count, and whom to ask."""
    for option in (
        click.option(
            "--distribution-type",
            type=click.Choice([it.value for it in Distribution], case_sensitive=False),
            default=Distribution.DEFAULT.value,
            show_default=True,
            help="Which files make a release count. By default what the package's settings say: "
            "sdists, where they say nothing.",
        ),
        click.option(
            "--sdist-server-url",
            "--index-url",
            "index_urls",
            multiple=True,
            metavar="URL",
            help="The index to ask. Repeat it to ask several, in this order.",
        ),
    ):
        command = option(command)
    return command


def listing_options(command: Command) -> Command:
    """How versions are listed."""
    for option in (
        click.option(
            "--ignore-per-package-overrides",
            is_flag=True,
            help="Hold the project to --min-release-age, whatever its settings say.",
        ),
        click.option("-o", "--output", type=_PATH, help="Default: standard output."),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(
                ["versions", "requirements", "table", "csv", "json"], case_sensitive=False
            ),
            default="versions",
            show_default=True,
            help="The first two leave out what is too young; the others say so.",
        ),
        click.option(
            "--ignore-no-versions/--no-ignore-no-versions",
            help="Whether it is all right to find nothing.",
        ),
    ):
        command = option(command)
    return asking_options(command)


@click.group("package")
def package_group() -> None:
    """Ask an index about one project."""


@package_group.command("list-versions")
@click.argument("requirement")
@listing_options
@click.pass_context
def package_list_versions_command(
    click_context: click.Context,
    /,
    requirement: str,
    **chosen: Any,  # noqa: ANN401 - the fields of Listing
) -> None:
    """List the versions that satisfy REQUIREMENT, such as "name>=1.0", the oldest first."""
    _list_versions(given(click_context), requirement, Listing(**chosen))


@click.command("list-versions")
@click.argument("requirement")
@listing_options
@click.option(
    "--format-as-requirements/--no-format-as-requirements",
    "as_requirements",
    help="The same as --format requirements.",
)
@click.pass_context
def list_versions_command(
    click_context: click.Context,
    /,
    requirement: str,
    *,
    as_requirements: bool,
    **chosen: Any,  # noqa: ANN401 - the fields of Listing
) -> None:
    """List versions. Deprecated: this is the old name of `builder package list-versions`."""
    warn("list-versions is an old name, and will go: use `builder package list-versions`")
    listing = Listing(**chosen)
    if as_requirements:
        listing = replace(listing, output_format="requirements")
    _list_versions(given(click_context), requirement, listing)


@package_group.command("resolve")
@click.argument("requirement")
@asking_options
@click.pass_context
def resolve_command(
    click_context: click.Context,
    requirement: str,
    distribution_type: str,
    index_urls: tuple[str, ...],
) -> ExitStatus:
    """Show which release REQUIREMENT leads to, and what speaks against the newest one.

    Constraints, settings and ages count as in a bootstrap. The exit status is 2 where nothing is
    found.
    """
    asked = _of_index(requirement)
    projects = _projects(given(click_context), index_urls)
    resolved = projects.resolve(asked, Distribution(distribution_type.lower()))
    for line in resolved_lines(asked, resolved):
        click.echo(harmless(line))
    if resolved.chosen is None:
        tell_error(_nothing(requirement, resolved.refusals))
        return ExitStatus.USAGE
    return ExitStatus.OK


@click.command("find-updates")
@click.argument("constraints_file", metavar="CONSTRAINTS_FILE")
@asking_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["requirements", "json", "csv"], case_sensitive=False),
    default="requirements",
    show_default=True,
)
@click.option("-o", "--output", type=_PATH, help="Default: standard output.")
@click.pass_context
def find_updates_command(
    click_context: click.Context,
    constraints_file: str,
    distribution_type: str,
    index_urls: tuple[str, ...],
    output_format: str,
    output: Path | None,
) -> None:
    """List the releases that are newer than a constraints file allows.

    Looks at lines with one of == === < <= ~= !=, and passes over releases that are too young.
    """
    shared = given(click_context)
    lines = read_constraint_lines(shared.settings(), constraints_file)
    found = _projects(shared, index_urls).updates(lines, Distribution(distribution_type.lower()))
    _deliver(updates_text(found, output_format), output)


def _of_index(text: str) -> Requirement:
    requirement = parse_requirement(text, "command line")
    if requirement.url is not None:
        raise InputError(
            f"command line: {shown(str(requirement))} names a URL",
            hint="name the project alone: an index is asked for its releases",
        )
    return requirement


def _list_versions(shared: Given, requirement: str, listing: Listing) -> None:
    asked = _of_index(requirement)
    found = _projects(shared, listing.index_urls).versions(
        asked,
        Distribution(listing.distribution_type.lower()),
        own_ages=not listing.ignore_per_package_overrides,
    )
    if not found.releases:
        nothing = _nothing(requirement, found.refusals)
        if not listing.ignore_no_versions:
            raise nothing
        warn(nothing.message)
    young = sum(it.cooldown is Cooldown.BLOCKED for it in found.releases)
    if young:
        tell(f"{young} of {len(found.releases)} releases are too young, or of unknown age")
    _deliver(versions_text(found.releases, listing.output_format.lower()), listing.output)


def _projects(shared: Given, index_urls: tuple[str, ...]) -> Projects:
    settings = shared.settings()
    settings = replace(settings, index_urls=index_urls or settings.index_urls)
    return open_projects(settings, shared.constraints, datetime.now(UTC), tell_note)


def _nothing(requirement: str, refusals: tuple[str, ...]) -> ImpossibleError:
    lines = "".join(f"\n  {line}" for line in refusals)
    return ImpossibleError(f"nothing satisfies {requirement}:{lines}", hint=_HINT)


def _deliver(text: str, output: Path | None) -> None:
    if text or output is not None:
        deliver(text, output)

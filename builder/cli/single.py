"""`builder build` and `builder step`: one package, whole or step by step."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import click

from builder.app.settings import Settings
from builder.app.single import (
    Single,
    build_downloaded,
    build_one,
    download,
    plan_one,
    prepare,
    prepared_archive,
    release,
)
from builder.cli.notes import tell_note
from builder.cli.options import given, shared_options
from builder.cli.progress import Progress
from builder.cli.report import Outcome, of_lock, repeating
from builder.cli.runs import shown
from builder.domain.builds import Failure
from builder.domain.releases import Pin
from builder.errors import ExitStatus

Command = TypeVar("Command", bound=Callable[..., Any])

_WHEEL_SERVERS = click.option(
    "--wheel-server-url",
    "wheel_servers",
    multiple=True,
    metavar="URL",
    help="An index of finished wheels, for what the build needs; wheels-repo is always one.",
)


def _release_arguments(command: Command) -> Command:
    version = click.argument("version", metavar="VERSION")
    return click.argument("name", metavar="NAME")(version(command))


@click.command("build")
@_release_arguments
@click.argument("server_url", metavar="[SERVER_URL]", required=False)
@_WHEEL_SERVERS
@shared_options
@click.pass_context
def build_command(
    click_context: click.Context,
    *,
    name: str,
    version: str,
    server_url: str | None,
    wheel_servers: tuple[str, ...],
) -> ExitStatus:
    """Build one release, with the wheels that are in wheels-repo already.

    Prints the path of the wheel. What its build needs must be there: `builder bootstrap` builds
    that, too.
    """
    settings = _settings(click_context, wheel_servers, server_url)
    return _built(settings, "build", release(name, version), build_one)


@click.group("step")
def step_group() -> None:
    """Take the steps of a build one by one, as pipelines do."""


@step_group.command("download-source-archive")
@_release_arguments
@click.argument("server_url", metavar="[SERVER_URL]", required=False)
@shared_options
@click.pass_context
def download_command(
    click_context: click.Context, *, name: str, version: str, server_url: str | None
) -> None:
    """Fetch a release's source archive into sdists-repo/downloads, and print its path."""
    settings = _settings(click_context, (), server_url)
    click.echo(download(settings, release(name, version), tell_note))


@step_group.command("prepare-source")
@_release_arguments
@shared_options
@click.pass_context
def prepare_source_command(click_context: click.Context, *, name: str, version: str) -> ExitStatus:
    """Unpack and patch a downloaded source in a container, and print the rebuilt archive's path.

    Source trees never lie on this machine: builds unpack the archive in their containers.
    """
    return _prepared(_settings(click_context, ()), "step prepare-source", release(name, version))


@step_group.command("prepare-build")
@_release_arguments
@_WHEEL_SERVERS
@shared_options
@click.pass_context
def prepare_build_command(
    click_context: click.Context, *, name: str, version: str, wheel_servers: tuple[str, ...]
) -> ExitStatus:
    """Ask a downloaded source what its build needs, and check that the wheels are there.

    Leaves build-system-requirements.txt and build-backend-requirements.txt in
    work-dir/NAME-VERSION/.
    """
    settings = _settings(click_context, wheel_servers)
    return _built(settings, "step prepare-build", release(name, version), plan_one)


@step_group.command("build-sdist")
@_release_arguments
@shared_options
@click.pass_context
def build_sdist_command(click_context: click.Context, *, name: str, version: str) -> ExitStatus:
    """Pack the prepared source of a release again, always to the same bytes; print its path."""
    return _prepared(_settings(click_context, ()), "step build-sdist", release(name, version))


@step_group.command("build-wheel")
@_release_arguments
@_WHEEL_SERVERS
@shared_options
@click.pass_context
def build_wheel_command(
    click_context: click.Context, *, name: str, version: str, wheel_servers: tuple[str, ...]
) -> ExitStatus:
    """Build a downloaded source, leave the wheel in wheels-repo/build, and print its path."""
    settings = _settings(click_context, wheel_servers)
    return _built(settings, "step build-wheel", release(name, version), build_downloaded)


def _settings(
    click_context: click.Context, wheel_servers: tuple[str, ...], server_url: str | None = None
) -> Settings:
    settings = given(click_context).settings()
    if server_url is not None:
        settings = replace(settings, index_urls=(server_url,))
    return replace(settings, wheel_server_urls=wheel_servers)


def _built(
    settings: Settings,
    command: str,
    pin: Pin,
    build: Callable[[Settings, Pin, Progress, Event], Single],
) -> ExitStatus:
    wheels: list[Path] = []

    def run(progress: Progress) -> Outcome:
        single = build(settings, pin, progress, Event())
        wheels.extend([single.wheel] if single.wheel is not None else [])
        return of_lock(single.result, _repeating(settings, command, pin))

    status = shown(settings, run, quiet=True)
    for wheel in wheels:
        click.echo(wheel)
    return status


def _prepared(settings: Settings, command: str, pin: Pin) -> ExitStatus:
    def run(progress: Progress) -> Outcome:
        source = prepare(settings, pin, progress, Event())
        failures = (source,) if isinstance(source, Failure) else ()
        return Outcome(failures, {}, _repeating(settings, command, pin), by_package=False)

    status = shown(settings, run, quiet=True)
    if status is ExitStatus.OK:
        click.echo(prepared_archive(settings, pin))
    return status


def _repeating(settings: Settings, command: str, pin: Pin) -> tuple[str, ...]:
    first, *more = command.split()
    return repeating(first, settings, (), *more, pin.name, str(pin.version))

"""`builder doctor`: what this host can do, and what mends it where it cannot."""

import dataclasses
import json
from collections.abc import Iterator

import click

from builder.app.doctor import Finding, Processors, examine, has_git, processors
from builder.cli.options import given, shared_options
from builder.domain.containers import Enforcement
from builder.errors import ExitStatus


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--probe", "with_probe", is_flag=True, help="Look from inside a container too.")
@shared_options
@click.pass_context
def doctor_command(click_context: click.Context, *, as_json: bool, with_probe: bool) -> ExitStatus:
    """Say which engines work here, what each enforces, and how to mend what it does not.

    It says as well which other processors are emulated here: the images of their platforms run.
    """
    settings = given(click_context).settings()
    findings = examine(settings, with_probe=with_probe)
    if as_json:
        said = {
            "engines": [dataclasses.asdict(finding) for finding in findings],
            "processors": dataclasses.asdict(processors()),
        }
        click.echo(json.dumps(said, indent=2))
    else:
        for finding in findings:
            for line in _lines(finding):
                click.echo(line)
        for line in processor_lines(processors()):
            click.echo(line)
        if not has_git(settings):
            click.echo("git: not there: requirements that name a git repository cannot be fetched")
            click.echo("  mend it: install the package git")
    working = any(finding.works for finding in findings)
    return ExitStatus.OK if working else ExitStatus.ENVIRONMENT


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.name}: {'works' if finding.works else 'does not work'}: {finding.summary}"
    if finding.remedy:
        yield f"  mend it: {finding.remedy}"
    yield from _promise_lines("", finding.promises)
    if finding.probed:
        yield "  seen from inside a container:"
        yield from _promise_lines("  ", finding.probed)


def processor_lines(found: Processors) -> Iterator[str]:
    """What a person reads about processors."""
    yield f"processors: {found.native} natively, and those that are emulated"
    for one in found.foreign:
        mark = "emulated    " if one.emulated else "NOT emulated"
        yield f"  {mark}  {one.platform}: {one.summary}"
        if one.remedy:
            yield f"                mend it, as root: {one.remedy}"


def _promise_lines(indent: str, promises: tuple[Enforcement, ...]) -> Iterator[str]:
    for promise in promises:
        mark = "enforced    " if promise.kept else "NOT enforced"
        yield f"{indent}  {mark}  {promise.promise}: {promise.means}"
        if not promise.kept and promise.remedy:
            yield f"{indent}                mend it: {promise.remedy}"

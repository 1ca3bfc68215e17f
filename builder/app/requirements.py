"""Looks requirements and constraints files over, before a run depends on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from builder.app.projects import Distribution, Projects, open_projects
from builder.app.settings import Settings
from builder.app.workshop import Notify
from builder.domain.events import Noted
from builder.indexes.documents import read_document
from builder.resolve.lint import Linted, lint_file
from builder.resolve.requirements_file import RequirementLine
from builder.resolve.requirements_text import shown


@dataclass(frozen=True)
class Lint:
    """What is to be looked over.

    Attributes:
        constraint_files: what limits the releases that are looked for.
        resolve: whether an index is asked for a release for each requirement.
    """

    files: tuple[str, ...]
    constraint_files: tuple[str, ...] = ()
    resolve: bool = False


def lint_requirements(
    settings: Settings, lint: Lint, now: datetime, notify: Notify
) -> tuple[str, ...]:
    """Every problem of the files, each with its file and line; the network is not used unasked.

    Raises:
        IndexUnreachableError: an index did not answer.
        InputError: the settings or the constraints of the run cannot be used.
    """

    def pass_over(url: str) -> bytes:
        notify(
            Noted(
                f"{shown(url)}: not read, for the network is used with --resolve-requirements only"
            )
        )
        return b""

    fetch = read_document if lint.resolve else pass_over
    linted = [lint_file(file, settings.variables, fetch) for file in lint.files]
    problems = [problem for one in linted for problem in one.problems]
    if lint.resolve:
        projects = open_projects(settings, lint.constraint_files, now, notify)
        problems.extend(_unresolved(projects, linted, notify))
    return tuple(dict.fromkeys(problems))


def _unresolved(projects: Projects, linted: Sequence[Linted], notify: Notify) -> Iterator[str]:
    for unnamed in (line for one in linted for line in one.parsed.unnamed):
        notify(Noted(f"{unnamed.origin}: {unnamed.repository} is not looked for: it names a URL"))
    for line in (line for one in linted for line in one.parsed.requirements):
        if line.requirement.url is not None or not projects.applies(line.requirement):
            why = "it names a URL" if line.requirement.url else "its marker does not hold"
            notify(Noted(f"{line.origin}: {shown(str(line.requirement))} is not looked for: {why}"))
            continue
        yield from _problem(projects, line, notify)


def _problem(projects: Projects, line: RequirementLine, notify: Notify) -> Iterator[str]:
    resolved = projects.resolve(line.requirement, Distribution.DEFAULT)
    if resolved.chosen is not None:
        notify(Noted(f"{line.origin}: {line.requirement} leads to {resolved.chosen.pin}"))
        return
    reasons = "; ".join(resolved.refusals)
    yield f"{line.origin}: nothing satisfies {line.requirement}: {reasons}"

"""From files and options to what is asked for, what constrains it, and whom to ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.app.decisions import Decisions
from builder.app.providers import told_index
from builder.app.settings import Settings
from builder.domain.digests import Digest
from builder.domain.repositories import GitReference
from builder.errors import InputError
from builder.indexes.decided import DecidedIndex
from builder.indexes.documents import read_document
from builder.indexes.elsewhere import Elsewhere
from builder.indexes.forges import tokens_of
from builder.indexes.routed import RoutedIndex
from builder.indexes.simple import DEFAULT_INDEX_URL, SimpleIndex
from builder.overrides.reading import Overrides
from builder.ports import Index
from builder.resolve.ages import ReleaseAges, exactly_named
from builder.resolve.problem import Asked
from builder.resolve.requirements_file import (
    ParsedRequirements,
    RequirementLine,
    UnnamedLine,
    parse_asked,
    read_requirements,
)
from builder.resolve.requirements_text import shown


@dataclass(frozen=True)
class Wanted:
    """What a bootstrap is asked for: command line, requirements files, constraints files."""

    requirements: tuple[str, ...]
    files: tuple[str, ...]
    constraint_files: tuple[str, ...]


@dataclass(frozen=True)
class FromRepository:
    """A state of a git repository that is asked for.

    Attributes:
        reference: with its login, where it has one.
        requirement: without one; None where the project is not named.
        hashes: of the packed archive; any of them may match.
    """

    reference: GitReference
    requirement: Requirement | None
    hashes: tuple[Digest, ...]
    origin: str

    @property
    def project(self) -> NormalizedName | None:
        """As it is named; None where it is not."""
        return None if self.requirement is None else canonicalize_name(self.requirement.name)


@dataclass(frozen=True)
class Requested:
    """The same, read and checked.

    Attributes:
        asked: what is looked for on an index.
        repositories: what is not.
        hashes: for what names its project.
    """

    asked: tuple[Asked, ...]
    repositories: tuple[FromRepository, ...]
    parsed: ParsedRequirements
    hashes: Mapping[NormalizedName, tuple[Digest, ...]]


def read_requested(settings: Settings, wanted: Wanted) -> Requested:
    """Reads everything that a bootstrap is asked for.

    Raises:
        InputError: a file or a requirement is not usable, or there is none.
    """
    variables = settings.variables
    parsed = read_requirements(wanted.files, wanted.constraint_files, variables, read_document)
    lines = [parse_asked(text, "the command line") for text in wanted.requirements]
    lines += [*parsed.requirements, *parsed.unnamed]
    if not lines:
        raise InputError(
            "nothing was asked for",
            hint="name requirements, or a file of them with -r requirements.txt",
        )
    if parsed.require_hashes:
        _check_hashes(wanted, parsed)
    asked: list[Asked] = []
    repositories: list[FromRepository] = []
    for line in lines:
        match line:
            case UnnamedLine(reference, hashes, origin):
                repositories.append(FromRepository(reference, None, hashes, origin))
            case RequirementLine(requirement, hashes, origin, reference):
                if reference is None:
                    asked.append(Asked(_of_index(requirement, origin), origin))
                else:
                    repositories.append(FromRepository(reference, requirement, hashes, origin))
    return Requested(tuple(asked), tuple(repositories), parsed, _hashes(parsed))


def open_index(
    settings: Settings,
    overrides: Overrides,
    parsed: ParsedRequirements | None = None,
    opened: Callable[[tuple[str, ...]], Index] = SimpleIndex,
) -> Index:
    """The index to ask, with projects that have one of their own.

    Args:
        settings: what the user chose.
        overrides: what is laid down for packages.
        parsed: requirements files, which may name indexes.
        opened: the index at these addresses; several variants share one, and what it said.
    """
    usual = opened(index_urls(settings, parsed))
    own: dict[NormalizedName, Index] = {}
    for name in overrides.projects:
        told = told_index(name, settings, overrides)
        url = overrides.sdist_server_url(name)
        if told is not None:
            own[name] = told
        elif url is not None:
            own[name] = opened((url,))
    decisions = Decisions(overrides.decisions, overrides.variant)
    for name in decisions.projects:
        if decisions.decides(name, "releases"):
            elsewhere = Elsewhere(tokens_of(settings.variables))
            own[name] = DecidedIndex(own.get(name, usual), decisions.page, elsewhere)
    return RoutedIndex(usual, own) if own else usual


def index_urls(settings: Settings, parsed: ParsedRequirements | None = None) -> tuple[str, ...]:
    """The indexes to ask, in order: options, then requirements files, then pip's variables.

    Extra indexes come before the main one, so that a project of one's own hides a public one.
    """
    if settings.index_urls:
        return settings.index_urls
    variables = settings.variables
    main = parsed.index_url if parsed is not None else None
    extra = parsed.extra_index_urls if parsed is not None else ()
    main = main or variables.get("PIP_INDEX_URL") or DEFAULT_INDEX_URL
    extra = extra or tuple(variables.get("PIP_EXTRA_INDEX_URL", "").split())
    return (*extra, main)


def release_ages(
    settings: Settings,
    overrides: Overrides,
    asked: tuple[Asked, ...],
    max_days: int | None,
    now: datetime,
) -> ReleaseAges:
    """The limits on ages, from options and settings."""
    own = {name: overrides.min_release_age(name) for name in overrides.projects}
    return ReleaseAges(
        now,
        _days(settings.min_release_age) if settings.min_release_age else None,
        _days(max_days) if max_days else None,
        {name: _days(days) for name, days in own.items() if days is not None},
        exactly_named(one.requirement for one in asked),
    )


def _days(count: int) -> timedelta:
    """A thousand years are as good as any longer time, and still a length that can be told."""
    return timedelta(days=min(count, 365_000))


def _of_index(requirement: Requirement, origin: str) -> Requirement:
    if requirement.url is not None:
        raise InputError(
            f"{origin}: {shown(str(requirement))} names a URL",
            hint="name a release that an index has, such as name==1.2, or a git repository",
        )
    return requirement


def _check_hashes(wanted: Wanted, parsed: ParsedRequirements) -> None:
    bare = [f"{shown(text)} on the command line" for text in wanted.requirements]
    bare += [f"{one.requirement} ({one.origin})" for one in parsed.requirements if not one.hashes]
    bare += [f"{one.repository} ({one.origin})" for one in parsed.unnamed if not one.hashes]
    if bare:
        raise InputError(
            f"--require-hashes is set, and there is no --hash for {bare[0]}",
            hint="give the sha256 of its source archive, or take --require-hashes out",
        )


def _hashes(parsed: ParsedRequirements) -> dict[NormalizedName, tuple[Digest, ...]]:
    hashes: dict[NormalizedName, tuple[Digest, ...]] = {}
    for line in (*parsed.requirements, *parsed.constraints):
        if line.hashes:
            name = canonicalize_name(line.requirement.name)
            hashes[name] = (*hashes.get(name, ()), *line.hashes)
    return hashes

"""Solving from releases that are on hand, instead of from an index."""

from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.images import TargetPython
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.resolve.problem import Asked, applies


def page_of(name: NormalizedName, pins: Iterable[Pin], where: str) -> ProjectPage | NoSuchProject:
    """A project page that offers just these releases, whatever their Python.

    `where` is how to call the place they are in, in messages.
    """
    candidates = [_candidate(pin, where) for pin in sorted(pins, reverse=True)]
    if not candidates:
        return NoSuchProject(name, (where,))
    return ProjectPage(name, tuple(candidates))


def unmet(asked: Iterable[Asked], pins: Iterable[Pin], target: TargetPython) -> tuple[str, ...]:
    """The requirements that none of these releases satisfies, as they were written."""
    versions: dict[NormalizedName, list[Pin]] = {}
    for pin in pins:
        versions.setdefault(pin.name, []).append(pin)
    return tuple(
        str(one.requirement)
        for one in asked
        if applies(one.requirement, target, ())
        and not any(
            one.requirement.specifier.contains(pin.version, prereleases=True)
            for pin in versions.get(canonicalize_name(one.requirement.name), ())
        )
    )


def needed(
    requires: Iterable[Requirement], target: TargetPython, extras: Iterable[str]
) -> frozenset[str]:
    """What requirements come to on a target, with some extras: without markers, as a set."""
    chosen = tuple(extras)
    return frozenset(_bare(one) for one in requires if applies(one, target, chosen))


def _bare(requirement: Requirement) -> str:
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    source = f"@{requirement.url}" if requirement.url else ""
    return f"{canonicalize_name(requirement.name)}[{extras}]{requirement.specifier}{source}"


def _candidate(pin: Pin, where: str) -> Candidate:
    nothing_to_fetch = RemoteFile("", "", None)
    return Candidate(pin, nothing_to_fetch, (), SpecifierSet(), None, where)

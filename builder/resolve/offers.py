"""Which of a project's releases may be chosen at all, best first, and why the others may not."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from builder.domain.images import TargetPython
from builder.domain.releases import Candidate, NoSuchProject, ProjectPage
from builder.resolve.ages import Aged, ReleaseAges, of_right_age
from builder.resolve.constraints import Constraint


@dataclass(frozen=True)
class Offer:
    """Candidates from the most to the least wanted, and reasons for whatever is not among them."""

    candidates: tuple[Candidate, ...]
    refusals: tuple[str, ...]


def offers_for(
    page: ProjectPage | NoSuchProject,
    specifiers: Sequence[SpecifierSet],
    constraint: Constraint | None,
    target: TargetPython | None,
    ages: ReleaseAges | None = None,
) -> Offer:
    """Filters a project's releases as the standards say, and by their age where that is limited.

    Pre-releases count only where a specifier or the constraint names one, or nothing else matches
    (PEP 440). A yanked release counts only where it is pinned exactly (PEP 592). Ages come last:
    a pre-release never takes the place of a release that is too young. Without a target,
    every Python will do.
    """
    if isinstance(page, NoSuchProject):
        asked = ", ".join(page.asked)
        return Offer((), (f"no index knows a project named {page.name} (asked: {asked})",))
    combined = SpecifierSet()
    for specifier in specifiers:
        combined &= specifier
    if constraint is not None:
        combined &= constraint.specifier
    runnable = [c for c in page.candidates if wrong_python(c, target) is None]
    pinned = pinned_versions(combined)
    allowed = [c for c in runnable if c.yanked is None or c.pin.version in pinned]
    by_version = {c.pin.version: c for c in allowed}
    versions = sorted(combined.filter(by_version), reverse=True)
    candidates = tuple(by_version[version] for version in versions)
    limited = pinned_versions(constraint.specifier) if constraint is not None else set()
    aged = of_right_age(candidates, ages, limited) if ages is not None else Aged(candidates)
    if aged.candidates:
        return Offer(aged.candidates, ())
    return Offer((), (*_refusals(page, combined, constraint, target), *aged.refusals))


def wrong_python(candidate: Candidate, target: TargetPython | None) -> str | None:
    """Why a release cannot run on the target; None where it can."""
    if target is None or candidate.requires_python.contains(target.version, prereleases=True):
        return None
    return (
        f"{candidate.pin} needs Python {candidate.requires_python}, the image has {target.version}"
    )


def pinned_versions(specifiers: SpecifierSet) -> set[Version]:
    """The versions that a specifier names by `==` or `===`."""
    versions = set()
    for spec in specifiers:
        if spec.operator in ("==", "==="):
            # Neither `==1.*` nor `===nonsense` names a version.
            with suppress(InvalidVersion):
                versions.add(Version(spec.version))
    return versions


def _refusals(
    page: ProjectPage,
    combined: SpecifierSet,
    constraint: Constraint | None,
    target: TargetPython | None,
) -> list[str]:
    lines = []
    if constraint is not None:
        where = ", ".join(constraint.origins)
        lines.append(f"{where} limits {page.name} to {constraint.specifier}")
    if not page.candidates:
        lines.append(f"{page.name} has no release with a source archive")
        lines.extend(page.notes)
        return lines
    matching = [c for c in page.candidates if combined.contains(c.pin.version, prereleases=True)]
    for candidate in sorted(matching, key=lambda c: c.pin, reverse=True)[:3]:
        if (misfit := wrong_python(candidate, target)) is not None:
            lines.append(misfit)
        elif candidate.yanked is not None:
            lines.append(f"{candidate.pin} was yanked: {candidate.yanked or 'no reason given'}")
    if not matching:
        newest = max(c.pin.version for c in page.candidates)
        lines.append(
            f"none of the {len(page.candidates)} releases of {page.name} with a source archive "
            f"satisfies {combined}; the newest is {newest}"
        )
    return lines

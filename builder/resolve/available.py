"""What an index has of a project, for whoever asks about one project by itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag

from builder.domain.images import TargetPython
from builder.domain.releases import Candidate, Pin, ProjectPage, RemoteFile
from builder.resolve.ages import ReleaseAges
from builder.resolve.constraints import Constraint
from builder.resolve.offers import pinned_versions, wrong_python
from builder.resolve.wheel_choice import fitting_wheels


@dataclass(frozen=True)
class Kinds:
    """Which files make a release count.

    Attributes:
        any_platform: whether wheels for other targets count, too.
    """

    sdists: bool = True
    wheels: bool = False
    any_platform: bool = False

    def __str__(self) -> str:
        chosen = [("sdists", self.sdists), ("wheels", self.wheels)]
        return " and ".join(name for name, counts in chosen if counts) or "nothing"


class Cooldown(Enum):
    """Whether a release is old enough."""

    UNLIMITED = ""
    AVAILABLE = "available"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Release:
    """One release as it is listed.

    Attributes:
        upload_time: of the youngest file that counts; None where the index does not say.
        age_days: whole days since then.
    """

    pin: Pin
    upload_time: datetime | None
    age_days: int | None
    cooldown: Cooldown


def counting(page: ProjectPage, kinds: Kinds, target: TargetPython | None) -> ProjectPage:
    """The page with a candidate for each release that has a file of the kinds.

    Its `sdist` is then the youngest of those files, which may be a wheel: it says how old the
    release is, and is not to be fetched.
    """
    tags = None if kinds.any_platform or target is None else target.tags
    with_sdist = {it.pin.version: it for it in page.candidates}
    candidates = []
    for version in sorted(with_sdist.keys() | page.wheels.keys(), reverse=True):
        candidate = with_sdist.get(version)
        files = [candidate.sdist] if kinds.sdists and candidate is not None else []
        if kinds.wheels:
            files.extend(fitting_wheels(page.wheels.get(version, ()), tags))
        if files:
            candidates.append(_candidate(Pin(page.name, version), candidate, files))
    return replace(page, candidates=tuple(candidates))


def buildable(page: ProjectPage, kinds: Kinds, tags: frozenset[Tag] | None) -> ProjectPage:
    """The page with a candidate for each release that counts, as a build would take it.

    Its `sdist` is the source archive where one counts, else the best wheel: that says that there
    is such a release, and where its source is has to come from elsewhere.

    Args:
        page: what an index has.
        kinds: which files count.
        tags: of wheels that count; None for all.
    """
    with_sdist = {it.pin.version: it for it in page.candidates} if kinds.sdists else {}
    candidates = dict(with_sdist)
    if kinds.wheels:
        chosen = None if kinds.any_platform else tags
        for version in page.wheels.keys() - with_sdist.keys():
            files = fitting_wheels(page.wheels[version], chosen)
            if files:
                pin = Pin(page.name, version)
                known = tuple(it for it in files if it.metadata_digest is not None)
                found = replace(_candidate(pin, None, files), sdist=files[0], wheels=known)
                candidates[version] = found
    newest_first = sorted(candidates, reverse=True)
    return replace(page, candidates=tuple(candidates[version] for version in newest_first))


def listed(candidates: Iterable[Candidate], ages: ReleaseAges) -> tuple[Release, ...]:
    """How releases are listed, the oldest version first."""
    return tuple(_release(it, ages) for it in sorted(candidates, key=lambda it: it.pin))


def newest(page: ProjectPage) -> Pin | None:
    """The highest version that has any file at all, whatever speaks against it."""
    versions = {it.pin.version for it in page.candidates} | page.wheels.keys()
    return Pin(page.name, max(versions)) if versions else None


def objections(
    pin: Pin,
    counted: ProjectPage,
    specifier: SpecifierSet,
    constraint: Constraint | None,
    target: TargetPython | None,
    ages: ReleaseAges,
) -> tuple[str, ...]:
    """Everything that speaks against a release, not only the first thing; empty for nothing.

    Args:
        pin: a release that the index has.
        counted: the page as `counting` returns it.
        specifier: what is asked for.
        constraint: what the user limits the project to.
        target: whose Python counts; None for any.
        ages: the limits.
    """
    reasons: list[str | None] = []
    if not specifier.contains(pin.version, prereleases=True):
        reasons.append(f"the requirement asks for {specifier}")
    pinned = pinned_versions(specifier)
    if constraint is not None:
        pinned |= pinned_versions(constraint.specifier)
        if not constraint.specifier.contains(pin.version, prereleases=True):
            where = ", ".join(constraint.origins)
            reasons.append(f"{where} limits {pin.name} to {constraint.specifier}")
    if pin.version.is_prerelease and pin.version not in pinned:
        reasons.append(f"{pin} is a pre-release")
    found = next((it for it in counted.candidates if it.pin == pin), None)
    if found is None:
        reasons.append(f"{pin} has no file of a kind that counts")
    else:
        reasons.append(wrong_python(found, target))
        if found.yanked is not None and pin.version not in pinned:
            reasons.append(f"{pin} was yanked: {found.yanked or 'no reason given'}")
        reasons.append(ages.too_young(pin, found.sdist.upload_time))
    return tuple(it for it in reasons if it is not None)


def _candidate(pin: Pin, known: Candidate | None, files: Sequence[RemoteFile]) -> Candidate:
    yanks = [it.yanked for it in files]
    return Candidate(
        pin=pin,
        sdist=max(files, key=_lateness),
        wheels=(),
        requires_python=known.requires_python if known is not None else SpecifierSet(),
        yanked=None if None in yanks else yanks[0],
        index_url=known.index_url if known is not None else "",
    )


def _lateness(file: RemoteFile) -> tuple[bool, float]:
    """What nobody knows counts as latest."""
    time = file.upload_time
    return (True, 0.0) if time is None else (False, time.timestamp())


def _release(candidate: Candidate, ages: ReleaseAges) -> Release:
    pin, uploaded = candidate.pin, candidate.sdist.upload_time
    if ages.minimum_of(pin.name) is None:
        cooldown = Cooldown.UNLIMITED
    elif ages.too_young(pin, uploaded) is None:
        cooldown = Cooldown.AVAILABLE
    else:
        cooldown = Cooldown.BLOCKED
    age_days = None if uploaded is None else ages.age(uploaded).days
    return Release(pin, uploaded, age_days, cooldown)

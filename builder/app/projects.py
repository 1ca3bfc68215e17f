"""Answers about single projects, by the rules of a bootstrap."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.app.overrides import load_overrides
from builder.app.requested import open_index, release_ages
from builder.app.settings import Settings
from builder.app.sourcing import kinds_of
from builder.app.target import target_if_known
from builder.app.workshop import Notify
from builder.domain.events import Noted
from builder.domain.images import TargetPython
from builder.domain.releases import NoSuchProject, Pin, ProjectPage
from builder.indexes.documents import read_document
from builder.overrides.reading import Overrides
from builder.ports import Index
from builder.resolve.ages import ReleaseAges, exactly_named
from builder.resolve.available import Kinds, Release, counting, listed, newest, objections
from builder.resolve.constraints import Constraint, merge_constraints
from builder.resolve.offers import Offer, offers_for
from builder.resolve.problem import applies
from builder.resolve.requirements_file import RequirementLine, read_requirements

_CHECKED_OPERATORS = ("==", "===", "<", "<=", "~=", "!=")


class Distribution(Enum):
    """Which files make a release count."""

    DEFAULT = "default"
    """As the package's settings say: source archives, where they say nothing."""
    SDIST = "sdist"
    WHEEL = "wheel"
    BOTH = "both"


@dataclass(frozen=True)
class Rules:
    """What decides whether a release may be used.

    Attributes:
        target: whose Python counts; None for any.
        ages: the limits, for nothing that the user names exactly.
    """

    overrides: Overrides
    constraints: Mapping[NormalizedName, Constraint]
    target: TargetPython | None
    ages: ReleaseAges


@dataclass(frozen=True)
class Listed:
    """Releases, the oldest version first; `refusals` says why there is none."""

    releases: tuple[Release, ...]
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """What the rules make of a requirement, beside what the index has.

    Attributes:
        kinds: what files counted.
        constraint: what the user limits the project to.
        matching: what satisfies requirement and constraint, whatever its age, the oldest first.
        chosen: the release that a bootstrap would take; None where there is none.
        refusals: why there is none.
        newest: the highest version that has any file; None where there is none.
        objections: what speaks against that one.
    """

    kinds: Kinds
    constraint: Constraint | None
    matching: tuple[Release, ...]
    chosen: Release | None
    refusals: tuple[str, ...]
    newest: Pin | None = None
    objections: tuple[str, ...] = ()


def open_projects(
    settings: Settings, constraint_files: Sequence[str], now: datetime, notify: Notify
) -> "Projects":
    """What the user chose, ready for questions.

    Raises:
        InputError: a file cannot be used.
        ImpossibleError: constraints contradict each other.
    """
    variables = settings.variables
    lines = read_requirements((), constraint_files, variables, read_document).constraints
    overrides = load_overrides(settings, notify)
    index = open_index(settings, overrides)
    target = target_if_known(settings, notify)
    constraints = _constraints(lines, target, notify)
    ages = release_ages(settings, overrides, (), None, now)
    return Projects(index, Rules(overrides, constraints, target, ages), notify)


def read_constraint_lines(settings: Settings, file: str) -> tuple[RequirementLine, ...]:
    """The lines of one constraints file.

    Raises:
        InputError: it cannot be used.
    """
    return read_requirements((), (file,), settings.variables, read_document).constraints


class Projects:
    """Asks an index about projects, one at a time."""

    def __init__(self, index: Index, rules: Rules, notify: Notify) -> None:
        self._index = index
        self._rules = rules
        self._notify = notify

    def versions(
        self, requirement: Requirement, distribution: Distribution, *, own_ages: bool = True
    ) -> Listed:
        """Every release that satisfies a requirement and the constraints, with its age.

        Args:
            requirement: its marker is not looked at.
            distribution: which files count.
            own_ages: whether the minimum age of the project's own settings counts.
        """
        page = self._index.project(canonicalize_name(requirement.name))
        offer = self._offer(page, requirement.specifier, self._kinds(page.name, distribution))
        ages = self._rules.ages if own_ages else replace(self._rules.ages, own_minimums={})
        return Listed(listed(offer.candidates, ages), offer.refusals)

    def resolve(self, requirement: Requirement, distribution: Distribution) -> Resolved:
        """Which release a bootstrap would take for a requirement by itself."""
        page = self._index.project(canonicalize_name(requirement.name))
        kinds = self._kinds(page.name, distribution)
        specifier = requirement.specifier
        ages = replace(self._rules.ages, exempt=exactly_named([requirement]))
        matching = listed(self._offer(page, specifier, kinds).candidates, ages)
        offer = self._offer(page, specifier, kinds, ages)
        constraint = self._rules.constraints.get(page.name)
        if isinstance(page, NoSuchProject):
            return Resolved(kinds, constraint, (), None, offer.refusals)
        (chosen,) = listed(offer.candidates[:1], ages) or (None,)
        found = newest(page)
        target = self._rules.target
        against = (
            objections(found, counting(page, kinds, target), specifier, constraint, target, ages)
            if found is not None
            else ()
        )
        return Resolved(kinds, constraint, matching, chosen, offer.refusals, found, against)

    def updates(
        self, lines: Iterable[RequirementLine], distribution: Distribution
    ) -> tuple[Pin, ...]:
        """What is newer than constraints allow, and old enough to be used; sorted.

        A line whose marker does not hold, or that has no one upper limit, is passed over.
        """
        found: set[Pin] = set()
        for line in lines:
            name = canonicalize_name(line.requirement.name)
            limit = _limit(line.requirement.specifier)
            if limit is None or not self.applies(line.requirement):
                why = "its marker does not hold" if limit else "it keeps no newer release out"
                self._notify(Noted(f"{line.origin}: {name} is passed over: {why}"))
                continue
            page = self._index.project(name)
            kinds = self._kinds(name, distribution)
            offer = self._offer(page, SpecifierSet(), kinds, self._rules.ages, constrained=False)
            for refusal in offer.refusals:
                self._notify(Noted(f"{line.origin}: {refusal}", warning=True))
            found |= {c.pin for c in offer.candidates if _is_beyond(c.pin.version, limit)}
        return tuple(sorted(found))

    def applies(self, requirement: Requirement) -> bool:
        """Whether a requirement's marker holds on the target; without a target, every one does."""
        target = self._rules.target
        return target is None or applies(requirement, target, ())

    def _offer(
        self,
        page: ProjectPage | NoSuchProject,
        specifier: SpecifierSet,
        kinds: Kinds,
        ages: ReleaseAges | None = None,
        *,
        constrained: bool = True,
    ) -> Offer:
        target = self._rules.target
        counted = counting(page, kinds, target) if isinstance(page, ProjectPage) else page
        constraint = self._rules.constraints.get(page.name) if constrained else None
        return offers_for(counted, [specifier], constraint, target, ages)

    def _kinds(self, name: NormalizedName, distribution: Distribution) -> Kinds:
        own = kinds_of(self._rules.overrides, name)
        match distribution:
            case Distribution.DEFAULT:
                return own
            case Distribution.SDIST:
                return Kinds(sdists=True, wheels=False)
            case Distribution.WHEEL:
                return Kinds(sdists=False, wheels=True, any_platform=own.any_platform)
            case Distribution.BOTH:
                return Kinds(sdists=True, wheels=True, any_platform=own.any_platform)


def _constraints(
    lines: Iterable[RequirementLine], target: TargetPython | None, notify: Notify
) -> dict[NormalizedName, Constraint]:
    if target is not None:
        return merge_constraints(lines, target.markers)
    usable = []
    for line in lines:
        if line.requirement.marker is None:
            usable.append(line)
        else:
            text = f"{line.origin}: passed over, for no Python is known to hold its marker to"
            notify(Noted(text, warning=True))
    # No marker is left, so that nothing of this host's own environment gets in.
    environment = {name: str(value) for name, value in default_environment().items()}
    return merge_constraints(usable, environment)


def _limit(specifiers: SpecifierSet) -> Specifier | None:
    """The one part of a constraint that keeps newer releases out; None where there is none."""
    found = [it for it in specifiers if it.operator in _CHECKED_OPERATORS]
    if len(found) != 1:
        return None
    try:
        Version(found[0].version)
    except InvalidVersion:
        return None
    return found[0]


def _is_beyond(version: Version, limit: Specifier) -> bool:
    named = Version(limit.version)
    if limit.operator == "!=":
        return version > named
    return version >= named and not limit.contains(version, prereleases=True)

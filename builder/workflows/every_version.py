"""Takes every version that matches, instead of one set of releases that fit together."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.builds import Failure
from builder.domain.graph import Dependency, RequirementKind
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.errors import ImpossibleError
from builder.resolve.offers import Offer, offers_for
from builder.resolve.problem import Asked, Named, Naming, Refused, applies
from builder.workflows.flows import Await, Learn, Need, Step
from builder.workflows.packages import METADATA, NAMED, Closure, Package, step_of
from builder.workflows.questions import PageOf
from builder.workflows.solving import Rules, Solver


@dataclass(frozen=True)
class _Wanted:
    parent: Pin | None
    requirement: Requirement

    @property
    def name(self) -> NormalizedName:
        return canonicalize_name(self.requirement.name)

    @property
    def named(self) -> Named | None:
        url = self.requirement.url
        return None if url is None else Named(self.name, url)


def every_version(
    asked: tuple[Asked, ...], rules: Rules, solver: Solver, product: str
) -> Generator[Need, Any, Closure]:
    """Follows install requirements to every release that matches each of them.

    Build environments hold one version of each project all the same. A release that fails is left
    out of the result, with whatever only it needs.

    Raises:
        ImpossibleError: nothing matches what the user asked for.
    """
    walk = _Walk(rules, solver)
    wave = [_Wanted(None, one.requirement) for one in asked if walk.applies(one.requirement, ())]
    while wave:
        wave = yield from walk.go_on(wave)
    steps = tuple(sorted(replace(step, kind=product) for step in walk.found))
    results = yield Await(steps)
    packages = [result for result in results.values() if isinstance(result, Package)]
    left = {package.pin for package in packages}
    edges = [e for e in walk.edges if e.child in left and (e.parent is None or e.parent in left)]
    wheels = tuple(package.wheel for package in packages if package.wheel is not None)
    return Closure(tuple(sorted(edges, key=lambda edge: edge.order)), (), wheels)


class _Walk:
    def __init__(self, rules: Rules, solver: Solver) -> None:
        self._rules = rules
        self._solver = solver
        self._followed: set[tuple[Pin, tuple[str, ...]]] = set()
        self._pages: dict[NormalizedName, ProjectPage | NoSuchProject] = {}
        self._sources: dict[Named, Candidate] = {}
        self.found: set[Step] = set()
        self.edges: set[Dependency] = set()

    def applies(self, requirement: Requirement, extras: Iterable[str]) -> bool:
        return applies(requirement, self._rules.target, extras)

    def go_on(self, wave: list[_Wanted]) -> Generator[Need, Any, list[_Wanted]]:
        """Takes in what is wanted, and returns what that wants in turn."""
        names = {one.name for one in wave if one.named is None}
        pages = yield Learn(tuple(PageOf(name) for name in sorted(names)))
        self._pages.update({question.name: page for question, page in pages.items()})
        wave = yield from self._with_sources(wave)
        chosen = [(wanted, c) for wanted in wave for c in self._offer(wanted).candidates]
        self._solver.remember(candidate for _, candidate in chosen)
        steps = sorted({step_of(METADATA, candidate) for _, candidate in chosen})
        metadata = yield Await(tuple(steps))
        following: list[_Wanted] = []
        for wanted, candidate in chosen:
            said = metadata[step_of(METADATA, candidate)]
            following.extend(self._take(wanted, candidate, said))
        return following

    def _with_sources(self, wave: list[_Wanted]) -> Generator[Need, Any, list[_Wanted]]:
        """Looks at the sources that are named; without whatever names one that fails.

        Raises:
            ImpossibleError: a source that is named may not be used.
        """
        steps: dict[Step, Named] = {}
        for one in wave:
            if one.named is not None:
                step = Step(NAMED, None, str(one.named))
                naming = Naming(one.named, one.parent, str(one.requirement))
                self._solver.namings.setdefault(step, naming)
                steps[step] = one.named
        results = yield Await(tuple(sorted(steps)))
        for one in wave:
            found = results[Step(NAMED, None, str(one.named))] if one.named is not None else None
            if isinstance(found, Refused):
                raise ImpossibleError(
                    f"{one.parent or 'you'} requires {one.requirement}: {found.reason}",
                    hint=found.hint,
                )
            if isinstance(found, Candidate) and one.named is not None:
                self._sources[one.named] = found
        return [one for one in wave if one.named is None or one.named in self._sources]

    def _offer(self, wanted: _Wanted) -> Offer:
        rules = self._rules
        constraint = rules.constraints.get(wanted.name)
        page = (
            self._pages[wanted.name]
            if wanted.named is None
            else ProjectPage(wanted.name, (self._sources[wanted.named],))
        )
        offer = offers_for(
            page, [wanted.requirement.specifier], constraint, rules.target, rules.ages
        )
        if not offer.candidates and wanted.parent is None:
            raise ImpossibleError(
                f"nothing satisfies {wanted.requirement}:\n  " + "\n  ".join(offer.refusals),
                hint="loosen the requirement or the constraints named above",
            )
        return offer

    def _take(
        self, wanted: _Wanted, candidate: Candidate, metadata: ReleaseMetadata | Failure
    ) -> list[_Wanted]:
        if isinstance(metadata, Failure):
            return []
        pin = candidate.pin
        extras = tuple(sorted(canonicalize_name(extra) for extra in wanted.requirement.extras))
        kind = RequirementKind.TOPLEVEL if wanted.parent is None else RequirementKind.INSTALL
        self.found.add(step_of(METADATA, candidate))
        self.edges.add(Dependency(wanted.parent, pin, kind, str(wanted.requirement)))
        self._solver.edges[Step("request")] = tuple(self.edges)
        if (pin, extras) in self._followed:
            return []
        self._followed.add((pin, extras))
        return [_Wanted(pin, one) for one in metadata.requires if self.applies(one, extras)]

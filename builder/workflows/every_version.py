"""Takes every version that matches, instead of one set of releases that fit together."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.builds import Failure
from builder.domain.graph import Dependency, RequirementKind
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.errors import ImpossibleError
from builder.resolve.closure import Asked, applies
from builder.resolve.offers import Offer, offers_for
from builder.workflows.flows import Await, Learn, Need, Step
from builder.workflows.packages import METADATA, Closure, Package
from builder.workflows.questions import PageOf
from builder.workflows.solving import Rules, Solver


@dataclass(frozen=True)
class _Wanted:
    parent: Pin | None
    requirement: Requirement

    @property
    def name(self) -> NormalizedName:
        return canonicalize_name(self.requirement.name)


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
    steps = tuple(Step(product, pin) for pin in sorted(walk.found))
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
        self.found: set[Pin] = set()
        self.edges: set[Dependency] = set()

    def applies(self, requirement: Requirement, extras: Iterable[str]) -> bool:
        return applies(requirement, self._rules.target, extras)

    def go_on(self, wave: list[_Wanted]) -> Generator[Need, Any, list[_Wanted]]:
        """Takes in what is wanted, and returns what that wants in turn."""
        pages = yield Learn(tuple(PageOf(name) for name in sorted({one.name for one in wave})))
        self._pages.update({question.name: page for question, page in pages.items()})
        chosen = [(wanted, c) for wanted in wave for c in self._offer(wanted).candidates]
        self._solver.candidates.update({candidate.pin: candidate for _, candidate in chosen})
        pins = sorted({candidate.pin for _, candidate in chosen})
        metadata = yield Await(tuple(Step(METADATA, pin) for pin in pins))
        following: list[_Wanted] = []
        for wanted, candidate in chosen:
            following.extend(self._take(wanted, candidate, metadata[Step(METADATA, candidate.pin)]))
        return following

    def _offer(self, wanted: _Wanted) -> Offer:
        rules = self._rules
        constraint = rules.constraints.get(wanted.name)
        page = self._pages[wanted.name]
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
        self.found.add(pin)
        self.edges.add(Dependency(wanted.parent, pin, kind, str(wanted.requirement)))
        self._solver.edges[Step("request")] = tuple(self.edges)
        if (pin, extras) in self._followed:
            return []
        self._followed.add((pin, extras))
        return [_Wanted(pin, one) for one in metadata.requires if self.applies(one, extras)]

"""The flows that answer what a set of requirements leads to, learning what they lack."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.domain.builds import Failure, Phase
from builder.domain.graph import Dependency
from builder.domain.images import TargetPython
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.resolve.ages import ReleaseAges
from builder.resolve.closure import solve_together
from builder.resolve.constraints import Constraint
from builder.resolve.previous import Preferred, PreviousChoices
from builder.resolve.problem import (
    Asked,
    Conflict,
    Knowledge,
    Lacking,
    Naming,
    Part,
    Question,
    Solution,
    applies,
)
from builder.workflows.flows import Await, Learn, Need, Step
from builder.workflows.packages import METADATA, NAMED, STATED, build_edges, step_of
from builder.workflows.questions import PageOf


@dataclass(frozen=True)
class Rules:
    """What holds for every choice of a run.

    Attributes:
        seeds: by project, the release whose wheel cuts a ring of builds.
    """

    constraints: Mapping[NormalizedName, Constraint]
    target: TargetPython
    ages: ReleaseAges | None = None
    previous: PreviousChoices = field(default_factory=lambda: PreviousChoices(None))
    seeds: Mapping[NormalizedName, Pin] = field(default_factory=dict)

    def with_seeds(self) -> Mapping[NormalizedName, Constraint]:
        """The constraints where seeds are in use: a seeded project has just the seed."""
        return {
            **self.constraints,
            **{name: _only(pin) for name, pin in self.seeds.items()},
        }


class Solver:
    """Solves by asking for pages and metadata. Remembers every candidate and edge it came upon.

    What each solving knows is its own: were it shared, a release that was ruled out by what
    another one happened to learn first could lead to another answer.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.candidates: dict[tuple[Pin, str], Candidate] = {}
        """By what a step says of a release: its pin, and its source."""
        self.namings: dict[Step, Naming] = {}
        """Who was the first to name a source."""
        self.edges: dict[Step, tuple[Dependency, ...]] = {}
        self.hooks: dict[Step, tuple[Requirement, ...]] = {}
        """What backends asked for beyond what their sources do."""

    def solve(
        self,
        step: Step,
        asked: tuple[Asked, ...],
        knowledge: Knowledge,
        corrections: Mapping[Pin, ReleaseMetadata],
        *,
        seeded: bool = False,
    ) -> Generator[Need, Any, Solution | Conflict | Failure]:
        """A solution, or why there is none. `seeded`: seeded projects are at their seed."""
        part = Part(self.question(step, asked, seeded=seeded), knowledge, corrections)
        while True:
            answer = solve_together({"": part})
            if isinstance(answer, Conflict):
                return answer
            found = answer[""]
            if isinstance(found, Solution):
                self.take(step, found)
                return found
            failure = yield from self.find_out(step, knowledge, found)
            if failure is not None:
                return failure

    def question(self, step: Step, asked: tuple[Asked, ...], *, seeded: bool = False) -> Question:
        """What is to be solved for a step."""
        rules = self._rules
        return Question(
            asked,
            rules.with_seeds() if seeded else rules.constraints,
            rules.target,
            rules.ages,
            self._preferred(step),
        )

    def take(self, step: Step, solution: Solution) -> None:
        """Keeps a step's solution."""
        self.remember(solution.candidates)
        self.edges[step] = solution.edges

    def remember(self, candidates: Iterable[Candidate]) -> None:
        """Keeps what a step needs to know of its release."""
        self.candidates.update({(one.pin, one.source): one for one in candidates})

    def candidate(self, step: Step) -> Candidate:
        """The release that a step is about."""
        if step.pin is None:
            raise KeyError(step)
        return self.candidates[step.pin, step.source]

    def corrections(
        self,
        said: Mapping[Pin, ReleaseMetadata],
        known: Mapping[Pin, ReleaseMetadata],
    ) -> dict[Pin, ReleaseMetadata]:
        """What built wheels say otherwise than was believed when this was solved."""
        return {
            pin: metadata
            for pin, metadata in said.items()
            if self._applying(known[pin]) != self._applying(metadata)
        }

    def chain(self, pin: Pin) -> tuple[Dependency, ...]:
        """The shortest way from the top to a package, over everything that was solved."""
        by_parent: dict[Pin | None, list[Dependency]] = {}
        for step, edges in sorted(self.edges.items()):
            for edge in self._hung(step, edges):
                by_parent.setdefault(edge.parent, []).append(edge)
        ways: dict[Pin | None, tuple[Dependency, ...]] = {None: ()}
        pending: list[Pin | None] = [None]
        for parent in pending:
            for edge in sorted(by_parent.get(parent, ()), key=lambda edge: edge.order):
                if edge.child not in ways:
                    ways[edge.child] = (*ways[parent], edge)
                    pending.append(edge.child)
        return ways.get(pin, ())

    def _hung(self, step: Step, edges: tuple[Dependency, ...]) -> tuple[Dependency, ...]:
        """Below the package that is built, or below the top."""
        if step.pin is None:
            return edges
        return build_edges(step.pin, edges, self.hooks.get(step, ()))

    def _preferred(self, step: Step) -> Preferred:
        previous = self._rules.previous
        return previous.for_installation() if step.pin is None else previous.for_build(step.pin)

    def find_out(
        self, step: Step, knowledge: Knowledge, lacking: Lacking
    ) -> Generator[Need, Any, Failure | None]:
        """Learns some of what a solution lacks: whatever is cheap to learn first."""
        self.edges[step] = lacking.edges or self.edges.get(step, ())
        pages, candidates = lacking.pages, lacking.metadata
        answers = yield Learn(tuple(PageOf(name) for name in pages))
        knowledge.pages.update({question.name: page for question, page in answers.items()})
        self.remember(candidates)
        failure = yield from self._take(STATED, candidates, knowledge)
        unknown = tuple(one for one in candidates if knowledge.metadata_of(one) is None)
        if failure is not None or pages or len(unknown) < len(candidates):
            # What is known now may rule them out, or show a conflict, before anything is built.
            return failure
        if lacking.named:
            return (yield from self._look_at(step, lacking.named, knowledge))
        return (yield from self._take(METADATA, unknown, knowledge))

    def _take(
        self, kind: str, candidates: tuple[Candidate, ...], knowledge: Knowledge
    ) -> Generator[Need, Any, Failure | None]:
        steps = {step_of(kind, candidate): candidate for candidate in candidates}
        results = yield Await(tuple(steps))
        for step, result in results.items():
            if isinstance(result, Failure):
                return result
            if result is not None:
                knowledge.learn(steps[step], result)
        return None

    def _look_at(
        self, step: Step, namings: tuple[Naming, ...], knowledge: Knowledge
    ) -> Generator[Need, Any, Failure | None]:
        """Finds out what sources are that requirements name."""
        steps = {Step(NAMED, None, str(naming.named)): naming for naming in namings}
        for one, naming in steps.items():
            by = naming if naming.parent is not None else replace(naming, parent=step.pin)
            self.namings.setdefault(one, by)
        results = yield Await(tuple(steps))
        for one, result in results.items():
            if isinstance(result, Failure):
                return result
            knowledge.named[steps[one].named] = result
        return None

    def _applying(self, metadata: ReleaseMetadata) -> set[str]:
        """Requirements that may matter on the target; those of extras are kept as they are."""
        return {
            str(requirement)
            for requirement in metadata.requires
            if "extra" in str(requirement.marker) or applies(requirement, self._rules.target, ())
        }


def blocked(pin: Pin | None, cause: Failure) -> Failure:
    """A failure that is only another one's consequence; the request's own is that one itself."""
    if pin is None:
        return Failure(
            cause.pin, cause.phase, cause.reason, blocked_by=cause.blocked_by or cause.pin
        )
    origin = cause.blocked_by or cause.pin
    return Failure(pin, Phase.ENVIRONMENT, f"needs {origin}, which failed", blocked_by=origin)


def unsolvable(pin: Pin, conflict: Conflict) -> Failure:
    """A build environment that cannot be had."""
    return Failure(
        pin,
        Phase.RESOLVE,
        "no set of releases satisfies its build requirements: " + "; ".join(conflict.reason),
        conflict.hint
        or "loosen a constraint named above, or constrain the package to a release that fits",
    )


def _only(pin: Pin) -> Constraint:
    return Constraint(SpecifierSet(f"=={pin.version}"), (), ("--seed",))

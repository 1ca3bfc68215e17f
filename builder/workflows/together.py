"""Rebuilds for several variants in one run: one driver, one budget, and versions that agree.

Each variant has its own flows, steps and questions; here they get its name on their way to the
driver, and lose it on their way back. Only the request itself is one flow for all.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from builder.domain.builds import BuildOutcome, BuildSpec, Failure
from builder.domain.graph import Dependency, RequirementKind
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.errors import ImpossibleError
from builder.resolve.closure import solve_together
from builder.resolve.problem import Asked, Conflict, Knowledge, Lacking, Part, Solution
from builder.schedule.budget import Budget, Claim
from builder.workflows.bootstrap import TOP, Bootstrap
from builder.workflows.every_version import every_version
from builder.workflows.flows import (
    Await,
    Deadlock,
    Driver,
    Flow,
    HaltedError,
    Learn,
    Need,
    Put,
    Question,
    Run,
    Step,
)
from builder.workflows.packages import METADATA, STAGED, Closure, step_of
from builder.workflows.runs import Bootstrapped, Unresolved
from builder.workflows.solving import blocked

_RUN = Step("run")
_REQUEST = "request"
_APART = "or let each variant have versions of its own with --own-versions"
_Learned = dict[Pin, ReleaseMetadata]


@dataclass(frozen=True)
class _Failed:
    variant: str
    failure: Failure


class Together:
    """One run. The result depends on the requests and on what the index says, not on timing."""

    def __init__(
        self,
        parts: Mapping[str, Bootstrap],
        budget: Budget,
        stop: Event,
        *,
        asked: tuple[str, ...] | None = None,
        agree: bool = True,
    ) -> None:
        """Remembers what is to be done.

        Args:
            parts: by variant; the first one's preferences come first.
            budget: what the builds of all of them may use together.
            stop: is set when the run ends early.
            asked: the variants that are wanted; others only serve these. All where it is None.
            agree: whether a project has one version in all variants that are wanted.
        """
        self._parts = parts
        self._asked = tuple(parts) if asked is None else asked
        apart = not agree or any(parts[one].request.every_version for one in self._asked)
        groups = [(one,) for one in self._asked] if apart else [self._asked]
        self._groups = {Step(_REQUEST, variant="+".join(group)): group for group in groups}
        self._closures: dict[str, Closure | Failure] = {}
        self._driver = Driver(self, budget, stop, self._halts)

    def run(self) -> Mapping[str, Bootstrapped]:
        """Builds everything, for each variant that is wanted.

        Raises:
            ImpossibleError: no set of releases fits, or builds need one another in a ring.
            BuilderError: the engine, the index or the disk gave up.
        """
        self._drive(_RUN)
        return {
            variant: self._parts[variant].ended(
                self._closures.get(variant), self._results_of(variant)
            )
            for variant in self._asked
        }

    def metadata(self, candidate: Candidate, requirement: str) -> ReleaseMetadata | Bootstrapped:
        """What a release says of itself, or why that could not be found out.

        Args:
            candidate: the release.
            requirement: what of the request leads to it.

        Raises:
            ImpossibleError: builds need one another in a ring.
            BuilderError: the engine, the index or the disk gave up.
        """
        variant, pin = self._asked[0], candidate.pin
        part = self._parts[variant]
        part.solver.remember((candidate,))
        edge = Dependency(None, pin, RequirementKind.TOPLEVEL, requirement)
        part.solver.edges[TOP] = (edge,)
        found = self._drive(replace(step_of(METADATA, candidate), variant=variant))
        return found if isinstance(found, ReleaseMetadata) else part.ended(None, {})

    # What the driver asks of its world.

    def flow(self, step: Step) -> Flow:
        """What each kind of step does."""
        if step == _RUN:
            return self._whole_run()
        if step in self._groups:
            return self._request(self._groups[step])
        return _of_variant(step.variant, self._parts[step.variant].flow(_bare(step)))

    def learn(self, put: Put) -> object:
        """Answers a question of a variant."""
        return self._parts[put.variant].learn(put.what)

    def build(self, put: Put) -> BuildOutcome:
        """Builds a wheel for a variant, or finds out what a build needs."""
        spec: BuildSpec = put.what
        return self._parts[put.variant].build(spec)

    def claim(self, put: Put) -> Claim:
        """What a build counts for."""
        spec: BuildSpec = put.what
        return self._parts[put.variant].claim(spec)

    # The flows, from top to bottom.

    def _whole_run(self) -> Generator[Need, Any, None]:
        yield Await(tuple(self._groups))

    def _request(self, group: tuple[str, ...]) -> Generator[Need, Any, None]:
        """Whatever some variants want, with the same versions in all of them."""
        parts = {variant: self._parts[variant] for variant in group}
        first = next(iter(parts.values())).request
        if first.every_version:
            for variant, part in parts.items():
                walk = every_version(first.asked, first.rules, part.solver, part.product)
                self._closures[variant] = yield from _of_variant(variant, walk)
        else:
            self._closures |= yield from self._solved(parts)
        staged = [it for it in self._driver.results if it.kind == STAGED and it.variant in parts]
        # What was built for the sake of a seed is built once more, without it.
        yield Await(tuple(replace(it, kind=parts[it.variant].product) for it in sorted(staged)))

    def _solved(
        self, parts: Mapping[str, Bootstrap]
    ) -> Generator[Need, Any, dict[str, Closure | Failure]]:
        asked = {variant: part.request.asked for variant, part in parts.items()}
        while True:
            closures = yield from _closures(parts, asked)
            if not isinstance(closures, Conflict):
                return closures
            if not all(part.request.test_mode for part in parts.values()):
                raise _conflict_error(closures, several=len(parts) > 1)
            asked = yield from _solvable(parts, asked)

    # What the flows lean on.

    def _drive(self, first: Step) -> object:
        """What a step returned; None where the run was halted."""
        try:
            return self._driver.run(first)
        except HaltedError:
            return None
        except Deadlock as deadlock:
            ring = deadlock.ring
            part = self._parts[ring[0].variant]
            raise part.ring_error(tuple(map(_bare, ring))) from deadlock

    def _results_of(self, variant: str) -> dict[Step, Any]:
        results = self._driver.results.items()
        return {_bare(step): result for step, result in results if step.variant == variant}

    def _halts(self, result: object) -> bool:
        return any(self._parts[variant].halts(result) for variant in self._asked)


def _bare(step: Step) -> Step:
    return replace(step, variant="")


def _of_variant(variant: str, flow: Flow) -> Flow:
    """A flow of one variant, as the driver of all of them sees it."""
    value: Any = None
    while True:
        try:
            need = flow.send(value)
        except StopIteration as stopped:
            return stopped.value
        match need:
            case Await(steps):
                named = {step: replace(step, variant=step.variant or variant) for step in steps}
                results = yield Await(tuple(named.values()))
                value = {step: results[named[step]] for step in steps}
            case Learn(questions):
                put: dict[Question, Put] = {it: _put(variant, it) for it in questions}
                answers = yield Learn(tuple(put.values()))
                value = {question: answers[put[question]] for question in questions}
            case Run(spec):
                value = yield Run(Put(variant, spec))


def _put(variant: str, question: Question) -> Put:
    """A question may be meant for another variant already."""
    return question if isinstance(question, Put) else Put(variant, question)


def _closures(
    parts: Mapping[str, Bootstrap], asked: Mapping[str, tuple[Asked, ...]]
) -> Generator[Need, Any, dict[str, Closure | Failure] | Conflict]:
    """Solves and waits for every part, until the solution and all wheels agree.

    A variant in which something failed is out of it: the others go on without it.
    """
    knowledge = {variant: Knowledge() for variant in parts}
    corrections: dict[str, _Learned] = {variant: {} for variant in parts}
    failed: dict[str, Closure | Failure] = {}
    going = dict(parts)
    while going:
        solved = yield from _solve(going, asked, knowledge, corrections)
        if isinstance(solved, Conflict):
            return solved
        if isinstance(solved, _Failed):
            failed[solved.variant] = blocked(None, solved.failure)
            del going[solved.variant]
            continue
        yield Await(
            tuple(
                replace(step_of(going[variant].product, candidate), variant=variant)
                for variant, solution in solved.items()
                for candidate in solution.candidates
            )
        )
        closures: dict[str, Closure | Failure] = {}
        for variant, solution in solved.items():
            settled = going[variant].settled(
                TOP, solution, knowledge[variant], corrections[variant]
            )
            found = yield from _of_variant(variant, settled)
            if isinstance(found, Failure):
                failed[variant] = found
                del going[variant]
            elif isinstance(found, Closure):
                closures[variant] = found
            else:
                corrections[variant] |= found
        if len(closures) == len(going):
            return {**closures, **failed}
    return failed


def _solve(
    parts: Mapping[str, Bootstrap],
    asked: Mapping[str, tuple[Asked, ...]],
    knowledge: Mapping[str, Knowledge],
    corrections: Mapping[str, _Learned],
) -> Generator[Need, Any, dict[str, Solution] | Conflict | _Failed]:
    shares = {
        variant: Part(
            part.solver.question(TOP, asked[variant]), knowledge[variant], corrections[variant]
        )
        for variant, part in parts.items()
    }
    while True:
        answers = solve_together(shares)
        if isinstance(answers, Conflict):
            return answers
        solutions = {it: one for it, one in answers.items() if isinstance(one, Solution)}
        if len(solutions) == len(parts):
            for variant, solution in solutions.items():
                parts[variant].solver.take(TOP, solution)
            return solutions
        for variant, answer in answers.items():
            if isinstance(answer, Lacking):
                search = parts[variant].solver.find_out(TOP, knowledge[variant], answer)
                failure: Failure | None = yield from _of_variant(variant, search)
                if failure is not None:
                    return _Failed(variant, failure)


def _solvable(
    parts: Mapping[str, Bootstrap], asked: Mapping[str, tuple[Asked, ...]]
) -> Generator[Need, Any, dict[str, tuple[Asked, ...]]]:
    """The requirements that can be had together, each taken in turn; the others are noted."""
    kept: dict[str, tuple[Asked, ...]] = dict.fromkeys(parts, ())
    for one in dict.fromkeys(it for every in asked.values() for it in every):
        wanting = [variant for variant in parts if one in asked[variant]]
        tried = {it: (*kept[it], one) if it in wanting else kept[it] for it in parts}
        knowledge = {variant: Knowledge() for variant in parts}
        answer = yield from _solve(parts, tried, knowledge, {variant: {} for variant in parts})
        match answer:
            case Conflict(reason):
                unresolved = Unresolved(one, reason)
            case _Failed(_, failure):
                unresolved = Unresolved(one, (failure.reason,))
            case _:
                kept = tried
                continue
        for variant in wanting:
            parts[variant].leave_out(unresolved)
    return kept


def _conflict_error(conflict: Conflict, *, several: bool) -> ImpossibleError:
    hint = conflict.hint or "loosen one of the requirements or constraints named above"
    return ImpossibleError(
        "no set of releases satisfies the requirements:\n  " + "\n  ".join(conflict.reason),
        hint=f"{hint}; {_APART}" if several else hint,
    )

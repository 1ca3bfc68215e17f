"""Builds from a lock: everything that it names, with exactly what it names, and nothing else.

Nothing is resolved here. What the lock does not hold is a failed build, not a download. Locks that
Fromager wrote do not say what a build environment holds: it is taken from the graph's edges, or,
where there are none, solved from the releases that the lock names before the one to be built.
"""

from collections.abc import Generator
from itertools import pairwise
from threading import Event
from typing import Any

from packaging.requirements import Requirement

from builder.build.task import fixed_variables
from builder.domain.builds import (
    BuildOutcome,
    BuildSpec,
    BuildSucceeded,
    Failure,
    Goal,
    MoreRequired,
    Phase,
    Wheel,
)
from builder.domain.graph import BuildRecipe, GraphNode
from builder.domain.releases import Pin
from builder.domain.sources import SourceTree
from builder.errors import ImpossibleError
from builder.prepare.task import SOURCE_DATE_EPOCH
from builder.resolve.on_hand import needed
from builder.schedule.budget import Claim
from builder.workflows.flows import (
    Await,
    Deadlock,
    Driver,
    Flow,
    HaltedError,
    Learn,
    Need,
    Run,
    Step,
)
from builder.workflows.locked_environments import LockedEnvironments, not_in_lock
from builder.workflows.locks import (
    FinishedOf,
    LockBuilt,
    LockEffects,
    LockQuestion,
    LockRequest,
    LockWatcher,
    Origin,
    PreBuiltOf,
    Publish,
    SourceOf,
    StandInOf,
)
from builder.workflows.packages import (
    SOURCE,
    STAGED,
    WHEEL,
    Closure,
    ForeignWheel,
    Package,
    from_index,
    from_source,
)

_TOP = Step("request")


class LockedBuild:
    """One run over a lock."""

    def __init__(
        self, request: LockRequest, effects: LockEffects, watcher: LockWatcher, stop: Event
    ) -> None:
        self._request = request
        self._effects = effects
        self._watcher = watcher
        self._environments = LockedEnvironments(request, watcher)
        self._failures: dict[Pin, Failure] = {}
        self._origins: dict[Pin, Origin] = {}
        self._different: set[Pin] = set()
        self._replaced: dict[Pin, ForeignWheel] = {}
        self._not_replaced: dict[Pin, str] = {}
        self._driver = Driver(self, request.budget, stop, self._halts)

    def run(self) -> LockBuilt:
        """Builds what is wanted, as far as it can be built.

        Raises:
            ImpossibleError: the lock's builds need one another in a ring.
            BuilderError: a digest, the engine or the disk does not let this go on.
        """
        try:
            self._driver.run(_TOP)
        except HaltedError:
            pass
        except Deadlock as deadlock:
            raise _ring_error(deadlock.ring) from deadlock
        packages = {
            result.pin: result
            for step, result in self._driver.results.items()
            if step.kind == WHEEL and isinstance(result, Package)
        }
        return LockBuilt(
            packages,
            self._origins,
            tuple(self._failures[pin] for pin in sorted(self._failures)),
            frozenset(self._different),
            {},
            self._replaced,
            self._not_replaced,
        )

    # What the driver asks of its world.

    def flow(self, step: Step) -> Flow:
        """What each kind of step does."""
        if step.pin is None:
            return self._whole_request()
        if step.kind == SOURCE:
            return self._source(self._environments.nodes[step.pin])
        return self._package(step, self._environments.nodes[step.pin])

    def learn(self, question: LockQuestion) -> object:
        """Answers a question."""
        return question.put_to(self._effects)

    def build(self, spec: BuildSpec) -> BuildOutcome:
        """Builds a wheel."""
        return self._effects.build(spec)

    def claim(self, spec: BuildSpec) -> Claim:
        """What a build counts for."""
        return self._effects.claim(spec)

    # The flows, from top to bottom.

    def _whole_request(self) -> Generator[Need, Any, None]:
        yield Await(tuple(Step(WHEEL, pin) for pin in self._request.wanted))

    def _source(self, node: GraphNode) -> Generator[Need, Any, SourceTree | Failure]:
        """A flow of its own, so that sources are prepared while builds still wait."""
        answer: SourceTree | Failure = (yield Learn((SourceOf(node),)))[SourceOf(node)]
        return answer

    def _package(self, step: Step, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        made = yield from self._made(step, node)
        if isinstance(made, Failure):
            made = yield from self._in_place_of(made)
        if isinstance(made, Package) and made.wheel is not None and step.kind == WHEEL:
            yield Learn((Publish(made),))
            self._watcher.built(made.wheel)
        return made

    def _made(self, step: Step, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        if node.pre_built:
            return (yield from self._pre_built(node))
        if step.kind == WHEEL:
            question = FinishedOf(node)
            found: Package | Failure | None = (yield Learn((question,)))[question]
            if found is not None:
                self._origins[node.pin] = Origin.FOUND
                return found
        return (yield from self._from_source(step, node))

    def _pre_built(self, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        question = PreBuiltOf(node)
        foreign: ForeignWheel | Failure = (yield Learn((question,)))[question]
        if isinstance(foreign, Failure):
            return foreign
        self._origins[node.pin] = Origin.PRE_BUILT
        return from_index(foreign)

    def _from_source(self, step: Step, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        recipe = node.staged if step.kind == STAGED else node.recipe
        source_step = Step(SOURCE, node.pin)
        if recipe is not None:
            closure = yield from self._environments.of_recipe(node, recipe)
            source = (yield Await((source_step,)))[source_step]
        else:
            source = (yield Await((source_step,)))[source_step]
            if isinstance(source, Failure):
                return source
            closure = yield from self._environments.implied(node, source, ())
        if isinstance(source, Failure):
            return source
        if isinstance(closure, Failure):
            return closure
        return (yield from self._run(step, node, source, closure, recipe))

    def _run(
        self,
        step: Step,
        node: GraphNode,
        source: SourceTree,
        closure: Closure,
        recipe: BuildRecipe | None,
    ) -> Generator[Need, Any, Package | Failure]:
        system = tuple(str(requirement) for requirement in source.build_system.requires)
        if recipe is not None and recipe.system != system:
            return not_in_lock(node.pin, "its build system requires", system)
        words = recipe.backend if recipe is not None else ()
        is_planned = self._request.plan_only and node.pin in self._request.wanted
        goal = Goal.REQUIREMENTS if is_planned else Goal.WHEEL
        outcome = yield Run(self._spec(source, closure, (*system, *words), goal))
        if isinstance(outcome, MoreRequired):
            words = tuple(word for word in outcome.words if word not in (*system, *words))
            if recipe is not None and words:
                return not_in_lock(node.pin, "its backend asks for", words)
            wider = yield from self._environments.implied(node, source, words)
            if isinstance(wider, Failure) or is_planned:
                return wider if isinstance(wider, Failure) else _planned(source, words, wider)
            closure = wider
            outcome = yield Run(self._spec(source, closure, (*system, *words)))
        if isinstance(outcome, BuildSucceeded):
            made = from_source(source, words, closure, (), outcome.wheel)
            return self._checked(step, node, made, outcome.wheel)
        if isinstance(outcome, Failure):
            return outcome
        return Failure(node.pin, Phase.HOOKS, "its backend asks for something else each time")

    def _checked(
        self, step: Step, node: GraphNode, made: Package, wheel: Wheel
    ) -> Package | Failure:
        """Holds a fresh wheel to what the lock knows of it."""
        new = self._new_requirements(node, wheel)
        if new:
            return not_in_lock(node.pin, "its wheel requires", new)
        if step.kind != WHEEL:
            return made
        self._origins[node.pin] = Origin.BUILT
        if node.wheel is not None and node.wheel != wheel.digest:
            text = f"{node.pin}: the wheel differs from the one that the lock knows"
            if self._request.require_identical:
                hint = f"the lock has {node.wheel}, this build gave {wheel.digest}"
                return Failure(node.pin, Phase.INSPECT, text, hint)
            self._different.add(node.pin)
            self._watcher.noted(f"{text} ({wheel.digest} instead of {node.wheel})")
        return made

    def _new_requirements(self, node: GraphNode, wheel: Wheel) -> tuple[str, ...]:
        """What a wheel needs at run time beyond what the lock was solved with."""
        if node.requires is None:
            return ()
        target, extras = self._request.target, self._request.extras.get(node.pin, ())
        known = needed(map(Requirement, node.requires), target, extras)
        return tuple(sorted(needed(wheel.metadata.requires, target, extras) - known))

    # What the flows lean on.

    def _spec(
        self,
        source: SourceTree,
        closure: Closure,
        accepted: tuple[str, ...],
        goal: Goal = Goal.WHEEL,
    ) -> BuildSpec:
        return BuildSpec(
            goal=goal,
            source=source,
            image=self._request.image,
            sandbox=self._request.sandbox,
            environment=closure.wheels,
            accepted=accepted,
            variables=fixed_variables(SOURCE_DATE_EPOCH),
        )

    def _in_place_of(self, failure: Failure) -> Generator[Need, Any, Package | Failure]:
        """Tells of a failure; in test mode, looks for a wheel to put in its place."""
        pin = failure.pin
        if pin not in self._failures:
            self._failures[pin] = failure
            self._watcher.failed(failure)
        if not self._request.test_mode:
            return failure
        answer: ForeignWheel | Failure = (yield Learn((StandInOf(pin),)))[StandInOf(pin)]
        if isinstance(answer, Failure):
            self._not_replaced[pin] = answer.reason
            return failure
        self._replaced[pin] = answer
        self._origins[pin] = Origin.REPLACED
        self._watcher.replaced(answer.wheel)
        return from_index(answer)

    def _halts(self, result: object) -> bool:
        request = self._request
        return (
            request.fail_fast
            and not request.test_mode
            and isinstance(result, Failure)
            and result.blocked_by is None
        )


def _planned(source: SourceTree, words: tuple[str, ...], closure: Closure) -> Package:
    return from_source(source, words, closure, (), None)


def _ring_error(ring: tuple[Step, ...]) -> ImpossibleError:
    lines = [f"{one.pin} is built with {other.pin}" for one, other in pairwise(ring)]
    return ImpossibleError(
        "the builds of this lock need one another in a ring:\n  " + "\n  ".join(lines),
        hint="make the lock anew, with a --seed for one of them",
    )

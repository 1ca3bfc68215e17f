"""Builds from a lock: everything that it names, with exactly what it names, and nothing else.

Nothing is resolved here. What the lock does not hold is a failed build, not a download. Locks that
Fromager wrote do not say what a build environment holds: it is taken from the graph's edges, or,
where there are none, solved from the releases that the lock names before the one to be built.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise
from threading import Event
from typing import Any, Protocol

from packaging.requirements import Requirement
from packaging.utils import NormalizedName

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
from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    EnvironmentPart,
    GraphNode,
    Provision,
)
from builder.domain.images import TargetPython
from builder.domain.releases import NoSuchProject, Pin, ProjectPage
from builder.domain.sources import SourceTree
from builder.errors import ImpossibleError
from builder.prepare.task import SOURCE_DATE_EPOCH
from builder.resolve.closure import Asked, Conflict, Knowledge, Lacking, Question, Solution, solve
from builder.resolve.on_hand import needed, page_of, unmet
from builder.schedule.budget import Budget, Claim
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
from builder.workflows.packages import (
    STAGED,
    WHEEL,
    Closure,
    ForeignWheel,
    Package,
    from_index,
    from_source,
    part_of,
)
from builder.workflows.solving import blocked, unsolvable

_TOP = Step("request")
_SOURCE = "source"


class LockEffects(Protocol):
    """What a build from a lock asks of the world. Called from several threads."""

    def locked_source(self, node: GraphNode) -> SourceTree | Failure: ...

    def finished(self, node: GraphNode) -> Package | Failure | None:
        """The node's wheel, where it was built before and need not be built again.

        Raises:
            DigestMismatchError: it is there with other bytes than the lock says.
        """
        ...

    def locked_wheel(self, pin: Pin, node: GraphNode) -> ForeignWheel | Failure:
        """The wheel of a node that is not built, by its digest where the lock has one."""
        ...

    def locked_seed(self, part: EnvironmentPart) -> ForeignWheel | Failure: ...

    def foreign(self, pin: Pin, purpose: str) -> ForeignWheel | Failure: ...

    def offered(self, name: NormalizedName) -> tuple[GraphNode, ...]:
        """Finished wheels beyond the lock that an environment may be solved from."""
        ...

    def build(self, spec: BuildSpec) -> BuildOutcome: ...

    def publish(self, package: Package) -> None: ...

    def claim(self, spec: BuildSpec) -> Claim: ...


class LockWatcher(Protocol):
    """Hears of what becomes of every node."""

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None: ...

    def failed(self, failure: Failure) -> None: ...

    def built(self, wheel: Wheel) -> None: ...

    def replaced(self, wheel: Wheel) -> None: ...

    def noted(self, text: str) -> None: ...


@dataclass(frozen=True)
class LockRequest:
    """What is to be built from which lock, and how strictly.

    Attributes:
        nodes: every release of the lock; what may be used to solve an environment that the lock
            does not name is what stands before the release to be built.
        environments: what edges say of the environments of nodes without a recipe.
        extras: those that somebody asks for, by release.
        wanted: what is to be built; what that needs is built before.
        require_identical: a wheel that differs from the one the lock knows is a failed build.
        plan_only: of what is wanted, only find out what its build needs.
    """

    nodes: Mapping[Pin, GraphNode]
    environments: Mapping[Pin, tuple[Pin, ...]]
    wanted: tuple[Pin, ...]
    target: TargetPython
    image: str
    sandbox: Digest
    budget: Budget
    extras: Mapping[Pin, tuple[str, ...]] = field(default_factory=dict)
    require_identical: bool = False
    test_mode: bool = False
    fail_fast: bool = False
    plan_only: bool = False


class Origin(Enum):
    """How a wheel of a lock came to be there."""

    BUILT = "built"
    FOUND = "found"
    PRE_BUILT = "pre-built"
    REPLACED = "replaced"


@dataclass(frozen=True)
class LockBuilt:
    """How a build from a lock ended.

    Attributes:
        different: the releases whose wheel is not the one that the lock knows.
        chains: for each failed package, the edges that lead to it.
    """

    packages: Mapping[Pin, Package]
    origins: Mapping[Pin, Origin]
    failures: tuple[Failure, ...]
    different: frozenset[Pin]
    chains: Mapping[Pin, tuple[Dependency, ...]] = field(default_factory=dict)
    replaced: Mapping[Pin, ForeignWheel] = field(default_factory=dict)
    not_replaced: Mapping[Pin, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _FinishedOf:
    pin: Pin


@dataclass(frozen=True)
class _SourceOf:
    pin: Pin


@dataclass(frozen=True)
class _PreBuiltOf:
    pin: Pin


@dataclass(frozen=True)
class _SeedOf:
    part: EnvironmentPart


@dataclass(frozen=True)
class _ForeignOf:
    pin: Pin


@dataclass(frozen=True)
class _OfferedOf:
    name: NormalizedName


@dataclass(frozen=True)
class _Publish:
    package: Package


_Question = _OfferedOf | _FinishedOf | _SourceOf | _PreBuiltOf | _SeedOf | _ForeignOf | _Publish


class LockedBuild:
    """One run over a lock."""

    def __init__(
        self, request: LockRequest, effects: LockEffects, watcher: LockWatcher, stop: Event
    ) -> None:
        self._request = request
        self._effects = effects
        self._watcher = watcher
        self._nodes = dict(request.nodes)
        self._places = {pin: place for place, pin in enumerate(request.nodes)}
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
        if step.kind == _SOURCE:
            return self._source(step.pin)
        return self._package(step, self._nodes[step.pin])

    def learn(self, question: _Question) -> object:
        """Answers a question."""
        match question:
            case _FinishedOf() | _SourceOf() | _PreBuiltOf():
                return self._learn_of_node(question)
            case _OfferedOf(name):
                return self._effects.offered(name)
            case _SeedOf(part):
                return self._effects.locked_seed(part)
            case _ForeignOf(pin):
                return self._effects.foreign(pin, "in place of the build that failed")
            case _Publish(package):
                self._effects.publish(package)
                return None

    def _learn_of_node(self, question: _FinishedOf | _SourceOf | _PreBuiltOf) -> object:
        node = self._nodes[question.pin]
        match question:
            case _FinishedOf():
                return self._effects.finished(node)
            case _SourceOf():
                return self._effects.locked_source(node)
            case _PreBuiltOf(pin):
                return self._effects.locked_wheel(pin, node)

    def build(self, spec: BuildSpec) -> BuildOutcome:
        """Builds a wheel."""
        return self._effects.build(spec)

    def claim(self, spec: BuildSpec) -> Claim:
        """What a build counts for."""
        return self._effects.claim(spec)

    # The flows, from top to bottom.

    def _whole_request(self) -> Generator[Need, Any, None]:
        yield Await(tuple(Step(WHEEL, pin) for pin in self._request.wanted))

    def _source(self, pin: Pin) -> Generator[Need, Any, SourceTree | Failure]:
        """A flow of its own, so that sources are prepared while builds still wait."""
        answer: SourceTree | Failure = (yield Learn((_SourceOf(pin),)))[_SourceOf(pin)]
        return answer

    def _package(self, step: Step, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        made = yield from self._made(step, node)
        if isinstance(made, Failure):
            made = yield from self._in_place_of(made)
        if isinstance(made, Package) and made.wheel is not None and step.kind == WHEEL:
            yield Learn((_Publish(made),))
            self._watcher.built(made.wheel)
        return made

    def _made(self, step: Step, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        if node.pre_built:
            return (yield from self._pre_built(node))
        if step.kind == WHEEL:
            found: Package | Failure | None = (yield Learn((_FinishedOf(node.pin),)))[
                _FinishedOf(node.pin)
            ]
            if found is not None:
                self._origins[node.pin] = Origin.FOUND
                return found
        return (yield from self._from_source(step, node))

    def _pre_built(self, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        question = _PreBuiltOf(node.pin)
        foreign: ForeignWheel | Failure = (yield Learn((question,)))[question]
        if isinstance(foreign, Failure):
            return foreign
        self._origins[node.pin] = Origin.PRE_BUILT
        return from_index(foreign)

    def _from_source(self, step: Step, node: GraphNode) -> Generator[Need, Any, Package | Failure]:
        recipe = node.staged if step.kind == STAGED else node.recipe
        source_step = Step(_SOURCE, node.pin)
        if recipe is not None:
            closure = yield from self._locked_environment(node, recipe)
            source = (yield Await((source_step,)))[source_step]
        else:
            source = (yield Await((source_step,)))[source_step]
            if isinstance(source, Failure):
                return source
            closure = yield from self._environment_from_lock(node, source, ())
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
            return _not_in_lock(node.pin, "its build system requires", system)
        words = recipe.backend if recipe is not None else ()
        is_planned = self._request.plan_only and node.pin in self._request.wanted
        goal = Goal.REQUIREMENTS if is_planned else Goal.WHEEL
        outcome = yield Run(self._spec(source, closure, (*system, *words), goal))
        if isinstance(outcome, MoreRequired):
            words = tuple(word for word in outcome.words if word not in (*system, *words))
            if recipe is not None and words:
                return _not_in_lock(node.pin, "its backend asks for", words)
            wider = yield from self._environment_from_lock(node, source, words)
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
            return _not_in_lock(node.pin, "its wheel requires", new)
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

    # Environments.

    def _locked_environment(
        self, node: GraphNode, recipe: BuildRecipe
    ) -> Generator[Need, Any, Closure | Failure]:
        """Exactly the parts that the lock names."""
        kinds = {Provision.BUILT: WHEEL, Provision.STAGED: STAGED}
        missing = [p.pin for p in recipe.environment if not self._is_held(p)]
        if missing:
            return _not_in_lock(node.pin, "its environment holds", tuple(map(str, missing)))
        steps = {
            part: Step(kinds[part.provision], part.pin)
            for part in recipe.environment
            if part.provision in kinds
        }
        # Begun here, so that it is there when the environment is.
        self._watcher.waits(node.pin, tuple(part.pin for part in steps))
        source = Step(_SOURCE, node.pin)
        results = yield Await((*steps.values(), source))
        packages = []
        for part in recipe.environment:
            if part.provision is Provision.SEED:
                seed = (yield Learn((_SeedOf(part),)))[_SeedOf(part)]
                result = seed if isinstance(seed, Failure) else from_index(seed)
            else:
                result = results[steps[part]]
            if isinstance(result, Failure):
                return blocked(node.pin, result)
            packages.append((result, part.provision))
        return _closure(packages)

    def _is_held(self, part: EnvironmentPart) -> bool:
        node = self._nodes.get(part.pin)
        match part.provision:
            case Provision.SEED:
                return True
            case Provision.STAGED:
                return node is not None and node.staged is not None
            case Provision.BUILT:
                return node is not None

    def _environment_from_lock(
        self, node: GraphNode, source: SourceTree, words: tuple[str, ...]
    ) -> Generator[Need, Any, Closure | Failure]:
        """For locks without recipes: from the graph's edges, else from what stands before."""
        asked = (
            *(Asked(one, str(node.pin)) for one in source.build_system.requires),
            *(Asked(Requirement(word), str(node.pin)) for word in words),
        )
        pins = self._request.environments.get(node.pin)
        if pins is None:
            return (yield from self._solved_environment(node, asked))
        closure = yield from self._wheels(node.pin, pins)
        if isinstance(closure, Failure):
            return closure
        lacking = unmet(asked, pins, self._request.target)
        if lacking:
            return _not_in_lock(node.pin, "its build needs", lacking)
        return closure

    def _solved_environment(
        self, node: GraphNode, asked: tuple[Asked, ...]
    ) -> Generator[Need, Any, Closure | Failure]:
        knowledge = Knowledge()
        question = Question(asked, {}, self._request.target)
        while True:
            answer = solve(question, knowledge)
            match answer:
                case Conflict():
                    hint = "build what is missing first, by `builder bootstrap`"
                    return replace(unsolvable(node.pin, answer), hint=hint)
                case Solution():
                    return (yield from self._wheels(node.pin, answer.pins))
                case Lacking(pages, candidates, _):
                    yield from self._learn_pages(node.pin, pages, knowledge)
                    pins = tuple(candidate.pin for candidate in candidates)
                    failure = yield from self._learn_metadata(node.pin, pins, knowledge)
                    if failure is not None:
                        return failure

    def _learn_pages(
        self, pin: Pin, names: tuple[NormalizedName, ...], knowledge: Knowledge
    ) -> Generator[Need, Any, None]:
        answers = yield Learn(tuple(_OfferedOf(name) for name in names))
        for question, offered in answers.items():
            for node in offered:
                if node.pin not in self._nodes:
                    self._nodes[node.pin] = node
                    self._places[node.pin] = -1
            knowledge.pages[question.name] = self._page(pin, question.name)

    def _learn_metadata(
        self, pin: Pin, pins: tuple[Pin, ...], knowledge: Knowledge
    ) -> Generator[Need, Any, Failure | None]:
        closure = yield from self._wheels(pin, pins)
        if isinstance(closure, Failure):
            return closure
        knowledge.metadata.update({wheel.pin: wheel.metadata for wheel in closure.wheels})
        return None

    def _page(self, pin: Pin, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """What there is of a project before a release, as if the lock were an index."""
        place = self._places[pin]
        pins = [one for one, at in self._places.items() if one.name == name and at < place]
        return page_of(name, pins, "what stands before it in the lock, or is built already")

    def _wheels(self, pin: Pin, pins: tuple[Pin, ...]) -> Generator[Need, Any, Closure | Failure]:
        steps = tuple(Step(WHEEL, one) for one in pins)
        self._watcher.waits(pin, pins)
        results = yield Await(steps)
        packages = []
        for result in results.values():
            if isinstance(result, Failure):
                return blocked(pin, result)
            packages.append((result, Provision.BUILT))
        return _closure(packages)

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
        answer: ForeignWheel | Failure = (yield Learn((_ForeignOf(pin),)))[_ForeignOf(pin)]
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


def _closure(packages: list[tuple[Package, Provision]]) -> Closure:
    parts = tuple(part_of(package, provision) for package, provision in packages)
    wheels = tuple(package.wheel for package, _ in packages if package.wheel is not None)
    return Closure((), parts, wheels)


def _planned(source: SourceTree, words: tuple[str, ...], closure: Closure) -> Package:
    return from_source(source, words, closure, (), None)


def _not_in_lock(pin: Pin, what: str, words: tuple[str, ...]) -> Failure:
    return Failure(
        pin,
        Phase.RESOLVE,
        f"{what} {', '.join(words)}, which the lock does not hold",
        "make the lock anew, by `builder bootstrap --sdist-only`",
    )


def _ring_error(ring: tuple[Step, ...]) -> ImpossibleError:
    lines = [f"{one.pin} is built with {other.pin}" for one, other in pairwise(ring)]
    return ImpossibleError(
        "the builds of this lock need one another in a ring:\n  " + "\n  ".join(lines),
        hint="make the lock anew, with a --seed for one of them",
    )

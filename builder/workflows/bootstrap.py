"""Rebuilds everything that a set of requirements leads to, down to the last build backend.

The one place that knows of the loop: to solve needs metadata, metadata may need a build, and a
build needs its environment solved and built first.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
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
    MetadataFound,
    MoreRequired,
    Phase,
    Wheel,
)
from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    RequirementKind,
    reachable,
)
from builder.domain.images import TargetPython
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.domain.sources import SourceTree
from builder.errors import ImpossibleError
from builder.prepare.task import SOURCE_DATE_EPOCH
from builder.resolve.closure import (
    Asked,
    Conflict,
    Knowledge,
    Lacking,
    Question,
    Solution,
    applies,
    solve,
)
from builder.resolve.constraints import Constraint
from builder.workflows.flows import Await, Deadlock, Driver, Learn, Need, Run, Step

_TOP = Step("request")


class Effects(Protocol):
    """What a bootstrap asks of the world. Every method may be called from several threads."""

    def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject: ...

    def index_metadata(self, candidate: Candidate) -> ReleaseMetadata | None: ...

    def source(self, candidate: Candidate) -> SourceTree | Failure: ...

    def build(self, spec: BuildSpec) -> BuildOutcome:
        """Builds, and publishes the wheel that came out."""
        ...


class Watcher(Protocol):
    """Hears of what only the loop knows."""

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None: ...

    def failed(self, failure: Failure) -> None: ...

    def built(self, wheel: Wheel) -> None: ...


@dataclass(frozen=True)
class Request:
    """What is to be rebuilt, and for what."""

    asked: tuple[Asked, ...]
    constraints: Mapping[NormalizedName, Constraint]
    target: TargetPython
    image: str
    sandbox: Digest
    workers: int


@dataclass(frozen=True)
class BuiltPackage:
    """A release with its wheel, and every edge that led to its environment."""

    candidate: Candidate
    source: SourceTree
    wheel: Wheel
    recipe: BuildRecipe
    edges: tuple[Dependency, ...]


@dataclass(frozen=True)
class Bootstrapped:
    """How a bootstrap ended. `graph` is None where something that was asked for is missing."""

    graph: DependencyGraph | None
    install_edges: tuple[Dependency, ...]
    failures: tuple[Failure, ...]
    chains: Mapping[Pin, tuple[Dependency, ...]]
    """For each failed package, the edges that lead to it from the top."""


@dataclass(frozen=True)
class _PageOf:
    name: NormalizedName


@dataclass(frozen=True)
class _MetadataOf:
    candidate: Candidate


@dataclass(frozen=True)
class _SourceOf:
    candidate: Candidate


_Question = _PageOf | _MetadataOf | _SourceOf


@dataclass(frozen=True)
class _Closure:
    """A solved set of requirements, every wheel of it built."""

    edges: tuple[Dependency, ...]
    wheels: tuple[Wheel, ...]


class Bootstrap:
    """One run. The result depends on the request and on what the index says, not on timing."""

    def __init__(self, request: Request, effects: Effects, watcher: Watcher, stop: Event) -> None:
        self._request = request
        self._effects = effects
        self._watcher = watcher
        self._candidates: dict[Pin, Candidate] = {}
        self._edges: dict[Step, tuple[Dependency, ...]] = {}
        self._driver = Driver(self._flow, self._learn, effects.build, request.workers, stop)

    def run(self) -> Bootstrapped:
        """Builds everything.

        Raises:
            ImpossibleError: no set of releases fits, or builds need one another in a ring.
            BuilderError: the engine, the index or the disk gave up.
        """
        try:
            top: _Closure | Failure = self._driver.run(_TOP)
        except Deadlock as deadlock:
            raise self._ring_error(deadlock.ring) from deadlock
        results = self._driver.results
        failures = tuple(
            result
            for step, result in sorted(results.items())
            if isinstance(result, Failure) and step.pin is not None
        )
        # A package whose metadata cannot be had fails twice for one reason.
        failures = tuple({failure.pin: failure for failure in failures}.values())
        chains = {failure.pin: self._chain(failure.pin) for failure in failures}
        if isinstance(top, Failure):
            return Bootstrapped(None, (), failures, chains)
        return Bootstrapped(self._graph(top), top.edges, failures, chains)

    # What each kind of flow does, from top to bottom.

    def _flow(self, step: Step) -> Generator[Need, Any, object]:
        if step.pin is None:
            return self._closure(step, self._request.asked, None)
        candidate = self._candidates[step.pin]
        if step.kind == "metadata":
            return self._metadata(step, candidate)
        return self._package(step, candidate)

    def _package(
        self, step: Step, candidate: Candidate
    ) -> Generator[Need, Any, BuiltPackage | Failure]:
        source: SourceTree | Failure = (yield Learn((_SourceOf(candidate),)))[_SourceOf(candidate)]
        if isinstance(source, Failure):
            return self._fail(source)
        ran = yield from self._hooks(step, source, Goal.WHEEL)
        if isinstance(ran, Failure):
            return self._fail(ran)
        outcome = ran.outcome
        if not isinstance(outcome, BuildSucceeded):
            return self._fail(Failure(source.pin, Phase.BUILD, "no wheel came out"))
        self._watcher.built(outcome.wheel)
        recipe = BuildRecipe(
            system=tuple(str(one) for one in source.build_system.requires),
            backend=ran.words,
            environment=tuple(
                EnvironmentPart(wheel.pin, None, wheel.digest) for wheel in ran.closure.wheels
            ),
        )
        return BuiltPackage(candidate, source, outcome.wheel, recipe, ran.edges)

    def _metadata(
        self, step: Step, candidate: Candidate
    ) -> Generator[Need, Any, ReleaseMetadata | Failure]:
        question = _MetadataOf(candidate)
        found: ReleaseMetadata | None = (yield Learn((question,)))[question]
        if found is not None:
            return found
        source: SourceTree | Failure = (yield Learn((_SourceOf(candidate),)))[_SourceOf(candidate)]
        if isinstance(source, Failure):
            return source
        if source.static_metadata is not None:
            return source.static_metadata
        ran = yield from self._hooks(step, source, Goal.METADATA)
        if isinstance(ran, Failure):
            return ran
        match ran.outcome:
            case MetadataFound(metadata):
                return metadata
            case BuildSucceeded(wheel):
                return wheel.metadata

    def _hooks(
        self, step: Step, source: SourceTree, goal: Goal
    ) -> Generator[Need, Any, "_Ran | Failure"]:
        """Runs a package's hooks, in an environment that grows once if they ask for more."""
        system = source.build_system.requires
        hook: tuple[Requirement, ...] = ()
        words: tuple[str, ...] = ()
        accepted = tuple(str(requirement) for requirement in system)
        for _ in range(2):
            asked = tuple(Asked(one, str(source.pin)) for one in (*system, *hook))
            closure = yield from self._closure(step, asked, source.pin)
            if isinstance(closure, Failure):
                return closure
            spec = BuildSpec(
                goal=goal,
                source=source,
                image=self._request.image,
                sandbox=self._request.sandbox,
                environment=closure.wheels,
                accepted=accepted,
                variables=fixed_variables(SOURCE_DATE_EPOCH),
            )
            outcome: BuildOutcome = yield Run(spec)
            if isinstance(outcome, Failure):
                return outcome
            if not isinstance(outcome, MoreRequired):
                return _Ran(outcome, closure, _build_edges(source.pin, closure.edges, hook), words)
            hook = outcome.hook_requires
            words = outcome.words
            accepted = (*accepted, *words)
        return Failure(
            source.pin, Phase.HOOKS, "its backend asks for other requirements each time it is asked"
        )

    def _closure(
        self, step: Step, asked: tuple[Asked, ...], pin: Pin | None
    ) -> Generator[Need, Any, _Closure | Failure]:
        """Solves requirements and waits for every wheel, until solution and wheels agree.

        What each closure knows is its own: were it shared, a release that was ruled out by what
        another closure happened to learn first could lead to another answer.
        """
        knowledge = Knowledge()
        corrections: dict[Pin, ReleaseMetadata] = {}
        while True:
            solution = yield from self._solve(step, asked, knowledge, corrections)
            if isinstance(solution, Failure):
                return solution
            self._candidates.update({c.pin: c for c in solution.candidates})
            self._edges[step] = solution.edges
            steps = tuple(Step("wheel", each) for each in solution.pins)
            if pin is not None:
                self._watcher.waits(pin, solution.pins)
            results: Mapping[Step, BuiltPackage | Failure] = yield Await(steps)
            wheels = []
            for result in results.values():
                if isinstance(result, Failure):
                    return _blocked(pin, result)
                wheels.append(result.wheel)
            corrected = self._corrections(wheels, knowledge.metadata | corrections)
            if not corrected:
                return _Closure(solution.edges, tuple(wheels))
            corrections |= corrected

    def _solve(
        self,
        step: Step,
        asked: tuple[Asked, ...],
        knowledge: Knowledge,
        corrections: Mapping[Pin, ReleaseMetadata],
    ) -> Generator[Need, Any, Solution | Failure]:
        request = self._request
        question = Question(asked, request.constraints, request.target)
        while True:
            answer = solve(question, knowledge, corrections)
            match answer:
                case Solution():
                    return answer
                case Conflict(reason):
                    return self._conflict(reason, step.pin)
                case Lacking(pages, candidates, edges):
                    self._edges[step] = edges
                    failure = yield from self._find_out(knowledge, pages, candidates)
                    if failure is not None:
                        return _blocked(step.pin, failure)

    def _find_out(
        self,
        knowledge: Knowledge,
        pages: tuple[NormalizedName, ...],
        candidates: tuple[Candidate, ...],
    ) -> Generator[Need, Any, Failure | None]:
        answers = yield Learn(tuple(_PageOf(name) for name in pages))
        knowledge.pages.update({question.name: page for question, page in answers.items()})
        self._candidates.update({candidate.pin: candidate for candidate in candidates})
        results = yield Await(tuple(Step("metadata", candidate.pin) for candidate in candidates))
        for step, result in results.items():
            if isinstance(result, Failure):
                return result
            knowledge.metadata[step.pin] = result
        return None

    # What the flows lean on.

    def _learn(self, question: _Question) -> object:
        match question:
            case _PageOf(name):
                return self._effects.page(name)
            case _MetadataOf(candidate):
                return self._effects.index_metadata(candidate)
            case _SourceOf(candidate):
                return self._effects.source(candidate)

    def _corrections(
        self, wheels: list[Wheel], known: Mapping[Pin, ReleaseMetadata]
    ) -> dict[Pin, ReleaseMetadata]:
        """What the built wheels say otherwise than was believed when this was solved."""
        corrected = {}
        for wheel in wheels:
            if self._applying(known[wheel.pin]) != self._applying(wheel.metadata):
                corrected[wheel.pin] = wheel.metadata
        return corrected

    def _applying(self, metadata: ReleaseMetadata) -> set[str]:
        """Requirements that may matter on the target; those of extras are kept as they are."""
        return {
            str(requirement)
            for requirement in metadata.requires
            if "extra" in str(requirement.marker) or applies(requirement, self._request.target, ())
        }

    def _fail(self, failure: Failure) -> Failure:
        self._watcher.failed(failure)
        return failure

    def _conflict(self, reason: tuple[str, ...], pin: Pin | None) -> Failure:
        if pin is None:
            raise ImpossibleError(
                "no set of releases satisfies the requirements:\n  " + "\n  ".join(reason),
                hint="loosen one of the requirements or constraints named above",
            )
        return Failure(
            pin,
            Phase.RESOLVE,
            "no set of releases satisfies its build requirements: " + "; ".join(reason),
            "loosen a constraint named above, or constrain the package to a release that fits",
        )

    def _ring_error(self, ring: tuple[Step, ...]) -> ImpossibleError:
        lines = []
        for needing, needed in pairwise(ring):
            edges = [e for e in self._edges.get(needing, ()) if e.child == needed.pin]
            why = sorted(
                {f"{edge.parent or 'itself'} asks for {edge.requirement}" for edge in edges}
            )
            lines.append(f"{needing.pin} cannot be built without {needed.pin} ({', '.join(why)})")
        return ImpossibleError(
            "builds need one another in a ring:\n  " + "\n  ".join(lines),
            hint="constrain one of them to a release that does not need the others to be built",
        )

    def _chain(self, pin: Pin) -> tuple[Dependency, ...]:
        """The shortest way from the top to a package, over everything that was solved."""
        by_parent: dict[Pin | None, list[Dependency]] = {}
        for step, edges in sorted(self._edges.items()):
            hung = edges if step.pin is None else _build_edges(step.pin, edges, ())
            for edge in hung:
                by_parent.setdefault(edge.parent, []).append(edge)
        ways: dict[Pin | None, tuple[Dependency, ...]] = {None: ()}
        pending: list[Pin | None] = [None]
        for parent in pending:
            for edge in sorted(by_parent.get(parent, ()), key=lambda edge: edge.order):
                if edge.child not in ways:
                    ways[edge.child] = (*ways[parent], edge)
                    pending.append(edge.child)
        return ways.get(pin, ())

    def _graph(self, top: _Closure) -> DependencyGraph:
        packages: dict[Pin, BuiltPackage] = {
            result.candidate.pin: result
            for result in self._driver.results.values()
            if isinstance(result, BuiltPackage)
        }
        every = [*top.edges, *(edge for package in packages.values() for edge in package.edges)]
        edges = reachable(every)
        nodes = {edge.child: self._node(packages[edge.child]) for edge in edges}
        return DependencyGraph(nodes, edges)

    def _node(self, package: BuiltPackage) -> GraphNode:
        pin = package.candidate.pin
        constraint = self._request.constraints.get(pin.name)
        return GraphNode(
            pin=pin,
            source_url=package.source.url,
            source=package.source.sdist,
            wheel_filename=package.wheel.filename,
            wheel=package.wheel.digest,
            constraint=str(constraint.specifier) if constraint is not None else "",
            recipe=package.recipe,
            requires=tuple(str(one) for one in package.wheel.metadata.requires),
        )


@dataclass(frozen=True)
class _Ran:
    outcome: BuildSucceeded | MetadataFound
    closure: _Closure
    edges: tuple[Dependency, ...]
    words: tuple[str, ...]


def _build_edges(
    pin: Pin, edges: tuple[Dependency, ...], hook: tuple[Requirement, ...]
) -> tuple[Dependency, ...]:
    """The edges of a build environment, hung below the package that is built in it."""
    from_hook = {str(requirement) for requirement in hook}
    hung = []
    for edge in edges:
        if edge.parent is None:
            backend = edge.requirement in from_hook
            kind = RequirementKind.BUILD_BACKEND if backend else RequirementKind.BUILD_SYSTEM
            hung.append(Dependency(pin, edge.child, kind, edge.requirement))
        else:
            hung.append(edge)
    return tuple(hung)


def _blocked(pin: Pin | None, cause: Failure) -> Failure:
    """A failure that is only another one's consequence; the request's own is that one itself."""
    if pin is None:
        return Failure(
            cause.pin, cause.phase, cause.reason, blocked_by=cause.blocked_by or cause.pin
        )
    origin = cause.blocked_by or cause.pin
    return Failure(pin, Phase.ENVIRONMENT, f"needs {origin}, which failed", blocked_by=origin)

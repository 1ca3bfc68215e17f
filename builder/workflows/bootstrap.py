"""Rebuilds everything that a set of requirements leads to, down to the last build backend.

The one place that knows of the loop: to solve needs metadata, metadata may need a build, and a
build needs its environment solved and built first.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from packaging.requirements import Requirement

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
from builder.domain.graph import (
    BuildRecipe,
    BuiltIn,
    Dependency,
    EnvironmentPart,
    Provision,
    RequirementKind,
)
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import is_provisional, is_repository
from builder.domain.sources import SourceTree
from builder.domain.variants import same_but_for_the_variant
from builder.errors import ImpossibleError
from builder.prepare.task import SOURCE_DATE_EPOCH
from builder.resolve.problem import Asked, Conflict, Knowledge, Refused, Solution
from builder.schedule.budget import Claim
from builder.workflows.flows import (
    Await,
    Flow,
    Learn,
    Need,
    Put,
    Run,
    Step,
)
from builder.workflows.packages import (
    METADATA,
    NAMED,
    PLAN,
    STAGED,
    STATED,
    WHEEL,
    Closure,
    ForeignWheel,
    Package,
    build_edges,
    from_index,
    from_source,
    part_of,
    step_of,
)
from builder.workflows.purity import is_pure, looks_pure, same_but_for_the_processor
from builder.workflows.questions import (
    CachedOf,
    Effects,
    ForeignOf,
    LaidDown,
    LaidDownOf,
    MetadataOf,
    NamedOf,
    PreBuiltOf,
    Publish,
    Question,
    SeedOf,
    SourceOf,
    ToldOf,
)
from builder.workflows.recording import graph_of
from builder.workflows.runs import Bootstrapped, Request, Unresolved, Watcher
from builder.workflows.solving import Solver, blocked, unsolvable

TOP = Step("request")
"""What a request leads to; the flow of it is that of all variants together."""
_UNTOLD_HINT = (
    "name a tag that is a version, such as @v1.2, for a source that does not say it by itself; or "
    "say it under env in the package's settings, such as SETUPTOOLS_SCM_PRETEND_VERSION: 1.3.dev4"
)


@dataclass(frozen=True)
class _Ran:
    outcome: BuildSucceeded | MetadataFound
    closure: Closure
    edges: tuple[Dependency, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class _BuiltNatively:
    wheel: Wheel
    recipe: BuildRecipe
    tree: SourceTree


@dataclass(frozen=True)
class Native:
    """Another variant of the run: like the one it serves, but for this host's own processor.

    Attributes:
        image: what it builds in.
    """

    variant: str
    part: "Bootstrap"
    image: BuiltIn


class Bootstrap:
    """The flows of one variant, and what became of them.

    Where its processor is emulated, another variant may build for it what is the same for every
    processor.
    """

    def __init__(
        self,
        request: Request,
        effects: Effects,
        watcher: Watcher,
        native: "Native | None" = None,
    ) -> None:
        self.request = request
        self._native = native
        self.solver = Solver(request.rules)
        self._effects = effects
        self._watcher = watcher
        self._failures: dict[Pin, Failure] = {}
        self._origins: dict[Pin, str] = {}
        self._unresolved: list[Unresolved] = []
        self._replaced: dict[Pin, ForeignWheel] = {}
        self._not_replaced: dict[Pin, str] = {}

    @property
    def product(self) -> str:
        """The kind of step that is wanted of each release."""
        return PLAN if self.request.plan_only else WHEEL

    def ended(self, top: Closure | Failure | None, results: Mapping[Step, Any]) -> Bootstrapped:
        """What became of the request; `top` is None where nobody came so far."""
        failures = tuple(self._failures[pin] for pin in sorted(self._failures))
        chains = {failure.pin: self.solver.chain(failure.pin) for failure in failures}
        if not isinstance(top, Closure):
            return Bootstrapped(None, (), failures, chains)
        constraints = self.request.rules.constraints
        return Bootstrapped(
            graph_of(results, top.edges, constraints, frozenset(self._replaced)),
            top.edges,
            failures,
            chains,
            tuple(self._unresolved),
            self._replaced,
            self._not_replaced,
        )

    def leave_out(self, unresolved: Unresolved) -> None:
        """Notes that a requirement of the request is passed over."""
        self._unresolved.append(unresolved)

    def halts(self, result: object) -> bool:
        """Whether what a flow returned ends the run."""
        return (
            self.request.fail_fast
            and not self.request.test_mode
            and isinstance(result, Failure)
            and result.blocked_by is None
        )

    # What the driver asks of its world.

    def flow(self, step: Step) -> Flow:
        """What each kind of step does."""
        if step.kind == NAMED:
            return self._named(step)
        candidate = self.solver.candidate(step)
        if step.kind == STATED:
            return self._stated(candidate)
        if step.kind == METADATA:
            return self._metadata(step, candidate)
        self._check_that_it_is_one_thing(candidate)
        if step.kind == PLAN:
            return self._plan(step, candidate)
        return self._package(step, candidate)

    def learn(self, question: Question) -> object:
        """Answers a question."""
        return question.put_to(self._effects)

    def build(self, spec: BuildSpec) -> BuildOutcome:
        """Builds a wheel, or finds out what a build needs."""
        return self._effects.build(spec)

    def claim(self, spec: BuildSpec) -> Claim:
        """What a build counts for."""
        return self._effects.claim(spec)

    # The flows, from top to bottom.

    def _package(self, step: Step, candidate: Candidate) -> Generator[Need, Any, Package | Failure]:
        made = yield from self._made(step, candidate)
        if isinstance(made, Failure):
            made = yield from self._in_place_of(made)
        if isinstance(made, Package) and made.wheel is not None and step.kind == WHEEL:
            yield Learn((Publish(made),))
            self._watcher.built(made.wheel)
        return made

    def _made(self, step: Step, candidate: Candidate) -> Generator[Need, Any, Package | Failure]:
        taken = yield from self._taken(step, candidate)
        if taken is not None:
            return taken
        source: SourceTree | Failure = (yield Learn((SourceOf(candidate),)))[SourceOf(candidate)]
        if isinstance(source, Failure):
            return source
        if self._native is not None and step.kind == WHEEL and looks_pure(candidate):
            shared = yield from self._shared(step, candidate, source, self._native)
            if shared is not None:
                return shared
        ran = yield from self._hooks(step, source, Goal.WHEEL)
        if isinstance(ran, Failure):
            return ran
        if not isinstance(ran.outcome, BuildSucceeded):
            return Failure(source.pin, Phase.BUILD, "no wheel came out")
        return from_source(source, ran.words, ran.closure, ran.edges, ran.outcome.wheel)

    def _shared(
        self, step: Step, candidate: Candidate, source: SourceTree, native: Native
    ) -> Generator[Need, Any, Package | None]:
        """The native variant's wheel, where it is pure and all that led to it is the same here.

        The environment is solved and made here as well: the graph holds it, and whoever builds
        from that graph needs nothing of the other variant.
        """
        theirs = yield from self._built_natively(step, candidate, native)
        if theirs is None or theirs.tree.archive != source.archive:
            return None
        system, words = source.build_system.requires, theirs.recipe.backend
        hook = tuple(map(Requirement, words))
        closure = yield from self._environment(step, source.pin, (*system, *hook))
        if isinstance(closure, Failure) or _pins(closure.parts) != _pins(theirs.recipe.environment):
            return None
        accepted = (*map(str, system), *words)
        mine = LaidDownOf(self.spec(source, Goal.WHEEL, closure, accepted))
        other = LaidDownOf(native.part.spec(theirs.tree, Goal.WHEEL, closure, accepted))
        asked = Put(native.variant, other)
        answers = yield Learn((mine, asked))
        if not _same(answers[mine], answers[asked]):
            return None
        self.solver.hooks[step] = hook
        edges = build_edges(source.pin, closure.edges, hook)
        self._watcher.shared(theirs.wheel, native.image.name)
        package = from_source(source, words, closure, edges, theirs.wheel)
        return replace(package, image=native.image)

    def _built_natively(
        self, step: Step, candidate: Candidate, native: Native
    ) -> Generator[Need, Any, _BuiltNatively | None]:
        """What the native variant made of a release, if it is a pure wheel for the same Python."""
        target, theirs = self.request.rules.target, native.part.request.rules.target
        if not same_but_for_the_processor(target, theirs):
            return None
        native.part.solver.remember((candidate,))
        their_step = replace(step, variant=native.variant)
        package: Package | Failure = (yield Await((their_step,)))[their_step]
        if not isinstance(package, Package) or package.recipe is None or package.wheel is None:
            return None
        question = Put(native.variant, SourceOf(candidate))
        tree: SourceTree | Failure = (yield Learn((question,)))[question]
        if isinstance(tree, Failure) or not is_pure(package.wheel.filename):
            return None
        return _BuiltNatively(package.wheel, package.recipe, tree)

    def _plan(self, step: Step, candidate: Candidate) -> Generator[Need, Any, Package | Failure]:
        planned = yield from self._planned(step, candidate)
        if isinstance(planned, Failure):
            planned = yield from self._in_place_of(planned)
        if isinstance(planned, Package):
            yield Learn((Publish(planned),))
            self._watcher.planned(planned.pin)
        return planned

    def _taken(
        self, step: Step, candidate: Candidate
    ) -> Generator[Need, Any, Package | Failure | None]:
        """A wheel that is taken instead of built: from an index, or from a wheel server."""
        finished = yield from self._pre_built(candidate.pin)
        if finished is not None:
            return finished
        if is_repository(candidate.sdist.url):
            return None  # nobody can tell which commit a wheel of that version was built from
        question = CachedOf(candidate.pin)
        cached: ForeignWheel | Failure | None = (yield Learn((question,)))[question]
        if not isinstance(cached, ForeignWheel):
            return cached
        planned = yield from self._planned(step, candidate)
        return planned if isinstance(planned, Failure) else replace(planned, wheel=cached.wheel)

    def _pre_built(self, pin: Pin) -> Generator[Need, Any, Package | Failure | None]:
        """A release that the settings have taken from an index; None for one to be built."""
        question = PreBuiltOf(pin)
        foreign: ForeignWheel | Failure | None = (yield Learn((question,)))[question]
        return from_index(foreign) if isinstance(foreign, ForeignWheel) else foreign

    def _planned(self, step: Step, candidate: Candidate) -> Generator[Need, Any, Package | Failure]:
        """What a build of the package would need, as its hook says, without building it."""
        finished = yield from self._pre_built(candidate.pin)
        if finished is not None:
            return finished
        source: SourceTree | Failure = (yield Learn((SourceOf(candidate),)))[SourceOf(candidate)]
        if isinstance(source, Failure):
            return source
        system = source.build_system.requires
        closure = yield from self._environment(step, source.pin, system)
        if isinstance(closure, Failure):
            return closure
        accepted = tuple(str(requirement) for requirement in system)
        asked = yield Run(self.spec(source, Goal.REQUIREMENTS, closure, accepted))
        if isinstance(asked, Failure):
            return asked
        words = tuple(word for word in asked.words if word not in accepted)
        hook = asked.hook_requires if words else ()
        if words:
            closure = yield from self._environment(step, source.pin, (*system, *hook), built=False)
            if isinstance(closure, Failure):
                return closure
        edges = build_edges(source.pin, closure.edges, hook)
        return from_source(source, words, closure, edges, None)

    def _metadata(
        self, step: Step, candidate: Candidate
    ) -> Generator[Need, Any, ReleaseMetadata | Failure]:
        stated = replace(step, kind=STATED)
        known: ReleaseMetadata | Failure | None = (yield Await((stated,)))[stated]
        if known is not None:
            return known
        found = yield from self._told_by_hooks(step, candidate)
        if isinstance(found, Failure) and is_provisional(candidate.pin.version):
            found = replace(found, hint=_UNTOLD_HINT)
        if isinstance(found, Failure) and self.request.test_mode:
            package = yield from self._in_place_of(found)
            if isinstance(package, Package) and package.wheel is not None:
                return package.wheel.metadata
        elif isinstance(found, Failure):
            self._tell(found)
        return found

    def _stated(
        self, candidate: Candidate
    ) -> Generator[Need, Any, ReleaseMetadata | Failure | None]:
        """None where only hooks can tell, or where whoever asks them will meet a failure first."""
        if candidate.pin in self.request.rules.seeds.values():
            seed = yield from self._seed(candidate.pin)
            return seed if isinstance(seed, Failure) else seed.wheel.metadata
        finished = yield from self._pre_built(candidate.pin)
        if isinstance(finished, Package) and finished.wheel is not None:
            return finished.wheel.metadata
        question = MetadataOf(candidate)
        found: ReleaseMetadata | None = (yield Learn((question,)))[question]
        if found is not None:
            return found
        source: SourceTree | Failure = (yield Learn((SourceOf(candidate),)))[SourceOf(candidate)]
        return source.static_metadata if isinstance(source, SourceTree) else None

    def _named(self, step: Step) -> Generator[Need, Any, Candidate | Refused | Failure]:
        """Which release a source is that a requirement names."""
        naming = self.solver.namings[step]
        question = NamedOf(naming.named)
        found: Candidate | Refused = (yield Learn((question,)))[question]
        if isinstance(found, Refused) or not is_provisional(found.pin.version):
            return found
        kind = RequirementKind.INSTALL if naming.parent else RequirementKind.TOPLEVEL
        edge = Dependency(naming.parent, found.pin, kind, naming.requirement)
        self.solver.edges[step] = (edge,)
        self.solver.remember((found,))
        asked = step_of(METADATA, found)
        told: ReleaseMetadata | Failure = (yield Await((asked,)))[asked]
        if isinstance(told, Failure):
            return told
        answer = ToldOf(found, naming.named, told.pin)
        release: Candidate | Refused = (yield Learn((answer,)))[answer]
        return release

    def _told_by_hooks(
        self, step: Step, candidate: Candidate
    ) -> Generator[Need, Any, ReleaseMetadata | Failure]:
        source: SourceTree | Failure = (yield Learn((SourceOf(candidate),)))[SourceOf(candidate)]
        if isinstance(source, Failure):
            return source
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
    ) -> Generator[Need, Any, _Ran | Failure]:
        """Runs a package's hooks, in an environment that grows once if they ask for more."""
        system = source.build_system.requires
        hook: tuple[Requirement, ...] = ()
        words: tuple[str, ...] = ()
        accepted = tuple(str(requirement) for requirement in system)
        for _ in range(2):
            closure = yield from self._environment(step, source.pin, (*system, *hook))
            if isinstance(closure, Failure):
                return closure
            spec = self.spec(source, goal, closure, (*accepted, *words))
            outcome: BuildOutcome = yield Run(spec)
            if isinstance(outcome, Failure):
                return outcome
            if not isinstance(outcome, MoreRequired):
                return _Ran(outcome, closure, build_edges(source.pin, closure.edges, hook), words)
            hook = self.solver.hooks[step] = outcome.hook_requires
            words = tuple(word for word in outcome.words if word not in accepted)
        return Failure(
            source.pin, Phase.HOOKS, "its backend asks for other requirements each time it is asked"
        )

    def spec(
        self, source: SourceTree, goal: Goal, closure: Closure, accepted: tuple[str, ...]
    ) -> BuildSpec:
        """A build as it is planned, before settings have their say."""
        return BuildSpec(
            goal=goal,
            source=source,
            image=self.request.image,
            sandbox=self.request.sandbox,
            environment=closure.wheels,
            accepted=accepted,
            variables=fixed_variables(SOURCE_DATE_EPOCH),
        )

    def _environment(
        self, step: Step, pin: Pin, requires: tuple[Requirement, ...], *, built: bool = True
    ) -> Generator[Need, Any, Closure | Failure]:
        asked = tuple(Asked(requirement, str(pin)) for requirement in requires)
        closure = yield from self._closure(step, asked, built=built)
        return unsolvable(pin, closure) if isinstance(closure, Conflict) else closure

    def _closure(
        self, step: Step, asked: tuple[Asked, ...], *, built: bool
    ) -> Generator[Need, Any, Closure | Conflict | Failure]:
        """Solves requirements and waits for every part, until solution and wheels agree."""
        seeded = self._is_staged(step)
        knowledge = Knowledge()
        corrections: dict[Pin, ReleaseMetadata] = {}
        while True:
            solution = yield from self.solver.solve(
                step, asked, knowledge, corrections, seeded=seeded
            )
            if isinstance(solution, Failure):
                return blocked(step.pin, solution)
            if isinstance(solution, Conflict):
                return solution
            settled = yield from self.settled(
                step, solution, knowledge, corrections, built=built or seeded
            )
            if isinstance(settled, Closure | Failure):
                return settled
            corrections |= settled

    def settled(
        self,
        step: Step,
        solution: Solution,
        knowledge: Knowledge,
        corrections: Mapping[Pin, ReleaseMetadata],
        *,
        built: bool | None = None,
    ) -> Generator[Need, Any, Closure | Failure | dict[Pin, ReleaseMetadata]]:
        """Waits for every part of a solution; what wheels say otherwise, where they do.

        Args:
            step: whose closure it is.
            solution: what was solved.
            knowledge: what it was solved from.
            corrections: what wheels have said before.
            built: whether wheels are wanted; where it is None, as the request says.
        """
        wanted = not self.request.plan_only if built is None else built
        parts = yield from self._parts(step, solution, built=wanted)
        if isinstance(parts, Failure):
            return blocked(step.pin, parts)
        wheels = [package.wheel for package, _ in parts if package.wheel is not None]
        said = {wheel.pin: wheel.metadata for wheel in wheels}
        known = {**knowledge.all_of(solution.candidates), **corrections}
        corrected = self.solver.corrections(said, known)
        if corrected:
            return corrected
        recorded = tuple(part_of(package, provision) for package, provision in parts)
        return Closure(solution.edges, recorded, tuple(wheels))

    def _parts(
        self, step: Step, solution: Solution, *, built: bool
    ) -> Generator[Need, Any, list[tuple[Package, Provision]] | Failure]:
        """Every release of a closure, built or just known, in the order of the pins."""
        pins = solution.pins
        staged = self._is_staged(step)
        kind = WHEEL if built else PLAN
        seeds = set(self.request.rules.seeds.values()) if staged else set()
        steps = {
            candidate.pin: step_of(STAGED if staged else kind, candidate)
            for candidate in solution.candidates
            if candidate.pin not in seeds
        }
        if step.pin is not None:
            self._watcher.waits(step.pin, pins)
        results: Mapping[Step, Package | Failure] = yield Await(tuple(steps.values()))
        found: list[tuple[Package, Provision]] = []
        for pin in pins:
            if pin in seeds:
                seed = yield from self._seed(pin)
                result = seed if isinstance(seed, Failure) else from_index(seed)
                provision = Provision.SEED
            else:
                result = results[steps[pin]]
                provision = Provision.STAGED if staged else Provision.BUILT
            if not isinstance(result, Failure):
                found.append((result, provision))
            elif step.pin is not None or not self.request.test_mode:
                return result
        return found

    # What the flows lean on.

    def _check_that_it_is_one_thing(self, candidate: Candidate) -> None:
        """One name and version is one file in every folder, and one node of the graph.

        Raises:
            ImpossibleError: the run already uses something else of that name and version.
        """
        pin = candidate.pin
        other = self._origins.setdefault(pin, candidate.source)
        if other == candidate.source:
            return
        lines = [it or "a release that an index has" for it in sorted((other, candidate.source))]
        askers = {
            f"{edge.parent or 'you'} -> {edge.requirement}"
            for edges in self.solver.edges.values()
            for edge in edges
            if edge.child == pin
        }
        told = "\n  ".join((*lines, *sorted(askers)))
        raise ImpossibleError(
            f"{pin} cannot be two things at once:\n  {told}",
            hint=f"ask for {pin.name} @ git+… yourself: then all that needs it gets that",
        )

    def _is_staged(self, step: Step) -> bool:
        """Whether a step's environment is made with seeds: it must not wait for what needs it.

        So are hooks that only tell metadata: none of it ends up in a wheel.
        """
        seeds = self.request.rules.seeds
        if step.pin is None or not seeds:
            return False
        return step.kind in (STAGED, METADATA) or step.pin.name in seeds

    def _seed(self, pin: Pin) -> Generator[Need, Any, ForeignWheel | Failure]:
        question = SeedOf(pin)
        answer: ForeignWheel | Failure = (yield Learn((question,)))[question]
        if isinstance(answer, Failure):
            self._tell(answer)
        return answer

    def _in_place_of(self, failure: Failure) -> Generator[Need, Any, Package | Failure]:
        """Tells of a failure; in test mode, looks for a wheel to put in its place."""
        pin = failure.pin
        self._tell(failure)
        if not self.request.test_mode:
            return failure
        question = ForeignOf(pin, "in place of the build that failed")
        answer: ForeignWheel | Failure = (yield Learn((question,)))[question]
        if isinstance(answer, Failure):
            self._not_replaced[pin] = answer.reason
            return failure
        if pin not in self._replaced:
            self._replaced[pin] = answer
            self._watcher.replaced(answer.wheel)
        return from_index(answer)

    def _tell(self, failure: Failure) -> None:
        """A package whose metadata cannot be had fails twice for one reason: it is told once."""
        if failure.pin not in self._failures:
            self._failures[failure.pin] = failure
            self._watcher.failed(failure)

    def ring_error(self, ring: tuple[Step, ...]) -> ImpossibleError:
        """Why builds cannot be ordered, edge by edge."""
        lines = []
        for needing, needed in pairwise(ring):
            known = self.solver.edges.get(needing, ())
            why = sorted(
                {
                    f"{edge.parent or 'itself'} asks for {edge.requirement}"
                    for edge in known
                    if edge.child == needed.pin
                }
            )
            asks = f" ({', '.join(why)})" if why else ""
            what = needed.pin or needed.source
            lines.append(f"{needing.pin or needing.source} cannot be built without {what}{asks}")
        return ImpossibleError(
            "builds need one another in a ring:\n  " + "\n  ".join(lines),
            hint=f"cut the ring with a wheel of the index, such as --seed {ring[0].pin}; or "
            "constrain one of them to a release that does not need the others to be built",
        )


def _pins(parts: tuple[EnvironmentPart, ...]) -> tuple[Pin, ...]:
    return tuple(part.pin for part in parts)


def _same(mine: LaidDown | None, theirs: LaidDown | None) -> bool:
    if mine is None or theirs is None:
        return False
    if mine.variant != theirs.variant and (mine.asks_for_variant or theirs.asks_for_variant):
        return False
    return same_but_for_the_variant(
        mine.spec, theirs.spec, of_image_a=mine.of_image, of_image_b=theirs.of_image
    )

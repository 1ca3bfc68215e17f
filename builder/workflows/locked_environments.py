"""The build environments of a lock: as it names them, or as its edges or its order imply."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from builder.domain.builds import Failure, Phase
from builder.domain.graph import BuildRecipe, EnvironmentPart, GraphNode, Provision
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.domain.repositories import is_same_repository
from builder.domain.sources import SourceTree
from builder.resolve.closure import solve
from builder.resolve.on_hand import page_of, unmet
from builder.resolve.problem import (
    Asked,
    Conflict,
    Knowledge,
    Lacking,
    Named,
    Question,
    Refused,
    Solution,
)
from builder.workflows.flows import Await, Learn, Need, Step
from builder.workflows.locks import LockRequest, LockWatcher, OfferedOf, SeedOf
from builder.workflows.packages import (
    SOURCE,
    STAGED,
    WHEEL,
    Closure,
    Package,
    from_index,
    part_of,
)
from builder.workflows.solving import blocked, unsolvable


class LockedEnvironments:
    """Flows that wait for the wheels of a build environment."""

    def __init__(self, request: LockRequest, watcher: LockWatcher) -> None:
        self._request = request
        self._watcher = watcher
        self._places = {pin: place for place, pin in enumerate(request.nodes)}
        self.nodes = dict(request.nodes)
        """Those of the lock, and whatever was offered beyond it."""

    def of_recipe(
        self, node: GraphNode, recipe: BuildRecipe
    ) -> Generator[Need, Any, Closure | Failure]:
        """Exactly the parts that the lock names."""
        kinds = {Provision.BUILT: WHEEL, Provision.STAGED: STAGED}
        missing = [p.pin for p in recipe.environment if not self._is_held(p)]
        if missing:
            return not_in_lock(node.pin, "its environment holds", tuple(map(str, missing)))
        steps = {
            part: Step(kinds[part.provision], part.pin)
            for part in recipe.environment
            if part.provision in kinds
        }
        # Begun here, so that it is there when the environment is.
        self._watcher.waits(node.pin, tuple(part.pin for part in steps))
        source = Step(SOURCE, node.pin)
        results = yield Await((*steps.values(), source))
        packages = []
        for part in recipe.environment:
            if part.provision is Provision.SEED:
                seed = (yield Learn((SeedOf(part),)))[SeedOf(part)]
                result = seed if isinstance(seed, Failure) else from_index(seed)
            else:
                result = results[steps[part]]
            if isinstance(result, Failure):
                return blocked(node.pin, result)
            packages.append((result, part.provision))
        return _closure(packages)

    def _is_held(self, part: EnvironmentPart) -> bool:
        node = self.nodes.get(part.pin)
        match part.provision:
            case Provision.SEED:
                return True
            case Provision.STAGED:
                return node is not None and node.staged is not None
            case Provision.BUILT:
                return node is not None

    def implied(
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
            return not_in_lock(node.pin, "its build needs", lacking)
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
                    hint = answer.hint or "build what is missing first, by `builder bootstrap`"
                    return replace(unsolvable(node.pin, answer), hint=hint)
                case Solution():
                    return (yield from self._wheels(node.pin, answer.pins))
                case Lacking(pages, candidates, _, named):
                    yield from self._learn_pages(node.pin, pages, knowledge)
                    for naming in named:
                        knowledge.named[naming.named] = self._named(node.pin, naming.named)
                    pins = tuple(candidate.pin for candidate in candidates)
                    failure = yield from self._learn_metadata(node.pin, pins, knowledge)
                    if failure is not None:
                        return failure

    def _learn_pages(
        self, pin: Pin, names: tuple[NormalizedName, ...], knowledge: Knowledge
    ) -> Generator[Need, Any, None]:
        answers = yield Learn(tuple(OfferedOf(name) for name in names))
        for question, offered in answers.items():
            for node in offered:
                if node.pin not in self.nodes:
                    self.nodes[node.pin] = node
                    self._places[node.pin] = -1
            knowledge.pages[question.name] = self._page(pin, question.name)

    def _named(self, pin: Pin, source: Named) -> Candidate | Refused:
        """What the lock holds of a repository that a requirement names."""
        page = self._page(pin, source.project)
        for one in page.candidates if isinstance(page, ProjectPage) else ():
            if is_same_repository(self.nodes[one.pin].source_url, source.url):
                return one
        return Refused(
            f"{source} is not in the lock before {pin}",
            "make the lock anew, by `builder bootstrap --sdist-only`",
        )

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


def not_in_lock(pin: Pin, what: str, words: tuple[str, ...]) -> Failure:
    """What a build needs and may not have."""
    return Failure(
        pin,
        Phase.RESOLVE,
        f"{what} {', '.join(words)}, which the lock does not hold",
        "make the lock anew, by `builder bootstrap --sdist-only`",
    )


def _closure(packages: list[tuple[Package, Provision]]) -> Closure:
    parts = tuple(part_of(package, provision) for package, provision in packages)
    wheels = tuple(package.wheel for package, _ in packages if package.wheel is not None)
    return Closure((), parts, wheels)

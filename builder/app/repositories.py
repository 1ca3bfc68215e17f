"""From the git repositories that are asked for to releases that builds are made from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from builder.app.commits import Commits, check_name, likely_name, pin_of
from builder.app.named_sources import NamedSources, Policy
from builder.app.requested import FromRepository, Requested
from builder.app.world import Place, World
from builder.domain.builds import Failure
from builder.domain.digests import Digest
from builder.domain.events import Noted
from builder.domain.graph import Dependency
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import GitReference, is_provisional
from builder.errors import BuilderError, IndexUnreachableError, InputError
from builder.resolve.problem import Asked, applies
from builder.workflows.bootstrap import Bootstrap
from builder.workflows.runs import Bootstrapped, Request, Unresolved
from builder.workflows.solving import Rules
from builder.workflows.together import Together


@dataclass(frozen=True)
class Identified:
    """What is asked for, each with a name.

    Attributes:
        releases: by project, the one that its repository stands for.
        failures: of those whose own hooks could not tell what they are; they are not in `asked`.
        chains: what led to these.
        unresolved: what could not be had at all, in test mode.
    """

    asked: tuple[Asked, ...]
    releases: Mapping[NormalizedName, Candidate]
    hashes: Mapping[NormalizedName, tuple[Digest, ...]]
    failures: tuple[Failure, ...] = ()
    chains: Mapping[Pin, tuple[Dependency, ...]] = field(default_factory=dict)
    unresolved: tuple[Unresolved, ...] = ()


@dataclass(frozen=True)
class _State:
    """A commit, and the release that it stands for; its version may be provisional."""

    line: FromRepository
    commit: GitReference
    pin: Pin

    @property
    def is_known(self) -> bool:
        return not is_provisional(self.pin.version)

    @property
    def requirement(self) -> Requirement:
        """As it was written, with the name."""
        return self.line.requirement or Requirement(f"{self.pin.name} @ {self.line.reference}")


class Identification:
    """Finds out what the repositories of a request hold."""

    def __init__(
        self, place: Place, commits: Commits, policy: Policy, rules: Rules, stop: Event
    ) -> None:
        """Takes where the run takes place, with an index that knows nothing of repositories."""
        self._place = place
        self._commits = commits
        self._policy = policy
        self._rules = rules
        self._stop = stop

    def run(self, requested: Requested) -> Identified:
        """Looks into every repository whose marker holds.

        Where the policy is to go on, one that cannot be used is passed over, and told.

        Raises:
            InputError: a repository cannot be used, or two stand for the same project.
            BuilderError: the engine, a host or the disk gave up.
        """
        states: list[_State] = []
        unresolved: list[Unresolved] = []
        for line in filter(self._applies, requested.repositories):
            try:
                states.append(self._state(line))
            except (InputError, IndexUnreachableError) as error:
                if not self._policy.goes_on:
                    raise
                unresolved.append(_unresolved(line, error))
        known = [state for state in states if state.is_known]
        unknown = [state for state in states if not state.is_known]
        failures: dict[Pin, Failure] = {}
        chains: dict[Pin, tuple[Dependency, ...]] = {}
        if unknown:
            place = self._without_unknown(known, unknown)
            for state in unknown:
                told = self._told_by_hooks(state, place)
                if isinstance(told, _State):
                    known.append(told)
                else:
                    failures |= {failure.pin: failure for failure in told.failures}
                    chains |= told.chains
        releases = self._releases(known)
        asked = [Asked(state.requirement, state.line.origin) for state in known]
        return Identified(
            (*requested.asked, *asked),
            releases,
            _with_hashes(requested.hashes, known),
            tuple(failures[pin] for pin in sorted(failures)),
            chains,
            tuple(unresolved),
        )

    def _applies(self, line: FromRepository) -> bool:
        return line.requirement is None or applies(line.requirement, self._rules.target, ())

    def _state(self, line: FromRepository) -> _State:
        with _at(line):
            commit = self._commits.at(line.reference)
            identity = self._commits.identity(commit, line.project)
            pin = pin_of(line.reference, commit, identity, line.project)
        self._commits.tell_of_submodules(pin, commit)
        return _State(line, commit, pin)

    def _releases(self, states: Iterable[_State]) -> dict[NormalizedName, Candidate]:
        chosen: dict[NormalizedName, _State] = {}
        for state in states:
            name = state.pin.name
            other = chosen.setdefault(name, state)
            if other.commit != state.commit:
                raise InputError(
                    f"{name} is asked for as {other.commit} ({other.line.origin}) and as "
                    f"{state.commit} ({state.line.origin})",
                    hint="name one state of one repository",
                )
            if self._place.overrides.pre_built(state.pin) is not None:
                raise InputError(
                    f"{state.line.origin}: {name} is asked for from a repository, and the "
                    "settings have its wheel taken from an index",
                    hint="ask for a release, or take pre_built out of its settings",
                )
        return {
            name: self._commits.release(state.pin, state.commit) for name, state in chosen.items()
        }

    # What only hooks can tell.

    def _without_unknown(self, known: Iterable[_State], unknown: Iterable[_State]) -> Place:
        """For builds that come before it is known what some repositories hold."""
        hidden = dict.fromkeys(state.pin.name for state in unknown if state.line.requirement)
        releases = self._releases(known)
        index = self._commits.on_top_of(self._place.index, {**hidden, **releases})
        policy = replace(self._policy, asked=releases)
        named = NamedSources(self._commits, self._place.overrides, policy)
        return replace(self._place, index=index, named=named)

    def _told_by_hooks(self, state: _State, place: Place) -> _State | Bootstrapped:
        found = self._metadata(state, place)
        if not isinstance(found, ReleaseMetadata):
            return found
        with _at(state.line):
            check_name(state.line.reference, found.pin.name, state.line.project)
        self._place.notify(Noted(f"{state.line.reference}: its own hooks call it {found.pin}"))
        return replace(state, pin=found.pin)

    def _metadata(self, state: _State, place: Place) -> ReleaseMetadata | Bootstrapped:
        shop = place.shop
        world = World(replace(place, hashes=_none_of(place, state)))
        request = Request(
            (), self._rules, shop.sandbox.image, shop.sandbox.agent.digest, world.budget
        )
        part = Bootstrap(request, world, world)
        run = Together({self._place.settings.variant: part}, world.budget, self._stop)
        try:
            candidate = self._commits.release(state.pin, state.commit)
            return run.metadata(candidate, str(state.requirement))
        finally:
            self._commits.forget_provisional()


def _unresolved(line: FromRepository, error: BuilderError) -> Unresolved:
    name = line.project or likely_name(line.reference)
    requirement = line.requirement or Requirement(f"{name} @ {line.reference}")
    return Unresolved(Asked(requirement, line.origin), (error.message,))


def _none_of(place: Place, state: _State) -> dict[NormalizedName, tuple[Digest, ...]]:
    """What the user allows is the archive of the real release, not that of a provisional one."""
    return {name: allowed for name, allowed in place.hashes.items() if name != state.pin.name}


def _with_hashes(
    hashes: Mapping[NormalizedName, tuple[Digest, ...]], states: Sequence[_State]
) -> dict[NormalizedName, tuple[Digest, ...]]:
    """The hashes of lines that did not name their project, too."""
    every = dict(hashes)
    for state in states:
        if state.line.requirement is None and state.line.hashes:
            name = state.pin.name
            every[name] = (*every.get(name, ()), *state.line.hashes)
    return every


@contextmanager
def _at(line: FromRepository) -> Iterator[None]:
    """Lets errors say where it was asked for."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{line.origin}: {error.message}", hint=error.hint) from error

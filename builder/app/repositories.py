"""From the git repositories that are asked for to releases that builds are made from."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Event

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name

from builder.app.requested import FromRepository, Requested
from builder.app.settings import Settings
from builder.app.world import Place, World, full_disk
from builder.domain.builds import Failure
from builder.domain.digests import Digest
from builder.domain.events import Noted
from builder.domain.graph import Dependency, DependencyGraph, RequirementKind
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import (
    GitReference,
    is_provisional,
    is_repository,
    provisional_version,
)
from builder.errors import InputError
from builder.indexes.git import GitRepositories
from builder.indexes.with_repositories import IndexWithRepositories, packed_file
from builder.ports import Repositories
from builder.prepare.identity import Identity
from builder.prepare.task import top_folder
from builder.publish.files import publish_copy
from builder.resolve.closure import Asked, applies
from builder.workflows.bootstrap import Bootstrap
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.solving import Rules
from builder.workflows.states import States

_HINT = "name a tag that is a version, such as @v1.2, for a source that does not say it by itself"


def open_repositories(settings: Settings) -> Repositories:
    """The git repositories of the world, with what was fetched from them kept in the cache."""
    return GitRepositories(settings.cache / "git", settings.variables)


def held_states(previous: DependencyGraph | None) -> Mapping[str, GitReference]:
    """The commits that an earlier run was led to, by what was asked for.

    Other programs' graphs may name a repository otherwise; it is looked up anew then.
    """
    held: dict[str, GitReference] = {}
    for edge in previous.edges if previous is not None else ():
        url = previous.nodes[edge.child].source_url if previous is not None else ""
        asked = _url(edge.requirement)
        if edge.kind is RequirementKind.TOPLEVEL and is_repository(url) and asked:
            with suppress(InputError):
                held[asked] = GitReference.parse(url)
    return held


@dataclass(frozen=True)
class Identified:
    """What is asked for, each with a name.

    Attributes:
        releases: by project, the one that its repository stands for.
        failures: of those whose own hooks could not tell what they are; they are not in `asked`.
        chains: what led to these.
    """

    asked: tuple[Asked, ...]
    releases: Mapping[NormalizedName, Candidate]
    hashes: Mapping[NormalizedName, tuple[Digest, ...]]
    failures: tuple[Failure, ...] = ()
    chains: Mapping[Pin, tuple[Dependency, ...]] = field(default_factory=dict)


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

    def __init__(self, place: Place, repositories: Repositories, rules: Rules, stop: Event) -> None:
        """Takes where the run takes place, with an index that knows nothing of repositories."""
        self._place = place
        self._repositories = repositories
        self._rules = rules
        self._stop = stop
        shop = place.shop
        self._states = States(repositories, shop.store, shop.sandbox)

    def run(self, requested: Requested, held: Mapping[str, GitReference]) -> Identified:
        """Looks into every repository whose marker holds.

        Args:
            requested: what is asked for.
            held: the commits to take for what was asked for before.

        Raises:
            InputError: a repository cannot be used, or two stand for the same project.
            BuilderError: the engine, a host or the disk gave up.
        """
        states = [self._state(one, held) for one in requested.repositories if self._applies(one)]
        known = [state for state in states if state.is_known]
        unknown = [state for state in states if not state.is_known]
        failures: dict[Pin, Failure] = {}
        chains: dict[Pin, tuple[Dependency, ...]] = {}
        if unknown:
            index = self._without_unknown(known, unknown)
            for state in unknown:
                told = self._told_by_hooks(state, index)
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
        )

    def _applies(self, line: FromRepository) -> bool:
        return line.requirement is None or applies(line.requirement, self._rules.target, ())

    def _state(self, line: FromRepository, held: Mapping[str, GitReference]) -> _State:
        reference = held.get(str(line.reference), line.reference)
        reference = replace(reference, login=line.reference.login)
        with _at(line):
            commit = self._repositories.fetch(reference)
            identity = self._states.identity(commit)
            pin = _pin(line, commit, identity)
        self._place.notify(Noted(f"{line.reference}: commit {commit.ref[:12]}"))
        wanted = self._place.overrides.submodules(pin.name, pin.version).are_wanted
        if not wanted and self._repositories.has_submodules(commit):
            text = f"{commit} has submodules, which are left out"
            hint = f"git_options.submodules in the settings of {pin.name} takes them along"
            self._place.notify(Noted(f"{text}: {hint}", warning=True))
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
        return {name: self._candidate(state) for name, state in chosen.items()}

    def _candidate(self, state: _State) -> Candidate:
        """The release, with its archive in sdists-repo/downloads, as every other one's will be."""
        pin, scratch = state.pin, self._place.shop.scratch
        file = packed_file(pin, state.commit)
        packed = scratch / file.filename
        with full_disk():
            submodules = self._place.overrides.submodules(pin.name, pin.version)
            digest = self._repositories.archive(state.commit, top_folder(pin), packed, submodules)
            publish_copy(packed, self._place.settings.sdists_repo / "downloads" / file.filename)
            packed.unlink()
        file = packed_file(pin, state.commit, digest)
        return Candidate(pin, file, (), SpecifierSet(), None, state.commit.url)

    # What only hooks can tell.

    def _without_unknown(
        self, known: Iterable[_State], unknown: Iterable[_State]
    ) -> IndexWithRepositories:
        """An index for builds that come before it is known what some repositories hold."""
        hidden = dict.fromkeys(state.pin.name for state in unknown if state.line.requirement)
        releases = {**hidden, **self._releases(known)}
        submodules = self._place.overrides.submodules
        return IndexWithRepositories(self._place.index, self._repositories, releases, submodules)

    def _told_by_hooks(self, state: _State, index: IndexWithRepositories) -> _State | Bootstrapped:
        found = self._metadata(state, index)
        if not isinstance(found, ReleaseMetadata):
            failures = tuple(_hinted(failure, state.pin) for failure in found.failures)
            return replace(found, failures=failures)
        with _at(state.line):
            _check_name(state.line, state.commit, found.pin.name)
        self._place.notify(Noted(f"{state.line.reference}: its own hooks call it {found.pin}"))
        return replace(state, pin=found.pin)

    def _metadata(
        self, state: _State, index: IndexWithRepositories
    ) -> ReleaseMetadata | Bootstrapped:
        shop = self._place.shop
        world = World(replace(self._place, index=index, hashes=_none_of(self._place, state)))
        request = Request(
            (), self._rules, shop.sandbox.image, shop.sandbox.agent.digest, world.budget
        )
        bootstrap = Bootstrap(request, world, world, self._stop)
        try:
            return bootstrap.metadata(self._candidate(state), str(state.requirement))
        finally:
            self._forget(state.pin)

    def _forget(self, provisional: Pin) -> None:
        """Removes what lies under a name that was only needed to ask for the real one."""
        settings, name = self._place.settings, top_folder(provisional)
        for folder in ("downloads", "builds"):
            (settings.sdists_repo / folder / f"{name}.tar.gz").unlink(missing_ok=True)
        shutil.rmtree(settings.work_dir / name, ignore_errors=True)


def _pin(line: FromRepository, commit: GitReference, identity: Identity) -> Pin:
    """What the source says of itself, else what the user does."""
    if identity.name is not None:
        _check_name(line, commit, identity.name)
    version = identity.version or line.reference.version
    name = identity.name
    if name is None and line.requirement is not None:
        name = canonicalize_name(line.requirement.name)
    if name is not None and version is not None:
        return Pin(name, version)
    return Pin(name or _likely_name(commit), provisional_version(commit.ref))


def _likely_name(commit: GitReference) -> NormalizedName:
    """What to call a project until its hook has told its name."""
    try:
        return canonicalize_name(commit.last_name, validate=True)
    except InvalidName as error:
        raise InputError(
            f"{commit} does not say what it is called", hint=f"write NAME @ {commit}"
        ) from error


def _check_name(line: FromRepository, commit: GitReference, told: NormalizedName) -> None:
    if line.requirement is not None and canonicalize_name(line.requirement.name) != told:
        raise InputError(
            f"{commit} holds {told}, not {line.requirement.name}",
            hint=f"write {told} @ {line.reference}",
        )


def _hinted(failure: Failure, provisional: Pin) -> Failure:
    """With a way around, for a package that need not have been asked."""
    return replace(failure, hint=_HINT) if failure.pin == provisional else failure


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


def _url(requirement: str) -> str | None:
    try:
        return Requirement(requirement).url
    except InvalidRequirement:
        return None


@contextmanager
def _at(line: FromRepository) -> Iterator[None]:
    """Lets errors say where it was asked for."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{line.origin}: {error.message}", hint=error.hint) from error

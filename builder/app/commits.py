"""The commits that a run builds from: each ref is looked up once, each commit is packed."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, NormalizedName, canonicalize_name

from builder.app.world import Place, full_disk
from builder.domain.events import Noted
from builder.domain.graph import DependencyGraph
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import (
    GitReference,
    is_provisional,
    is_repository,
    provisional_version,
)
from builder.errors import InputError
from builder.indexes.with_repositories import IndexWithRepositories, packed_file
from builder.ports import Index, Repositories
from builder.prepare.identity import Identity
from builder.prepare.task import top_folder
from builder.publish.files import publish_copy
from builder.workflows.states import States


def held_states(previous: DependencyGraph | None) -> Mapping[str, GitReference]:
    """The commits that an earlier run was led to, by what was asked for.

    Other programs' graphs may name a repository otherwise; it is looked up anew then.
    """
    held: dict[str, GitReference] = {}
    for edge in previous.edges if previous is not None else ():
        url = previous.nodes[edge.child].source_url if previous is not None else ""
        if is_repository(url):
            with suppress(InputError, InvalidRequirement):
                asked = Requirement(edge.requirement).url or ""
                held[str(GitReference.parse(asked))] = GitReference.parse(url)
    return held


class Commits:
    """Finds commits, and makes releases of them. Safe from several threads."""

    def __init__(
        self, place: Place, repositories: Repositories, held: Mapping[str, GitReference]
    ) -> None:
        """Takes where the run takes place, and the commits to take for what was asked before."""
        self._place = place
        self._repositories = repositories
        self._held = held
        self._found: dict[str, GitReference] = {}
        self._provisional: set[Pin] = set()
        self._lock = Lock()
        self._states = States(repositories, place.shop.store, place.shop.sandbox)

    def at(self, reference: GitReference) -> GitReference:
        """The commit that a tag or branch stands for in this run.

        Raises:
            InputError: there is none.
            IndexUnreachableError: the repository cannot be had.
        """
        with self._lock:
            found = self._found.get(str(reference))
            if found is None:
                held = self._held.get(str(reference), reference)
                found = self._repositories.fetch(GitReference(held.url, held.ref, reference.login))
                self._found[str(reference)] = found
                self._place.notify(Noted(f"{reference}: commit {found.ref[:12]}"))
        return found

    def identity(self, commit: GitReference, project: NormalizedName | None) -> Identity:
        """What the files of a commit say of it.

        Args:
            commit: the state of a repository.
            project: what it is called, where that is known: its settings may name a folder.

        Raises:
            InputError: it cannot be unpacked, or what it says is not valid.
        """
        if project is None:
            return self._states.identity(commit)
        settings = self._place.overrides.in_force(project).settings
        return self._states.identity(commit, settings.build_dir)

    def release(self, pin: Pin, commit: GitReference) -> Candidate:
        """The release, with its archive in sdists-repo/downloads, as every other one's will be."""
        scratch = self._place.shop.scratch
        submodules = self._place.overrides.submodules(pin.name, pin.version)
        file = packed_file(pin, commit)
        packed = scratch / f"{commit.ref}-{file.filename}"
        with self._lock, full_disk():
            digest = self._repositories.archive(commit, top_folder(pin), packed, submodules)
            publish_copy(packed, self._place.settings.sdists_repo / "downloads" / file.filename)
            packed.unlink()
            if is_provisional(pin.version):
                self._provisional.add(pin)
        file = packed_file(pin, commit, digest)
        return Candidate(pin, file, (), SpecifierSet(), None, commit.url)

    def on_top_of(
        self, index: Index, releases: Mapping[NormalizedName, Candidate | None]
    ) -> IndexWithRepositories:
        """An index in which these projects have these releases alone."""
        submodules = self._place.overrides.submodules
        return IndexWithRepositories(index, self._repositories, releases, submodules)

    def tell_of_submodules(self, pin: Pin, commit: GitReference) -> None:
        """Warns where a source has parts that are not taken along."""
        wanted = self._place.overrides.submodules(pin.name, pin.version).are_wanted
        if not wanted and self._repositories.has_submodules(commit):
            text = f"{commit} has submodules, which are left out"
            hint = f"git_options.submodules in the settings of {pin.name} takes them along"
            self._place.notify(Noted(f"{text}: {hint}", warning=True))

    def forget_provisional(self) -> None:
        """Removes what lies under names that were only needed to ask for the real ones."""
        settings = self._place.settings
        for pin in self._provisional:
            name = top_folder(pin)
            for folder in ("downloads", "builds"):
                (settings.sdists_repo / folder / f"{name}.tar.gz").unlink(missing_ok=True)
            shutil.rmtree(settings.work_dir / name, ignore_errors=True)
        self._provisional.clear()


def pin_of(
    reference: GitReference,
    commit: GitReference,
    identity: Identity,
    named: NormalizedName | None,
) -> Pin:
    """What the source says of itself, else what whoever asks for it does.

    Raises:
        InputError: it says that it is another project, or nobody says anything.
    """
    if identity.name is not None:
        check_name(reference, identity.name, named)
    version = identity.version or reference.version
    name = identity.name or named
    if name is not None and version is not None:
        return Pin(name, version)
    return Pin(name or likely_name(commit), provisional_version(commit.ref))


def check_name(reference: GitReference, told: NormalizedName, named: NormalizedName | None) -> None:
    """Holds what a source says that it is to what was asked for.

    Raises:
        InputError: it is another project.
    """
    if named is not None and named != told:
        raise InputError(
            f"{reference} holds {told}, not {named}", hint=f"write {told} @ {reference}"
        )


def likely_name(commit: GitReference) -> NormalizedName:
    """What to call a project until its hook has told its name."""
    try:
        return canonicalize_name(commit.last_name, validate=True)
    except InvalidName as error:
        raise InputError(
            f"{commit} does not say what it is called", hint=f"write NAME @ {commit}"
        ) from error

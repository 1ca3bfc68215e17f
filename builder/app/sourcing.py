"""Where the sources of releases come from, as the settings of their packages say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from packaging.tags import Tag
from packaging.utils import NormalizedName

from builder.app.providers import page_of_state
from builder.app.settings import Settings
from builder.app.workshop import Notify
from builder.domain.builds import Failure, Phase
from builder.domain.digests import Digest
from builder.domain.events import Noted
from builder.domain.graph import DependencyGraph
from builder.domain.origins import AtAddress, AtState, Origin
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.domain.repositories import PREFIX, GitReference, is_repository
from builder.errors import DigestMismatchError, InputError, StorageError
from builder.fetch.naming import named_after
from builder.indexes.addresses import shown
from builder.indexes.elsewhere import Elsewhere
from builder.indexes.forges import tokens_of
from builder.indexes.git import GitRepositories
from builder.overrides.origins import repository
from builder.overrides.reading import Overrides
from builder.overrides.source_schema import Git, PypiDownload, PypiGit
from builder.ports import Repositories
from builder.prepare.identity import Identity
from builder.prepare.task import top_folder
from builder.resolve.available import Kinds, buildable
from builder.stores.files import FileStore

Identify = Callable[[GitReference], Identity]


def open_repositories(settings: Settings) -> Repositories:
    """The git repositories of the world, with what was fetched from them kept in the cache."""
    return GitRepositories(settings.cache / "git", settings.variables)


@dataclass(frozen=True)
class Known:
    """What a run knows of the sources that it may come upon.

    Attributes:
        previous: an earlier run's graph: what that was led to is held to.
        tags: of wheels that count as releases; None for those of every target.
        identify: says what a commit is; None where no container can be asked.
    """

    previous: DependencyGraph | None = None
    tags: frozenset[Tag] | None = None
    identify: Identify | None = None


class Sourcing:
    """Changes pages as settings say, and gets the sources that they name. Safe from threads."""

    def __init__(
        self, settings: Settings, overrides: Overrides, notify: Notify, known: Known | None = None
    ) -> None:
        self._overrides = overrides
        self._notify = notify
        self._known = known or Known()
        self._elsewhere = Elsewhere(tokens_of(settings.variables))
        self._repositories = open_repositories(settings)
        self._downloads = settings.sdists_repo / "downloads"
        self._seen = _Seen(FileStore(settings.cache / "store"), self._known.previous)
        self._settled: dict[RemoteFile, RemoteFile] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def page(self, page: ProjectPage | NoSuchProject) -> ProjectPage | NoSuchProject:
        """What an index says, with the releases that count, and where their sources are.

        Raises:
            InputError: a repository cannot be used.
            IndexUnreachableError: a repository cannot be had.
        """
        source = self._overrides.source(page.name)
        if isinstance(source, Git) and source.version is None:
            return self._state(page.name, source)
        if isinstance(page, NoSuchProject) or page.name not in self._overrides.packages:
            return page
        counted = buildable(page, kinds_of(self._overrides, page.name), self._known.tags)
        return replace(counted, candidates=tuple(map(self._led, counted.candidates)))

    def settled(
        self, candidate: Candidate, allowed: tuple[Digest, ...] = ()
    ) -> Candidate | Failure:
        """The same release with a source of which nothing is open: a digest, and a commit.

        Args:
            candidate: as a page has it, or a lock.
            allowed: what the user allows the source archive to be.

        Raises:
            BuilderError: the source cannot be had, or is not what it was before.
        """
        pin, file = candidate.pin, candidate.sdist
        reason = self._overrides.withheld(pin.name)
        if reason is not None:
            return Failure(pin, Phase.FETCH, reason)
        if file.filename.endswith(".whl"):
            return Failure(
                pin,
                Phase.FETCH,
                "is only known by its wheels, and nothing says where its source is",
                "name its source by download_source.url in its settings, or do without "
                "resolver_dist.include_wheels",
            )
        file = named_after(pin, file, self._overrides.archive_name(pin))
        if not (is_repository(file.url) and file.digest is None) and not candidate.by_settings:
            return replace(candidate, sdist=file)
        with self._alone(pin):
            found = self._settled.get(file)
            if found is None:
                found = self._settled[file] = self._fetched(pin, file, allowed)
        return replace(candidate, sdist=found)

    def _led(self, candidate: Candidate) -> Candidate:
        """A release of an index, led to where the settings say that its source is."""
        origin = self._overrides.origin(candidate.pin)
        if origin is None:
            return candidate
        told = _file(candidate, origin)
        if told.url == candidate.sdist.url:
            return candidate
        # What wheels of an index say was made of another source.
        return replace(candidate, sdist=told, wheels=(), by_settings=True)

    def _state(self, name: NormalizedName, source: Git) -> ProjectPage:
        """The one release that a state of a repository is, if it says which one."""
        reference = repository(source.clone_url, source.ref or "")
        version = reference.version
        if self._known.identify is not None:
            identity = self._known.identify(self._commit(None, reference))
            if identity.name not in (None, name):
                note = f"{reference} holds {identity.name}, not {name}"
                return ProjectPage(name, (), (note,))
            version = identity.version or version
        if version is None:
            note = f"{reference} does not say its version: add `version:` to the source of {name}"
            return ProjectPage(name, (), (note,))
        return page_of_state(Pin(name, version), str(reference), reference.url)

    def _fetched(self, pin: Pin, file: RemoteFile, allowed: tuple[Digest, ...]) -> RemoteFile:
        """With the archive in sdists-repo/downloads, where the next stage looks for it first."""
        target = self._downloads / file.filename
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"cannot write {target.parent}: {error.strerror}",
                hint="choose another folder with -O",
            ) from error
        if is_repository(file.url):
            return self._packed(pin, file, target)
        if file.digest is None and len(allowed) == 1:
            file = replace(file, digest=allowed[0])
        if file.digest is not None:
            self._elsewhere.fetch(file, target, lambda _count: None)
            self._seen.remember(file.url, file.digest)
            return file
        return self._on_first_use(pin, file, target, is_checked=bool(allowed))

    def _on_first_use(
        self, pin: Pin, file: RemoteFile, target: Path, *, is_checked: bool
    ) -> RemoteFile:
        """Nobody says what it must be: it has to stay what it was when it was first seen."""
        before = self._seen.at(file.url)
        if before is not None:
            file = replace(file, digest=before)
            try:
                self._elsewhere.fetch(file, target, lambda _count: None)
            except DigestMismatchError as error:
                raise DigestMismatchError(
                    f"{pin}: {shown(file.url)} is not the file that it was when it was first "
                    f"fetched: {before}",
                    hint=f"find out why it changed; {error.hint}; the sha256 that its settings "
                    "state wins over what was seen before",
                ) from error
            return file
        came = self._elsewhere.fetch(file, target, lambda _count: None)
        self._seen.remember(file.url, came)
        if not is_checked:
            text = (
                f"{pin}: nobody says what {shown(file.url)} must be: taken unchecked, and held "
                f"from now on to {came} (state it in its settings to have it checked everywhere)"
            )
            self._notify(Noted(text, warning=True))
        return replace(file, digest=came)

    def _packed(self, pin: Pin, file: RemoteFile, target: Path) -> RemoteFile:
        commit = self._commit(pin, GitReference.parse(file.url))
        submodules = self._overrides.submodules(pin.name, pin.version)
        top = top_folder(pin)
        name = f"packed {commit} {top} {submodules}"
        digest = self._seen.at(name)
        is_there = target.is_file() and not target.is_symlink()
        if digest is None or not is_there or Digest.of_file(target) != digest:
            digest = self._repositories.archive(commit, top, target, submodules)
            self._seen.remember(name, digest)
            if not submodules.are_wanted and self._repositories.has_submodules(commit):
                text = f"{commit} has submodules, which are left out: git_options.submodules in"
                self._notify(Noted(f"{text} the settings of {pin.name} takes them", warning=True))
        return replace(file, url=str(commit), digest=digest)

    def _commit(self, pin: Pin | None, reference: GitReference) -> GitReference:
        """The commit that a ref stands for, the one of an earlier graph where that has the same."""
        if reference.is_commit:
            return reference
        with self._alone(str(reference)):
            held = self._seen.commit(pin, reference)
            if held is None:
                held = self._repositories.fetch(reference)
                self._seen.commits[str(reference)] = held
                self._notify(Noted(f"{reference}: commit {held.ref[:12]}"))
        return held

    @contextmanager
    def _alone(self, what: object) -> Iterator[None]:
        with self._lock:
            lock = self._locks.setdefault(str(what), Lock())
        with lock:
            yield


class _Seen:
    """What was behind addresses before: in an earlier graph, else in any earlier run."""

    def __init__(self, store: FileStore, previous: DependencyGraph | None) -> None:
        self._store = store
        self._graph = previous.nodes if previous is not None else {}
        self._held = {
            node.source_url: node.source
            for node in self._graph.values()
            if node.source is not None and not node.pre_built
        }
        self.commits: dict[str, GitReference] = {}

    def at(self, url: str) -> Digest | None:
        if url in self._held:
            return self._held[url]
        recorded = self._store.result(_key(url))
        with suppress(ValueError):
            return None if recorded is None else Digest(recorded.decode("ascii"))
        return None

    def remember(self, url: str, digest: Digest) -> None:
        if self._store.result(_key(url)) != digest.sha256.encode():
            self._store.record(_key(url), digest.sha256.encode())

    def commit(self, pin: Pin | None, reference: GitReference) -> GitReference | None:
        node = self._graph.get(pin) if pin is not None else None
        if node is not None and node.source_url.startswith(f"{PREFIX}{reference.url}@"):
            with suppress(InputError):
                return GitReference.parse(node.source_url)
        return self.commits.get(str(reference))


def kinds_of(overrides: Overrides, name: NormalizedName) -> Kinds:
    """Which files make a release of a project count, if nothing else is asked for."""
    if isinstance(overrides.source(name), PypiDownload | PypiGit):
        return Kinds(sdists=True, wheels=True, any_platform=True)
    own = overrides.package(name).resolver_dist
    return Kinds(own.include_sdists, own.include_wheels, own.ignore_platform)


def with_origins(graph: DependencyGraph, overrides: Overrides) -> DependencyGraph:
    """A graph that tells which sources are where settings said, and not where an index did."""
    told = {
        pin: replace(node, by_settings=True)
        for pin, node in graph.nodes.items()
        if not node.pre_built and not is_repository(node.source_url) and overrides.leads(pin)
    }
    return replace(graph, nodes={**graph.nodes, **told})


def _file(candidate: Candidate, origin: Origin) -> RemoteFile:
    time, yanked = candidate.sdist.upload_time, candidate.sdist.yanked
    match origin:
        case AtAddress(url, digest):
            name = url.rpartition("/")[2]
            file = RemoteFile(name, url, digest, upload_time=time, yanked=yanked)
            return named_after(candidate.pin, file)
        case AtState(reference):
            name = f"{top_folder(candidate.pin)}.tar.gz"
            return RemoteFile(name, str(reference), None, upload_time=time, yanked=yanked)


def _key(url: str) -> Digest:
    return Digest.of_bytes(f"seen 1\n{url}".encode())

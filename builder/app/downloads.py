"""Downloads what a build order names, without building anything."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from builder.app.documents import read_place
from builder.app.overrides import read_without_plugins
from builder.app.settings import Settings
from builder.app.sourcing import Sourcing, open_repositories
from builder.app.target import target_if_known
from builder.app.workshop import Notify
from builder.app.world import full_disk
from builder.domain.builds import Failure
from builder.domain.events import Noted
from builder.domain.graph import GraphNode
from builder.domain.images import TargetPython
from builder.domain.releases import Candidate, NoSuchProject, ProjectPage, RemoteFile
from builder.domain.repositories import GitReference, Submodules, is_repository
from builder.errors import (
    BuilderError,
    DigestMismatchError,
    ImpossibleError,
    InputError,
    StorageError,
)
from builder.fetch.files import FetchedFile, fetch_file
from builder.indexes.addresses import file_at, without_credentials
from builder.indexes.elsewhere import AtAddresses, Elsewhere
from builder.indexes.forges import tokens_of
from builder.indexes.simple import SimpleIndex
from builder.indexes.with_repositories import IndexWithRepositories, packed_file
from builder.overrides.reading import Overrides
from builder.ports import Index, Repositories
from builder.prepare.task import top_folder
from builder.record.reading import read_build_order
from builder.resolve.wheel_choice import fitting_wheels


@dataclass(frozen=True)
class Downloads:
    """What is to be downloaded, and how.

    Attributes:
        include_wheels: wheels, too: those of pre-built entries, and whatever the index has.
        ignore_missing: whether a source that cannot be had is passed over.
    """

    include_wheels: bool = False
    ignore_missing: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Folders:
    """Where each kind of file goes."""

    sdists: Path
    wheels: Path
    prebuilt: Path


@dataclass(frozen=True)
class Downloaded:
    """How many files are there now, and how many of them came now."""

    there: int
    fetched: int


@dataclass(frozen=True)
class _Job:
    """A file to find and fetch; whether nothing else will do."""

    find: Callable[[], RemoteFile]
    folder: Path
    is_needed: bool


def download_sequence(
    settings: Settings, file: str, index_url: str, downloads: Downloads, notify: Notify
) -> Downloaded:
    """Downloads what a build-order.json names.

    Raises:
        DigestMismatchError: a file is not the promised one.
        BuilderError: a file that is needed cannot be had.
    """
    nodes = read_build_order(read_place(file), file)
    folders = Folders(
        settings.sdists_repo / "downloads",
        settings.wheels_repo / "downloads",
        settings.wheels_repo / "prebuilt",
    )
    target = target_if_known(settings, notify) if downloads.include_wheels else None
    wheel_servers = settings.wheel_server_urls or (index_url,)
    is_led = any(is_repository(node.source_url) or node.by_settings for node in nodes)
    overrides = read_without_plugins(settings) if is_led else Overrides(settings.variant)
    commits = _Commits(open_repositories(settings), overrides.submodules)
    sourcing = Sourcing(settings, overrides, notify)
    ways = Ways(commits.archive, partial(_led, sourcing))
    urls = frozenset(node.source_url for node in nodes if node.by_settings)
    with closing(SimpleIndex([index_url])) as usual, closing(SimpleIndex(wheel_servers)) as wheels:
        index = commits.on_top_of(usual)
        index = AtAddresses(index, Elsewhere(tokens_of(settings.variables)), urls)
        download = SequenceDownload(index, wheels, folders, target, notify, ways)
        return download.run(nodes, downloads)


class _Commits:
    """Packs the commits that a build order names."""

    def __init__(
        self,
        repositories: Repositories,
        submodules: Callable[[NormalizedName, Version], Submodules],
    ) -> None:
        self._repositories = repositories
        self._submodules = submodules

    def on_top_of(self, index: Index) -> Index:
        """An index that fetches commits, too."""
        return IndexWithRepositories(index, self._repositories, {}, self._submodules)

    def archive(self, node: GraphNode) -> RemoteFile:
        """The archive that a commit is; where the order has no digest, what comes of it now."""
        reference = GitReference.parse(node.source_url)
        if node.source is not None:
            return packed_file(node.pin, reference, node.source)
        commit = self._repositories.fetch(reference)
        submodules = self._submodules(node.pin.name, node.pin.version)
        with TemporaryDirectory(prefix="builder-") as folder, full_disk():
            packed, top = Path(folder) / "packed", top_folder(node.pin)
            digest = self._repositories.archive(commit, top, packed, submodules)
        return packed_file(node.pin, commit, digest)


def _led(sourcing: Sourcing, node: GraphNode) -> RemoteFile:
    """The archive at an address that settings gave; fetched already where nobody promised it."""
    file = file_at(without_credentials(node.source_url), node.source)
    candidate = Candidate(node.pin, file, (), SpecifierSet(), None, file.url)
    is_open = node.source is None
    found = sourcing.settled(replace(candidate, by_settings=is_open))
    if isinstance(found, Failure):
        raise ImpossibleError(f"{node.pin} {found.reason}", hint=found.hint)
    return found.sdist


def _none(node: GraphNode) -> RemoteFile:
    raise ImpossibleError(f"{node.pin} is in no index, and nothing else can be asked here")


@dataclass(frozen=True)
class Ways:
    """How sources are had that no index has; each gives a file that is known by its digest.

    Attributes:
        packed: the archive of a commit that an entry names.
        led: what is at an address that settings gave.
    """

    packed: Callable[[GraphNode], RemoteFile] = _none
    led: Callable[[GraphNode], RemoteFile] = _none


class SequenceDownload:
    """Downloads what the nodes of a build order name. A file is trusted by its digest alone."""

    def __init__(
        self,
        index: Index,
        wheels: Index,
        folders: Folders,
        target: TargetPython | None,
        notify: Notify,
        ways: Ways | None = None,
    ) -> None:
        """Takes whom to ask, and whom to tell.

        Args:
            index: of source archives.
            wheels: of finished wheels.
            folders: where the files go.
            target: what wheels must fit; without one, only those for any platform are taken.
            notify: is told of every file.
            ways: how sources are had that no index has.
        """
        self._ways = ways or Ways()
        self._index = index
        self._wheels = wheels
        self._folders = folders
        self._tags = None if target is None else target.tags
        self._notify = notify

    def run(self, nodes: Sequence[GraphNode], downloads: Downloads) -> Downloaded:
        """Downloads whatever can be had, and only then says what could not.

        Raises:
            DigestMismatchError: a file is not the promised one.
            BuilderError: a file that is needed cannot be had.
        """
        jobs = [job for node in nodes for job in self._jobs(node, downloads)]
        files: list[FetchedFile] = []
        errors: list[BuilderError] = []
        with ThreadPoolExecutor(downloads.threads) as pool:
            pending = {pool.submit(self._download, job): job for job in jobs}
            try:
                for future in as_completed(pending):
                    try:
                        files.append(future.result())
                    except BuilderError as error:
                        if self._ends_in_failure(error, pending[future]):
                            errors.append(error)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if errors:
            raise _together(errors)
        return Downloaded(len(files), sum(not file.reused for file in files))

    def _jobs(self, node: GraphNode, downloads: Downloads) -> Iterator[_Job]:
        if node.pre_built:
            if downloads.include_wheels:
                yield _Job(partial(self._prebuilt, node), self._folders.prebuilt, is_needed=True)
            else:
                self._notify(Noted(f"{node.pin}: passed over, its wheel is pre-built"))
            return
        find = self._ways.led if node.by_settings else self._sdist
        find = self._ways.packed if is_repository(node.source_url) else find
        is_needed = not downloads.ignore_missing
        yield _Job(partial(find, node), self._folders.sdists, is_needed)
        if downloads.include_wheels:
            yield _Job(partial(self._wheel, node), self._folders.wheels, is_needed=False)

    def _download(self, job: _Job) -> FetchedFile:
        file = job.find()
        if file.digest is None:
            message = f"neither the build order nor the index has a sha256 for {file.filename}"
            raise InputError(message, hint="make the build order anew, or name another index")
        fetched = fetch_file(self._index_of(job), file, file.digest, job.folder)
        how = "was there" if fetched.reused else "fetched"
        self._notify(Noted(f"{file.filename}: {how}"))
        return fetched

    def _index_of(self, job: _Job) -> Index:
        return self._wheels if job.folder == self._folders.wheels else self._index

    def _ends_in_failure(self, error: BuilderError, job: _Job) -> bool:
        """Whether an error counts; what may be missing is only told."""
        if job.is_needed or isinstance(error, DigestMismatchError | StorageError):
            return True
        self._notify(Noted(f"passed over: {error.message}", warning=True))
        return False

    def _sdist(self, node: GraphNode) -> RemoteFile:
        """What the order names, with the digest that the index promises where it has none."""
        if node.source_url and node.source is not None:
            return file_at(without_credentials(node.source_url), node.source)
        page = self._page(self._index, node)
        of_index = next((it.sdist for it in page.candidates if it.pin == node.pin), None)
        if node.source_url:
            named = file_at(without_credentials(node.source_url), None)
            same = of_index is not None and of_index.filename == named.filename
            return replace(named, digest=of_index.digest) if of_index and same else named
        if of_index is None:
            raise ImpossibleError(f"the index has no source archive of {node.pin}")
        return replace(of_index, digest=node.source or of_index.digest)

    def _prebuilt(self, node: GraphNode) -> RemoteFile:
        file = file_at(without_credentials(node.source_url), node.source)
        if file.digest is not None:
            return file
        known = self._page(self._index, node).wheels.get(node.pin.version, ())
        promised = next((it.digest for it in known if it.filename == file.filename), None)
        return replace(file, digest=promised)

    def _wheel(self, node: GraphNode) -> RemoteFile:
        """The very wheel that the order knows, else the best one."""
        files = self._page(self._wheels, node).wheels.get(node.pin.version, ())
        if node.wheel is not None:
            return _locked(node, files)
        fitting = fitting_wheels(files, self._tags)
        if self._tags is None:
            fitting = tuple(it for it in fitting if it.filename.endswith("-none-any.whl"))
        trusted = next((it for it in fitting if it.digest is not None), None)
        if trusted is None:
            raise ImpossibleError(f"no wheel of {node.pin} with a sha256 fits the target")
        return trusted

    def _page(self, index: Index, node: GraphNode) -> ProjectPage:
        page = index.project(node.pin.name)
        if isinstance(page, NoSuchProject):
            asked = ", ".join(page.asked)
            raise ImpossibleError(f"no index knows {node.pin.name} (asked: {asked})")
        return page


def _locked(node: GraphNode, files: Sequence[RemoteFile]) -> RemoteFile:
    for file in files:
        if file.digest == node.wheel:
            return file
    if any(file.filename == node.wheel_filename for file in files):
        raise DigestMismatchError(
            f"the server's {node.wheel_filename} is not the wheel that the order knows",
            hint=f"the order says {node.wheel}: find out which of the two is right",
        )
    raise ImpossibleError(f"the server has no wheel of {node.pin} with {node.wheel}")


def _together(errors: Sequence[BuilderError]) -> BuilderError:
    """One error for all; its kind is that of the gravest."""
    errors = sorted(errors, key=lambda it: it.message)
    gravest = next((it for it in errors if isinstance(it, DigestMismatchError)), errors[0])
    lines = sorted({it.message for it in errors} - {gravest.message})
    return type(gravest)("\n".join([gravest.message, *lines]), hint=gravest.hint)

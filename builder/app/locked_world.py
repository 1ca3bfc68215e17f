"""The effects of a build from a lock: nothing is chosen, everything is held to the lock."""

from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.app.sourcing import open_repositories
from builder.app.world import AS_SEED, Place, World, full_disk
from builder.domain.builds import Failure, Phase, Wheel
from builder.domain.digests import Digest
from builder.domain.graph import EnvironmentPart, GraphNode
from builder.domain.origins import AtAddress
from builder.domain.releases import Candidate, NoSuchProject, Pin, RemoteFile
from builder.domain.repositories import GitReference, is_repository
from builder.domain.sources import SourceTree
from builder.errors import DigestMismatchError
from builder.indexes.addresses import file_at
from builder.indexes.with_repositories import IndexWithRepositories, packed_file
from builder.prepare.task import top_folder
from builder.workflows.packages import ForeignWheel, Package

FOLDERS = ("downloads", "prebuilt")


class LockedWorld(World):
    """What a build from a lock asks for, beside what every run asks for."""

    def __init__(self, place: Place, *, force: bool) -> None:
        repositories = open_repositories(place.settings)
        index = IndexWithRepositories(place.index, repositories, {}, place.overrides.submodules)
        super().__init__(replace(place, index=index))
        self._repositories = repositories
        self._submodules = place.overrides.submodules
        self._scratch = place.shop.scratch
        self._force = force

    def locked_source(self, node: GraphNode) -> SourceTree | Failure:
        """The source that a node names, by its digest; the index's where the lock has none."""
        if not node.source_url:
            return Failure(node.pin, Phase.FETCH, "the lock names no source for it")
        if is_repository(node.source_url):
            file = self._packed(node)
        else:
            file = file_at(node.source_url, node.source)
        by_settings = node.by_settings
        if file.digest is None:
            origin = self._overrides.origin(node.pin)
            by_settings = isinstance(origin, AtAddress) and origin.url == file.url
            if not by_settings:
                promised = self._promised(node.pin, file)
                if isinstance(promised, Failure):
                    return promised
                file = promised
            elif isinstance(origin, AtAddress):
                file = replace(file, digest=origin.digest)
        where = file.url
        found = Candidate(node.pin, file, (), SpecifierSet(), None, where, by_settings)
        found = replace(found, rebuilt=node.rebuilt)
        return self.source(found) if node.source is None else self.source_of(found)

    def _packed(self, node: GraphNode) -> RemoteFile:
        """A commit as an archive; without a digest in the lock, whatever its repository has."""
        reference = GitReference.parse(node.source_url)
        if node.source is not None:
            return packed_file(node.pin, reference, node.source)
        commit = self._repositories.fetch(reference)
        packed = self._scratch / packed_file(node.pin, commit).filename
        with full_disk():
            try:
                submodules = self._submodules(node.pin.name, node.pin.version)
                top = top_folder(node.pin)
                digest = self._repositories.archive(commit, top, packed, submodules)
            finally:
                packed.unlink(missing_ok=True)
        return packed_file(node.pin, commit, digest)

    def finished(self, node: GraphNode) -> Package | Failure | None:
        """The wheel of the lock from wheels-repo, else from a wheel server.

        Raises:
            DigestMismatchError: it is there with other bytes than the lock says.
        """
        if self._force:
            return None
        found = self._in_wheels_repo(node)
        if found is None and not _is_any_commit(node):
            cached = self.cached(node.pin, node.wheel_filename, node.wheel)
            found = cached.wheel if isinstance(cached, ForeignWheel) else cached
        if found is None or isinstance(found, Failure):
            return found
        self.reused(node.pin)
        return Package(node.pin, node.source_url, node.source, node.recipe, (), found)

    def offered(self, _name: NormalizedName) -> tuple[GraphNode, ...]:
        """Nothing: a lock is built from alone."""
        return ()

    def locked_wheel(self, pin: Pin, node: GraphNode) -> ForeignWheel | Failure:
        """A pre-built wheel, by its digest where the lock has one."""
        here = self._pre_built_here(pin, node)
        if here is not None:
            return here
        if node.source is not None:
            return self.foreign_file(pin, node.source_url, node.source)
        return self.foreign(pin, "as the pre-built wheel that the lock names")

    def locked_seed(self, part: EnvironmentPart) -> ForeignWheel | Failure:
        """The very seed that the lock was made with, from wheels-repo, else from the index."""
        here = self._seed_here(part)
        if here is not None:
            return here
        found = self.foreign(part.pin, AS_SEED)
        if isinstance(found, ForeignWheel) and part.source not in (None, found.file.digest):
            raise DigestMismatchError(
                f"the index's wheel of {part.pin} is not the seed of the lock ({part.source})",
                hint="find out who changed it, or make the lock anew",
            )
        if isinstance(found, ForeignWheel):
            self.keep_seed(found)
        return found

    def _seed_here(self, part: EnvironmentPart) -> ForeignWheel | Failure | None:
        with full_disk():
            for path in self._wheels.seeds(part.pin):
                if Digest.of_file(path) == part.source:
                    wheel = self._foreign.of_folder(part.pin, path, 0)
                    file = file_at(path.absolute().as_uri(), part.source)
                    return wheel if isinstance(wheel, Failure) else ForeignWheel(file, wheel)
        return None

    def _in_wheels_repo(self, node: GraphNode) -> Wheel | Failure | None:
        """Only with a digest: without one, nobody can tell what a file there is."""
        paths = [self._settings.wheels_repo / f / node.wheel_filename for f in FOLDERS]
        path = next((it for it in paths if it.is_file() and not it.is_symlink()), None)
        if node.wheel is None or path is None:
            return None
        with full_disk():
            if Digest.of_file(path) != node.wheel:
                raise DigestMismatchError(
                    f"{path} is not the wheel that the lock knows ({node.wheel})",
                    hint="find out who changed it; remove it, or build anew with --force",
                )
            number = self._overrides.build_tag(node.pin)
            wheel = self._foreign.of_folder(node.pin, path, number)
        return wheel if isinstance(wheel, Failure) else self._customization.wheel(wheel)

    def _pre_built_here(self, pin: Pin, node: GraphNode) -> ForeignWheel | Failure | None:
        """The very file, from wheels-repo: so that nothing is fetched twice."""
        file = file_at(node.source_url, node.source)
        path = self._settings.wheels_repo / "prebuilt" / file.filename
        if path.is_symlink() or not path.is_file() or file.digest is None:
            return None
        with full_disk():
            if Digest.of_file(path) != file.digest:
                return None
            wheel = self._foreign.of_folder(pin, path, 0)
        return wheel if isinstance(wheel, Failure) else ForeignWheel(file, wheel)

    def _promised(self, pin: Pin, file: RemoteFile) -> RemoteFile | Failure:
        """The same file with the digest that the index promises."""
        page = self._index.project(pin.name)
        if not isinstance(page, NoSuchProject):
            for candidate in page.candidates:
                if candidate.pin == pin and candidate.sdist.filename == file.filename:
                    return replace(file, digest=candidate.sdist.digest)
        return Failure(
            pin,
            Phase.FETCH,
            f"neither the lock nor the index has a digest for {file.filename}",
            "make the lock anew, or name the index that has this file with --index-url",
        )


def _is_any_commit(node: GraphNode) -> bool:
    """Whether nobody can tell if a wheel of that name and version was built from its source."""
    return is_repository(node.source_url) and node.wheel is None

"""An index in which some projects have one release, a commit of a git repository."""

from collections.abc import Callable, Mapping
from pathlib import Path

from packaging.utils import NormalizedName, parse_sdist_filename
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.domain.repositories import NO_SUBMODULES, GitReference, Submodules, is_repository
from builder.errors import DigestMismatchError
from builder.ports import Index, Repositories

_ENDING = ".tar.gz"


def packed_file(pin: Pin, commit: GitReference, digest: Digest | None = None) -> RemoteFile:
    """A commit as a release's source archive, named as an index would name it."""
    return RemoteFile(f"{pin.name.replace('-', '_')}-{pin.version}{_ENDING}", str(commit), digest)


def _none(_project: NormalizedName, _version: Version) -> Submodules:
    return NO_SUBMODULES


class IndexWithRepositories:
    """The Index port. Any commit can be fetched from it: a lock names those it was made with."""

    def __init__(
        self,
        usual: Index,
        repositories: Repositories,
        releases: Mapping[NormalizedName, Candidate | None],
        submodules: Callable[[NormalizedName, Version], Submodules] = _none,
    ) -> None:
        """Takes what is told of projects, instead of what an index says.

        Args:
            usual: is asked for every other project.
            repositories: where commits come from.
            releases: by project, its one release; None where nobody can tell it yet.
            submodules: which of them belong to a release's source.
        """
        self._usual = usual
        self._repositories = repositories
        self._releases = releases
        self._submodules = submodules

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """As the port says."""
        if name not in self._releases:
            return self._usual.project(name)
        release = self._releases[name]
        if release is not None:
            return ProjectPage(name, (release,))
        note = f"the version of the repository of {name} is not known yet; name it by a tag"
        return ProjectPage(name, (), (note,))

    def metadata(self, file: RemoteFile) -> bytes:
        """As the port says."""
        return self._usual.metadata(file)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says; a commit is packed below the name of the file."""
        if not is_repository(file.url):
            return self._usual.fetch(file, target, progress)
        reference = GitReference.parse(file.url)
        name, version = parse_sdist_filename(file.filename)
        top = file.filename.removesuffix(_ENDING)
        digest = self._repositories.archive(reference, top, target, self._submodules(name, version))
        if file.digest is not None and digest != file.digest:
            target.unlink()
            raise DigestMismatchError(
                f"{file.filename}, packed from {reference}, is not the promised file",
                hint=f"promised {file.digest}, came {digest}; if the commit is the same, another "
                "git or zlib packed it: bring the archive along in sdists-repo/downloads",
            )
        return digest

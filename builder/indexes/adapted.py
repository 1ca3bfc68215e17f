"""An index whose pages are seen through somebody else's eyes."""

from collections.abc import Callable
from pathlib import Path

from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.ports import Index


class AdaptedIndex:
    """The Index port; every page goes through a function before anybody sees it."""

    def __init__(
        self,
        usual: Index,
        adapt: Callable[[ProjectPage | NoSuchProject], ProjectPage | NoSuchProject],
    ) -> None:
        self._usual = usual
        self._adapt = adapt

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """As the port says."""
        return self._adapt(self._usual.project(name))

    def metadata(self, file: RemoteFile) -> bytes:
        """As the port says."""
        return self._usual.metadata(file)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says."""
        return self._usual.fetch(file, target, progress)

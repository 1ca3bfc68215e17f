"""One index for most projects, and others for those that the user keeps elsewhere."""

from collections.abc import Callable, Mapping
from pathlib import Path

from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.ports import Index


class RoutedIndex:
    """The Index port; a project with an index of its own is asked for there and nowhere else."""

    def __init__(self, usual: Index, own: Mapping[NormalizedName, Index]) -> None:
        self._usual = usual
        self._own = own
        self._from_own: dict[str, Index] = {}

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """As the port says."""
        index = self._own.get(name)
        if index is None:
            return self._usual.project(name)
        page = index.project(name)
        if isinstance(page, ProjectPage):
            files = [candidate.sdist for candidate in page.candidates]
            files.extend(file for wheels in page.wheels.values() for file in wheels)
            self._from_own.update({file.url: index for file in files})
        return page

    def metadata(self, file: RemoteFile) -> bytes:
        """As the port says."""
        return self._from_own.get(file.url, self._usual).metadata(file)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says."""
        return self._from_own.get(file.url, self._usual).fetch(file, target, progress)

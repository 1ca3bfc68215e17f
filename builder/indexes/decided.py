"""An index of one project, whose releases the operator's own code decides."""

from collections.abc import Callable
from pathlib import Path

from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.indexes.elsewhere import Elsewhere
from builder.ports import Index

Page = ProjectPage | NoSuchProject
Decide = Callable[[NormalizedName, Callable[[], Page]], Page]
"""The page of a project, from its name and a way to ask for the one that there would be."""


class DecidedIndex:
    """The Index port. What the usual index has comes from there, everything else from its URL."""

    def __init__(self, usual: Index, decide: Decide, elsewhere: Elsewhere) -> None:
        self._usual = usual
        self._decide = decide
        self._elsewhere = elsewhere
        self._known: set[str] = set()

    def project(self, name: NormalizedName) -> Page:
        """As the port says."""
        return self._decide(name, lambda: self._asked(name))

    def metadata(self, file: RemoteFile) -> bytes:
        """As the port says."""
        return self._usual.metadata(file)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says."""
        source = self._usual if file.url in self._known else self._elsewhere
        return source.fetch(file, target, progress)

    def _asked(self, name: NormalizedName) -> Page:
        page = self._usual.project(name)
        if isinstance(page, ProjectPage):
            self._known |= {candidate.sdist.url for candidate in page.candidates}
            self._known |= {file.url for files in page.wheels.values() for file in files}
        return page

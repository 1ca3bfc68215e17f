"""An index of one project, whose releases something else than an index tells."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Lock

from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import ProjectPage, RemoteFile
from builder.errors import InputError
from builder.indexes.elsewhere import Elsewhere

Tell = Callable[[NormalizedName], ProjectPage]


class ToldIndex:
    """The Index port. Asks once in its life. Safe from several threads."""

    def __init__(self, tell: Tell, elsewhere: Elsewhere) -> None:
        self._tell = tell
        self._elsewhere = elsewhere
        self._lock = Lock()
        self._told: Future[ProjectPage] | None = None

    def project(self, name: NormalizedName) -> ProjectPage:
        """As the port says."""
        with self._lock:
            told, is_first = self._told or Future(), self._told is None
            self._told = told
        if is_first:
            try:
                told.set_result(self._tell(name))
            except BaseException as error:
                with self._lock:
                    self._told = None
                told.set_exception(error)
                raise
        return told.result()

    def metadata(self, file: RemoteFile) -> bytes:
        """Nobody has it apart from the source."""
        raise InputError(f"there is no metadata for {file.filename} apart from its source")

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says."""
        return self._elsewhere.fetch(file, target, progress)

"""Files at addresses that the user named, apart from every index."""

import time
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.errors import InputError
from builder.indexes.addresses import is_of_this_machine, shown
from builder.indexes.download import download, download_unpromised
from builder.indexes.transport import Answer, Limits, Token, Transport, check_status
from builder.ports import Index


class Elsewhere:
    """Speaks HTTP with whoever the settings name. Safe from several threads."""

    def __init__(
        self,
        tokens: Sequence[Token] = (),
        *,
        limits: Limits | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes the tokens of those hosts that know the user by one."""
        self._limits = limits or Limits()
        self._transport = Transport((), self._limits, sleep, tokens)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """Downloads a file, and says what came; it must be the promised one where there is one.

        Raises:
            DigestMismatchError: other bytes came.
            InputError: anybody on the way could put other bytes in their place.
            IndexUnreachableError: the file could not be had.
            StorageError: the disk does not take it.
        """
        if file.digest is not None:
            download(self._transport, file, file.digest, target, progress, self._limits)
            return file.digest
        parts = urlsplit(file.url)
        if parts.scheme == "http" and not is_of_this_machine(parts.hostname or ""):
            raise InputError(
                f"{shown(file.url)} would come in the clear, and nobody says what it must be",
                hint="use https, or state its sha256 in download_source.sha256",
            )
        fresh = replace(file, digest=None)
        return download_unpromised(self._transport, fresh, target, progress, self._limits)

    def document(self, url: str, accept: str) -> Answer:
        """A whole answer; an error of the server is one here.

        Raises:
            IndexUnreachableError: there is none.
        """
        answer = self._transport.read(url, accept, self._limits.page_bytes)
        check_status(url, answer.status)
        return answer

    def close(self) -> None:
        self._transport.close()


class AtAddresses:
    """The Index port; files at some addresses are none of an index's business."""

    def __init__(self, usual: Index, elsewhere: Elsewhere, urls: Container[str]) -> None:
        self._usual = usual
        self._elsewhere = elsewhere
        self._urls = urls

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """As the port says."""
        return self._usual.project(name)

    def metadata(self, file: RemoteFile) -> bytes:
        """As the port says."""
        return self._usual.metadata(file)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says."""
        if file.url in self._urls:
            return self._elsewhere.fetch(file, target, progress)
        return self._usual.fetch(file, target, progress)

"""Downloads that survive interruptions."""

from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from builder.domain.digests import Digest
from builder.domain.releases import RemoteFile
from builder.errors import DigestMismatchError, IndexUnreachableError, StorageError
from builder.indexes.addresses import path_of, shown
from builder.indexes.part import Part
from builder.indexes.transport import BrokenBodyError, Limits, Transport, check_status

_CHUNK = 1 << 18
_MOST_REQUESTS = 50
_WORTH_A_TRY = 1 << 16
_HINT = "try again: what came so far is kept, and the download resumes"


def download(
    transport: Transport,
    file: RemoteFile,
    expected: Digest,
    target: Path,
    progress: Callable[[int], None],
    limits: Limits,
) -> None:
    """Fetches a file into `target`, which appears whole and verified or not at all.

    Raises:
        DigestMismatchError: other bytes came.
        IndexUnreachableError: not all of them came.
        StorageError: the disk does not take them.
    """
    filling = _Filling(transport, file, limits, progress)
    with Part.beside(target) as part:
        if target.exists() and Digest.of_file(target) == expected:
            part.discard()
            return
        if part.digest != expected:
            inherited = part.was_there
            filling.run(part)
            if part.digest != expected and inherited and part.was_there:
                part.restart()
                filling.run(part)
        if part.digest != expected:
            part.discard()
            raise mismatch(file, expected, part.digest)
        part.finish(target)


def download_unpromised(
    transport: Transport,
    file: RemoteFile,
    target: Path,
    progress: Callable[[int], None],
    limits: Limits,
) -> Digest:
    """Fetches a file of which nobody said what it must be, and says what it is.

    What an earlier process left of it does not count, and what came of it is only gone on with
    where the server says that it is still the same.

    Raises:
        IndexUnreachableError: not all of it came.
        StorageError: the disk does not take it.
    """
    with Part.beside(target) as part:
        part.restart()
        _Filling(transport, file, limits, progress, is_promised=False).run(part)
        digest = part.digest
        part.finish(target)
        return digest


def mismatch(file: RemoteFile, expected: Digest, came: Digest) -> DigestMismatchError:
    """The error for a file that is not the promised one."""
    message = f"{file.filename} from {shown(file.url)} is not the promised file"
    hint = (
        f"promised {expected}, came {came}; a mirror or a proxy may serve a damaged or replaced "
        "file: compare with another source before trusting either digest"
    )
    return DigestMismatchError(message, hint=hint)


class _Filling:
    """Asks for the missing bytes until none is missing."""

    def __init__(
        self,
        transport: Transport,
        file: RemoteFile,
        limits: Limits,
        progress: Callable[[int], None],
        *,
        is_promised: bool = True,
    ) -> None:
        self._is_promised = is_promised
        self._transport = transport
        self._file = file
        self._limits = limits
        self._progress = progress
        self._validator = ""

    def run(self, part: Part) -> None:
        if self._file.url.startswith("file:"):
            self._copy(part)
            return
        fruitless = 0
        reason = ""
        for _ in range(_MOST_REQUESTS):
            size = part.size
            try:
                self._ask(part)
            except BrokenBodyError as error:
                reason = str(error)
                fruitless = 0 if part.size >= size + _WORTH_A_TRY else fruitless + 1
                if fruitless > self._limits.retries:
                    break
                self._transport.pause(fruitless + 1)
            else:
                return
        message = f"{shown(self._file.url)}: the download broke off too often: {reason}"
        raise IndexUnreachableError(message, hint=_HINT)

    def _ask(self, part: Part) -> None:
        headers = {"Accept-Encoding": "identity"}
        if part.size and not self._is_promised and not self._validator:
            part.restart()
        if part.size:
            headers["Range"] = f"bytes={part.size}-"
            if self._validator:
                headers["If-Range"] = self._validator
        with self._transport.get(self._file.url, headers) as response:
            self._agree_on_start(response, part)
            self._validator = _validator(response)
            for chunk in _raw(response):
                self._take(chunk, part)

    def _agree_on_start(self, response: requests.Response, part: Part) -> None:
        """Makes the part end where the answer begins."""
        if part.size and response.status_code == 416:
            part.restart()
            raise BrokenBodyError("the index has fewer bytes than came before")
        check_status(self._file.url, response.status_code)
        if response.status_code == 206:
            start = response.headers.get("Content-Range", "").partition("-")[0]
            if start.replace(" ", "") != f"bytes{part.size}":
                part.restart()
                raise BrokenBodyError("the index answered with another range than asked for")
        elif part.size:
            part.restart()

    def _copy(self, part: Part) -> None:
        part.restart()
        path = path_of(self._file.url)
        try:
            with path.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    self._take(chunk, part)
        except OSError as error:
            message = f"{path} could not be read: {error.strerror}"
            raise IndexUnreachableError(message, hint="repair the folder of the index") from None

    def _take(self, chunk: bytes, part: Part) -> None:
        if part.size + len(chunk) > self._limits.file_bytes:
            part.discard()
            message = f"{shown(self._file.url)} is longer than {self._limits.file_bytes:,} bytes"
            raise StorageError(message, hint="no source archive is that large; check the index")
        part.append(chunk)
        self._progress(len(chunk))


def _raw(response: requests.Response) -> Iterator[bytes]:
    """The bytes as sent: some servers label a .tar.gz as a compressed .tar.

    They come as they arrive, so that none is lost when the next ones do not.
    """
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            yield chunk
    except (requests.RequestException, HTTPError) as error:
        raise BrokenBodyError(shown(str(error))) from None


def _validator(response: requests.Response) -> str:
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return str(etag)
    return str(response.headers.get("Last-Modified", ""))

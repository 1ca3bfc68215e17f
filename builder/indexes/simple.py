"""Package indexes that speak the simple API, over HTTPS or as a tree of files."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Lock

from packaging.utils import NormalizedName
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.errors import IndexUnreachableError, InputError
from builder.indexes.addresses import IndexAddress, refusal, shown, with_path_suffix
from builder.indexes.download import download, mismatch
from builder.indexes.listing import list_releases
from builder.indexes.local import read_local
from builder.indexes.pages import Link, PageError, read_html, read_json
from builder.indexes.transport import Answer, Limits, Transport, check_status

DEFAULT_INDEX_URL = PYPI_SIMPLE_ENDPOINT
"""What is asked when the user names no index."""

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
_ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.01"


class SimpleIndex:
    """The Index port over PEP 503, 691, 592 and 658. Safe from several threads.

    The first index in order that knows a project serves it alone: a release from a later index
    never competes with one of an earlier, so that nobody can shadow a private project.
    """

    def __init__(
        self,
        index_urls: Sequence[str] = (),
        *,
        limits: Limits | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes indexes in order of preference; the default one where none is named.

        Raises:
            InputError: one is not the URL of an index.
        """
        self._limits = limits or Limits()
        self._indexes = [IndexAddress.parse(it) for it in index_urls or (DEFAULT_INDEX_URL,)]
        self._transport = Transport(self._indexes, self._limits, sleep)
        self._pages: dict[NormalizedName, Future[ProjectPage | NoSuchProject]] = {}
        self._lock = Lock()

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """As the port says; releases come newest first."""
        with self._lock:
            known = self._pages.get(name)
            page = self._pages.setdefault(name, Future())
        if known is not None:
            return known.result()
        try:
            page.set_result(self._ask(name))
        except BaseException as error:
            with self._lock:
                del self._pages[name]
            page.set_exception(error)
            raise
        return page.result()

    def metadata(self, file: RemoteFile) -> bytes:
        """As the port says; the file must be one with a metadata digest.

        Raises:
            InputError: the index gives no metadata, or no digest for it.
        """
        if file.metadata_digest is None:
            raise InputError(f"the index promises no metadata for {file.filename}")
        url = with_path_suffix(file.url, ".metadata")
        answer = self._read(self._checked(url), "*/*", self._limits.metadata_bytes)
        check_status(url, answer.status)
        came = Digest.of_bytes(answer.body)
        if came != file.metadata_digest:
            raise mismatch(
                RemoteFile(f"{file.filename}.metadata", url, None), file.metadata_digest, came
            )
        return answer.body

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """As the port says; a file without a digest is refused.

        Raises:
            InputError: nobody says what the bytes should be, or the URL may not be followed.
        """
        if file.digest is None:
            message = f"the index gives no sha256 for {file.filename}, so it cannot be trusted"
            hint = "use an index that gives one, or add --hash=sha256:… to the requirement"
            raise InputError(message, hint=hint)
        self._checked(file.url)
        download(self._transport, file, file.digest, target, progress, self._limits)
        return file.digest

    def close(self) -> None:
        self._transport.close()

    def _ask(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        for index in self._indexes:
            url = f"{index.url}{name}/"
            answer = self._read(url, _ACCEPT, self._limits.page_bytes)
            if answer.status == 404:
                continue
            check_status(url, answer.status)
            try:
                return list_releases(
                    name,
                    self._links(answer),
                    index.url,
                    partial(refusal, index.url),
                )
            except PageError as error:
                hint = "is this the URL of a package index?"
                raise IndexUnreachableError(f"{shown(url)}: {error}", hint=hint) from None
        return NoSuchProject(name, tuple(it.url for it in self._indexes))

    def _links(self, answer: Answer) -> Iterator[Link]:
        if answer.content_type == _JSON:
            return read_json(answer.body, answer.url, self._limits.page_files)
        if answer.content_type in _HTML:
            return read_html(answer.body, answer.url, self._limits.page_files)
        raise PageError(f"the answer is of type {answer.content_type!r}, neither HTML nor JSON")

    def _read(self, url: str, accept: str, most: int) -> Answer:
        if url.startswith("file:"):
            return read_local(url, most)
        return self._transport.read(url, accept, most)

    def _checked(self, url: str) -> str:
        reasons = [refusal(it.url, url) for it in self._indexes]
        if all(reasons):
            message = f"{shown(url)} may not be fetched: {reasons[0]}"
            raise InputError(message, hint="use an index whose links stay on https")
        return url

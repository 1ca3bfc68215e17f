"""A package index on the loopback, real HTTP, that can be told to misbehave."""

import base64
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Literal
from urllib.parse import quote, urlsplit

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Status:
    """Answers with an error."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """Promises the whole body, of another version where it has an ETag, then hangs up."""

    after: int
    etag: str = ""


@dataclass(frozen=True)
class Stall:
    """Begins to answer, and goes to sleep."""

    seconds: float


@dataclass(frozen=True)
class Redirect:
    """Sends elsewhere."""

    location: str
    code: int = 302


@dataclass(frozen=True)
class Other:
    """Answers with something else."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    code: int = 200


Fault = Status | Cut | Stall | Redirect | Other


@dataclass(frozen=True)
class PublishedFile:
    """A file of a project, and what its page says of it."""

    filename: str
    content: bytes
    sha256: str | None
    requires_python: str | None
    yanked: str | None
    metadata: bytes | None
    url: str
    upload_time: str


@dataclass(frozen=True)
class SeenRequest:
    """What a client asked for."""

    path: str
    headers: Mapping[str, str]


class IndexServer:
    """Serves what is published to it, under `/simple/` and `/files/`.

    Attributes:
        style: how project pages are written.
        login: user and password that every request must bring; None for none.
        honours_ranges: whether parts of files are served.
        etag: of every file; empty for none.
        faults: by path, each used up by one request.
        seen: every request, in order.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.style: Literal["html", "json", "old-html"] = "html"
        self.login: tuple[str, str] | None = None
        self.honours_ranges = True
        self.etag = '"1"'
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self.seen: list[SeenRequest] = []
        self._projects: dict[str, list[PublishedFile]] = {}
        self._lock = Lock()

    @property
    def url(self) -> str:
        """The index; `127.0.0.1` is always its host."""
        return f"http://127.0.0.1:{self.port}/simple/"

    def publish(
        self,
        project: str,
        filename: str,
        content: bytes = b"",
        *,
        sha256: str | None = "right",
        requires_python: str | None = None,
        yanked: str | None = None,
        metadata: bytes | None = None,
        url: str = "",
        upload_time: str = "",
    ) -> PublishedFile:
        """Adds a file, whose name must be in the project's canonical folder.

        Only JSON pages say when it was uploaded.
        """
        right = hashlib.sha256(content).hexdigest()
        file = PublishedFile(
            filename,
            content,
            right if sha256 == "right" else sha256,
            requires_python,
            yanked,
            metadata,
            url or f"../../files/{quote(filename)}",
            upload_time,
        )
        self._projects.setdefault(project, []).append(file)
        return file

    def add_project(self, project: str) -> None:
        """Makes a page without files."""
        self._projects.setdefault(project, [])

    def paths(self) -> list[str]:
        """Every path that was asked for, in order."""
        return [it.path for it in self.seen]

    def fault(self, path: str) -> Fault | None:
        """Uses up the next fault of a path."""
        with self._lock:
            return self.faults[path].pop(0) if self.faults[path] else None

    def allows(self, authorization: str) -> bool:
        if self.login is None:
            return True
        expected = base64.b64encode(":".join(self.login).encode()).decode()
        return authorization == f"Basic {expected}"

    def content(self, path: str) -> tuple[str, bytes] | None:
        """The type and bytes behind a path."""
        folder, _, name = path.strip("/").partition("/")
        if folder == "simple" and name in self._projects:
            return self._page(name)
        for file in (it for files in self._projects.values() for it in files):
            if folder == "files" and name == quote(file.filename):
                return "application/octet-stream", file.content
            if folder == "files" and name == quote(file.filename) + ".metadata":
                return "application/octet-stream", file.metadata or b""
        return None

    def _page(self, project: str) -> tuple[str, bytes]:
        files = self._projects[project]
        if self.style == "json":
            page = {
                "meta": {"api-version": "1.4"},
                "name": project,
                "files": [_as_json(it) for it in files],
            }
            return JSON, json.dumps(page).encode()
        old = self.style == "old-html"
        anchors = "".join(_as_anchor(it, old=old) for it in files)
        return "text/html", f"<!DOCTYPE html><html><body>{anchors}</body></html>".encode()


@contextmanager
def index_server(port: int = 0) -> Iterator[IndexServer]:
    """Starts a server on a port, 0 for a free one, and stops it."""

    class Handler(_Handler):
        index: IndexServer

    http = _Server(("127.0.0.1", port), Handler)
    Handler.index = IndexServer(http.server_address[1])
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Handler.index
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: IndexServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        pass

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.index.seen.append(SeenRequest(path, dict(self.headers)))
        fault = self.index.fault(path)
        match fault:
            case Status(code, headers):
                return self._answer(code, b"", headers)
            case Redirect(location, code):
                return self._answer(code, b"", {"Location": location})
            case Other(body, headers, code):
                return self._answer(code, body, headers)
            case Cut() | Stall() | None:
                pass
        if not self.index.allows(self.headers.get("Authorization", "")):
            return self._answer(401, b"", {"WWW-Authenticate": "Basic"})
        found = self.index.content(path)
        if found is None:
            return self._answer(404, b"", {})
        return self._answer_content(*found, fault)

    def _answer_content(self, kind: str, body: bytes, fault: Cut | Stall | None) -> None:
        headers = {"Content-Type": kind}
        code = 200
        if self.path.startswith("/files/"):
            if self.index.etag:
                headers["ETag"] = self.index.etag
            if isinstance(fault, Cut) and fault.etag:
                headers["ETag"] = fault.etag
            start = self._start()
            if start >= len(body) > 0 and start:
                return self._answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            if start:
                code = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
        return self._answer(code, body, headers, fault)

    def _start(self) -> int:
        wanted = self.headers.get("Range", "")
        condition = self.headers.get("If-Range", self.index.etag)
        if not self.index.honours_ranges or not wanted or condition != self.index.etag:
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def _answer(
        self,
        code: int,
        body: bytes,
        headers: Mapping[str, str],
        fault: Cut | Stall | None = None,
    ) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        match fault:
            case Cut(after=after):
                self.wfile.write(body[:after])
                self.close_connection = True
            case Stall(seconds):
                self.wfile.write(body[:1])
                time.sleep(seconds)
                self.close_connection = True
            case None:
                self.wfile.write(body)


def _as_json(file: PublishedFile) -> dict[str, object]:
    said: dict[str, object] = {
        "filename": file.filename,
        "url": file.url,
        "hashes": {"sha256": file.sha256} if file.sha256 else {},
        "requires-python": file.requires_python,
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": _metadata_hashes(file) or False,
    }
    return said | ({"upload-time": file.upload_time} if file.upload_time else {})


def _metadata_hashes(file: PublishedFile) -> dict[str, str]:
    if file.metadata is None:
        return {}
    return {"sha256": hashlib.sha256(file.metadata).hexdigest()}


def _as_anchor(file: PublishedFile, *, old: bool) -> str:
    name = "data-dist-info-metadata" if old else "data-core-metadata"
    attributes = {
        "href": file.url + (f"#sha256={file.sha256}" if file.sha256 else ""),
        "data-requires-python": file.requires_python,
        "data-yanked": file.yanked,
        name: "".join(f"sha256={it}" for it in _metadata_hashes(file).values()) or None,
    }
    written = " ".join(f'{k}="{escape(v)}"' for k, v in attributes.items() if v is not None)
    return f"<a {written}>{escape(file.filename)}</a><br/>\n"

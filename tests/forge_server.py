"""A loopback server that lists tags as GitHub and GitLab do, and hands out what they name."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.git_repository import SmartHandler

_HEADERS = ("Authorization", "PRIVATE-TOKEN", "JOB-TOKEN")


@dataclass(frozen=True)
class Asked:
    """A request: its path with its query, and the tokens that came with it."""

    path: str
    tokens: dict[str, str]


@dataclass
class ForgeServer:
    """What the server has, and what it was asked.

    Attributes:
        tags: name and commit, in the order in which they are listed.
        dates: by commit; those that are missing cannot be asked for.
        files: by path.
        elsewhere: where archives are; empty for here.
        raw: an answer to everything, where there is one.
    """

    url: str
    tags: list[tuple[str, str]] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    elsewhere: str = ""
    raw: bytes | None = None
    asked: list[Asked] = field(default_factory=list)

    @property
    def project(self) -> str:
        return f"{self.url}/owner/project"

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


class _Handler(SmartHandler, BaseHTTPRequestHandler):
    forge: ForgeServer

    def do_GET(self) -> None:
        forge = self.forge
        if ".git/" in self.path:
            return super().do_GET()
        tokens = {name: self.headers[name] for name in _HEADERS if self.headers[name]}
        forge.asked.append(Asked(self.path, tokens))
        path = urlsplit(self.path).path
        archive = f"{forge.elsewhere}{self.path}"
        if forge.raw is not None:
            self._reply(200, forge.raw)
        elif path.endswith("/tags"):
            self._reply(200, json.dumps(self._tags(path)).encode())
        elif "/commits/" in path and path.rpartition("/")[2] in forge.dates:
            commit = {"committer": {"date": forge.dates[path.rpartition("/")[2]]}}
            self._reply(200, json.dumps({"commit": commit}).encode())
        elif forge.elsewhere:
            self._reply(302, b"", archive)
        elif self.path in forge.files:
            self._reply(200, forge.files[self.path])
        else:
            self._reply(404, b"")
        return None

    def _tags(self, path: str) -> list[dict[str, object]]:
        query = parse_qs(urlsplit(self.path).query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        chosen = self.forge.tags[size * (page - 1) : size * page]
        if "/api/v4/projects/owner%2Fproject/" in path:
            return [{"name": name, "commit": self._gitlab(commit)} for name, commit in chosen]
        assert unquote(path) == "/api/v3/repos/owner/project/tags"
        return [{"name": name, "commit": {"sha": commit}} for name, commit in chosen]

    def _gitlab(self, commit: str) -> dict[str, object]:
        return {"id": commit, "committed_date": self.forge.dates.get(commit)}

    def _reply(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def forge_server(root: Path | None = None) -> Iterator[ForgeServer]:
    """A server that is there while the block runs, with the repositories below a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    forge = ForgeServer(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type(
        "Handler", (_Handler,), {"forge": forge, "root": root, "heard": []}
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

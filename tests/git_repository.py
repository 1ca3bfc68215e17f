"""Git repositories made for tests, with fixed dates, and a loopback server for them."""

import gzip
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "somebody",
    "GIT_AUTHOR_EMAIL": "somebody@git.example",
    "GIT_COMMITTER_NAME": "somebody",
    "GIT_COMMITTER_EMAIL": "somebody@git.example",
    "GIT_AUTHOR_DATE": "2020-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2020-01-02T03:04:05Z",
}


@dataclass(frozen=True)
class GitRepository:
    """A repository with a working copy."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "GitRepository":
        folder.mkdir(parents=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    @property
    def url(self) -> str:
        return f"git+file://{self.folder}"

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            env=_ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes], *, tag: str = "") -> str:
        """Adds files, and says which commit that made."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=a change")
        if tag:
            self.git("tag", "--annotate", "--message=a release", tag)
        return self.git("rev-parse", "HEAD")

    def add_submodules(self, *parts: tuple[str, str, str]) -> str:
        """Commits submodules: for each the path, the address, the commit."""
        text = "".join(f'[submodule "{p}"]\n\tpath = {p}\n\turl = {url}\n' for p, url, _ in parts)
        (self.folder / ".gitmodules").write_text(text)
        self.git("add", ".gitmodules")
        for path, _, commit in parts:
            self.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
        self.git("commit", "--quiet", "--message=submodules")
        return self.git("rev-parse", "HEAD")


class SmartHandler(BaseHTTPRequestHandler):
    """Hands each request to git's own program for serving repositories."""

    root: Path
    heard: list[str]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.heard.append(self.headers.get("Authorization", ""))
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env=_ENVIRONMENT
            | {
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


class _Dumb(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


class _Elsewhere(BaseHTTPRequestHandler):
    target: str

    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", self.target + self.path)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class _Demanding(BaseHTTPRequestHandler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Authorization", ""))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="here"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@dataclass(frozen=True)
class GitServer:
    """Where repositories are served; `heard` are the logins that came with requests."""

    url: str
    heard: list[str]


@contextmanager
def smart_server(root: Path) -> Iterator[GitServer]:
    """Serves the repositories below a folder as git does it."""
    heard: list[str] = []
    handler = type("Handler", (SmartHandler,), {"root": root, "heard": heard})
    with _serving(handler) as url:
        yield GitServer(f"git+{url}", heard)


@contextmanager
def dumb_server(root: Path) -> Iterator[GitServer]:
    """Serves a folder as plain files; repositories there need `update-server-info`."""
    with _serving(partial(_Dumb, directory=str(root))) as url:
        yield GitServer(f"git+{url}", [])


@contextmanager
def demanding_server() -> Iterator[GitServer]:
    """Wants a login, and takes none."""
    heard: list[str] = []
    with _serving(type("Handler", (_Demanding,), {"heard": heard})) as url:
        yield GitServer(f"git+{url}", heard)


@contextmanager
def redirecting_server(target: str) -> Iterator[GitServer]:
    """Sends whoever asks to the same path below another URL."""
    with _serving(type("Handler", (_Elsewhere,), {"target": target})) as url:
        yield GitServer(f"git+{url}", [])


@contextmanager
def _serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Crates made for tests, and a folder of them that cargo takes for a registry once it is served."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Crate:
    """A crate, by the files in it beside its manifest."""

    name: str
    version: str
    files: Mapping[str, str]

    @property
    def manifest(self) -> str:
        return f'[package]\nname = "{self.name}"\nversion = "{self.version}"\nedition = "2021"\n'

    def packed(self) -> bytes:
        """As a registry hands it out; the same crate gives the same bytes."""
        files = {"Cargo.toml": self.manifest, **self.files}
        return packed(f"{self.name}-{self.version}", files)


def packed(top: str, files: Mapping[str, str]) -> bytes:
    """A .tar.gz of files in one folder."""
    written = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=written, mode="wb", mtime=0) as pressed,
        tarfile.open(fileobj=pressed, mode="w") as tar,
    ):
        for name, text in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(text.encode())
            member.mode = 0o755 if text.startswith("#!") else 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    return written.getvalue()


@dataclass(frozen=True)
class Registry:
    """A folder behind a URL; `heard` is what was asked of it."""

    folder: Path
    url: str
    heard: list[str] = field(default_factory=list)

    @property
    def index(self) -> str:
        """The registry as cargo names it."""
        return f"sparse+{self.url}/index/"

    def publish(self, crate: Crate) -> None:
        """Adds a crate, whose name has four letters or more."""
        content = crate.packed()
        _write(self.folder / f"crates/{crate.name}-{crate.version}.crate", content)
        entry = {
            "name": crate.name,
            "vers": crate.version,
            "deps": [],
            "cksum": hashlib.sha256(content).hexdigest(),
            "features": {},
            "yanked": False,
        }
        place = self.folder / "index" / crate.name[:2] / crate.name[2:4] / crate.name
        _write(place, json.dumps(entry).encode() + b"\n")


class _Handler(SimpleHTTPRequestHandler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.path)
        super().do_GET()

    def do_CONNECT(self) -> None:
        self.heard.append(self.path)
        self.send_error(403)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def crate_registry(folder: Path) -> Iterator[Registry]:
    """Serves an empty registry from a folder."""
    heard: list[str] = []
    handler = type("Handler", (_Handler,), {"heard": heard})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    registry = Registry(folder, f"http://127.0.0.1:{server.server_port}", heard)
    download = {"dl": f"{registry.url}/crates/{{crate}}-{{version}}.crate"}
    _write(folder / "index/config.json", json.dumps(download).encode())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

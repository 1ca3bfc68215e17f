"""A registry of images on the loopback interface, as small as engines accept.

It tells what it has, right or wrong: what a registry must not be believed is shown with it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from builder.domain.digests import Digest
from builder.domain.images import LayoutImage, RegistryImage

_KIND = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Registry:
    """Where the registry listens, and the image that it has."""

    address: str
    image: RegistryImage
    lies: dict[str, bytes]
    """What is served instead of the blob or manifest of a digest."""
    folders: list[Path]
    """Each holds blobs and manifests by digest; more may be added."""
    moods: list[str]
    """Not empty while the registry answers nothing but errors."""

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Answers nothing but errors meanwhile."""
        self.moods.append("silent")
        try:
            yield
        finally:
            self.moods.pop()

    def reference(self, image: LayoutImage) -> str:
        """What an image is called that the registry has."""
        return _reference(self.address, image)

    def named(self, digest: Digest, platform: str) -> RegistryImage:
        """Another image of the registry."""
        return RegistryImage("contract", f"{self.address}/contract@{digest}", platform)


@contextmanager
def registry_of(image: LayoutImage, *more: Path) -> Iterator[Registry]:
    """Serves an image layout as `ADDRESS/contract@sha256:…`.

    Args:
        image: the layout.
        more: further folders with blobs and manifests by digest.
    """
    lies: dict[str, bytes] = {}
    moods: list[str] = []
    folders = [image.layout / "blobs" / "sha256", *more]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folders, lies, moods))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    address = f"127.0.0.1:{server.server_port}"
    pulled = RegistryImage("contract", _reference(address, image), image.platform)
    try:
        yield Registry(address, pulled, lies, folders, moods)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _reference(address: str, image: LayoutImage) -> str:
    index = json.loads((image.layout / "index.json").read_bytes())
    return f"{address}/contract@{index['manifests'][0]['digest']}"


def _handler(
    folders: Sequence[Path], lies: Mapping[str, bytes], moods: Sequence[str]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def log_message(self, *_: object) -> None:
            return

        def _answer(self, *, with_body: bool) -> None:
            found = (500, "application/json", b"{}")
            status, kind, body = found if moods else _found(folders, lies, self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    return Handler


def _found(folders: Sequence[Path], lies: Mapping[str, bytes], path: str) -> tuple[int, str, bytes]:
    if path == "/v2/":
        return 200, "application/json", b"{}"
    folder, _, digest = path.rpartition("/")
    body = lies.get(digest) or _blob(folders, digest.removeprefix("sha256:"))
    if body is None:
        return 404, "application/json", b"{}"
    if not folder.endswith("manifests"):
        return 200, "application/octet-stream", body
    return 200, json.loads(body).get("mediaType", _KIND), body


def _blob(folders: Sequence[Path], name: str) -> bytes | None:
    found = (folder / name for folder in folders if (folder / name).is_file())
    return next((file.read_bytes() for file in found), None)

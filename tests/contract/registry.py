"""A registry of one image on the loopback interface, as small as engines accept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from builder.domain.images import LayoutImage, RegistryImage


@dataclass(frozen=True)
class Registry:
    """Where the registry listens, and the image that it has."""

    address: str
    image: RegistryImage


@contextmanager
def registry_of(image: LayoutImage) -> Iterator[Registry]:
    """Serves an image layout as `ADDRESS/contract@sha256:…`."""
    index = json.loads((image.layout / "index.json").read_bytes())
    manifest = index["manifests"][0]["digest"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(image.layout))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    address = f"127.0.0.1:{server.server_port}"
    pulled = RegistryImage("contract", f"{address}/contract@{manifest}", image.platform)
    try:
        yield Registry(address, pulled)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(layout: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def log_message(self, *_: object) -> None:
            return

        def _answer(self, *, with_body: bool) -> None:
            status, kind, body = _found(layout, self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    return Handler


def _found(layout: Path, path: str) -> tuple[int, str, bytes]:
    if path == "/v2/":
        return 200, "application/json", b"{}"
    folder, _, digest = path.rpartition("/")
    blob = layout / "blobs" / "sha256" / digest.removeprefix("sha256:")
    if not blob.is_file():
        return 404, "application/json", b"{}"
    kind = "application/octet-stream"
    if folder.endswith("manifests"):
        kind = "application/vnd.oci.image.manifest.v1+json"
    return 200, kind, blob.read_bytes()

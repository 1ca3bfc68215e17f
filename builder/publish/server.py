"""A web server over the `wheels-repo` folder."""

import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import ClassVar
from urllib.parse import urlsplit

from builder.errors import InputError
from builder.publish.shelf import Moved, Page, ServedWheel, WheelShelf, answer

_IDLE_SECONDS = 60
_CHUNK = 1 << 20
_PAGE = "text/html; charset=utf-8"
_WHEEL = "application/octet-stream"


class WheelServer:
    """Serves wheels to whoever reaches the address.

    Attributes:
        url: of the index, with the port that was really taken.
    """

    def __init__(
        self, root: Path, address: str, port: int, requested: Callable[[str], None]
    ) -> None:
        """Takes the port.

        Args:
            root: the `wheels-repo` folder; it may be made later.
            address: a name or an address of this machine.
            port: 0 for any that is free.
            requested: is told of each request, in words that came from outside.

        Raises:
            InputError: the address is none of this machine, or the port is taken.
        """

        class Handler(_Handler):
            shelf = WheelShelf(root)

            def told(self, text: str) -> None:
                requested(text)

        try:
            family, place = _resolved(address, port)
            self._server = _Server(family, place, Handler)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                f"cannot listen on {address} port {port}: {reason}",
                hint="choose another --port (0 takes any free one) or --address",
            ) from error
        host = f"[{address}]" if ":" in address else address
        self.url = f"http://{host}:{self._server.server_address[1]}/simple/"

    def serve(self) -> None:
        """Answers until the thread is interrupted, or another one calls `stop`."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Ends `serve`, from another thread."""
        self._server.shutdown()

    def close(self) -> None:
        """Gives the port back."""
        self._server.server_close()


def _resolved(address: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """IPv4 where the name has both: that is what people write."""
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, place = min(found, key=lambda it: it[0] != socket.AF_INET)
    return family, (str(place[0]), port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, family: socket.AddressFamily, place: tuple[str, int], handler: type["_Handler"]
    ) -> None:
        self.address_family = family
        super().__init__(place, handler)

    def server_bind(self) -> None:
        """Binds without asking a name server what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "builder"
    sys_version = ""
    timeout: ClassVar[float | None] = _IDLE_SECONDS
    shelf: WheelShelf

    def told(self, text: str) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        self.told(format % args)

    def do_GET(self) -> None:
        match answer(self.shelf, urlsplit(self.path).path):
            case Page(html):
                self._send_head(HTTPStatus.OK, {"Content-Type": _PAGE}, len(html.encode()))
                self._send(html.encode())
            case Moved(path):
                self._send_head(HTTPStatus.MOVED_PERMANENTLY, {"Location": path}, 0)
            case ServedWheel() as wheel:
                self._send_wheel(wheel)
            case None:
                self._send_head(HTTPStatus.NOT_FOUND, {}, 0)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send_wheel(self, wheel: ServedWheel) -> None:
        file = self.shelf.open(wheel)
        if file is None:
            self._send_head(HTTPStatus.NOT_FOUND, {}, 0)
            return
        with file:
            left = os.fstat(file.fileno()).st_size
            self._send_head(HTTPStatus.OK, {"Content-Type": _WHEEL}, left)
            while left and self.command == "GET":
                chunk = file.read(min(left, _CHUNK))
                if not chunk:
                    self.close_connection = True
                    return
                self._send(chunk)
                left -= len(chunk)

    def _send_head(self, status: HTTPStatus, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, body: bytes) -> None:
        if self.command == "GET":
            self.wfile.write(body)

"""A container's output, taken from the engine's socket before the container starts.

Both engines speak the same small protocol here, and it is the only way that loses nothing: a log
that is followed arrives late from Podman, and with gaps where much is printed.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from builder.errors import EngineError

_FRAME_HEADER = 8
_MOST_AT_ONCE = 1 << 16
_HEADER_LIMIT = 1 << 16


class OutputStream:
    """What one container prints: both streams, each in its own order.

    Use it as a context manager around the container's start.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = connection.makefile("rb")

    @classmethod
    def attach(cls, engine_socket: Path, request_path: str) -> Self:
        """Takes over a connection to the engine as the output of a container.

        Raises:
            EngineError: the engine refused, or does not answer.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(engine_socket))
            connection.sendall(_upgrade_request(request_path))
            stream = cls(connection)
            stream._read_answer()
        except OSError as error:
            connection.close()
            raise EngineError(
                f"cannot attach to a container over {engine_socket}: {error}"
            ) from error
        except EngineError:
            connection.close()
            raise
        return stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._connection.close()

    def chunks(self) -> Iterator[bytes]:
        """Ends when the container has exited.

        Raises:
            EngineError: the connection broke in the middle.
        """
        try:
            while header := self._reader.read(_FRAME_HEADER):
                if len(header) < _FRAME_HEADER:
                    raise EngineError("the engine went away while a container was printing")
                yield from self._payload(int.from_bytes(header[4:], "big"))
        except OSError as error:
            raise EngineError(
                f"the engine went away while a container was printing: {error}"
            ) from error

    def break_off(self) -> None:
        """Ends `chunks` in whatever thread it is."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _payload(self, size: int) -> Iterator[bytes]:
        while size:
            chunk = self._reader.read(min(size, _MOST_AT_ONCE))
            if not chunk:
                raise EngineError("the engine went away while a container was printing")
            size -= len(chunk)
            yield chunk

    def _read_answer(self) -> None:
        status = self._reader.readline(_HEADER_LIMIT).decode("latin-1").strip()
        while self._reader.readline(_HEADER_LIMIT).strip():
            pass
        if status.split(" ", 2)[1:2] not in (["101"], ["200"]):
            raise EngineError(f"the engine did not attach to a container: {status or 'no answer'}")


def _upgrade_request(path: str) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: engine",
        "Connection: Upgrade",
        "Upgrade: tcp",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")

"""Finished wheels from a server: built before, here or elsewhere, and taken instead of built."""

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.domain.builds import Failure
from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, Pin, RemoteFile
from builder.errors import DigestMismatchError
from builder.ports import Index
from builder.resolve.wheel_choice import fitting_wheels
from builder.workflows.foreign import ForeignWheels
from builder.workflows.packages import ForeignWheel


class CachedWheels:
    """Looks wheels up on the servers that the user named. Safe from several threads."""

    def __init__(self, servers: Index, wheels: ForeignWheels) -> None:
        self._servers = servers
        self._wheels = wheels

    def find(
        self, pin: Pin, build_number: int, filename: str = "", digest: Digest | None = None
    ) -> ForeignWheel | Failure | None:
        """A wheel of a release with the very build tag; None where no server has one.

        Args:
            pin: the release.
            build_number: the build tag it must have.
            filename: how a lock calls the wheel; empty where none does.
            digest: what a lock says of its bytes; nothing else is taken then.

        Raises:
            DigestMismatchError: a server has the locked wheel with other bytes.
            IndexUnreachableError: a server did not answer.
        """
        files = [file for file in self._files(pin) if _build_number(file) == build_number]
        if digest is not None:
            same = [file for file in files if file.digest == digest]
            if not same and any(file.filename == filename for file in files):
                raise _differs(pin, filename, digest)
            files = same
        if not files:
            return None
        found = self._wheels.of_file(pin, files[0], build_number)
        if isinstance(found, ForeignWheel) and digest not in (None, found.wheel.digest):
            raise _differs(pin, filename, found.wheel.digest)
        return found

    def _files(self, pin: Pin) -> list[RemoteFile]:
        page = self._servers.project(pin.name)
        if isinstance(page, NoSuchProject):
            return []
        offered = fitting_wheels(page.wheels.get(pin.version, ()), self._wheels.tags)
        return [file for file in offered if file.digest is not None]


def _build_number(file: RemoteFile) -> int:
    try:
        build = parse_wheel_filename(file.filename)[2]
    except InvalidWheelFilename:
        return -1
    return build[0] if build else 0


def _differs(pin: Pin, filename: str, digest: Digest) -> DigestMismatchError:
    return DigestMismatchError(
        f"the wheel server has {filename or pin}, and not with the bytes of the lock ({digest})",
        hint="find out who changed it; without the server, the wheel is built from source",
    )

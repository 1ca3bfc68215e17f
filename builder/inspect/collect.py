"""Takes results out of a folder that a container wrote, without trusting anything in it.

Only called once the container is dead. Files are opened relative to the folder's descriptor,
never through a link, and only regular files with a single name are read.
"""

import hashlib
import os
import stat
from pathlib import Path

from builder.domain.digests import Digest

MAX_RESULT_BYTES = 64 << 20
_CHUNK = 1 << 20


class RefusedOutput(ValueError):  # noqa: N818 - a finding about what upstream did, not our error
    """What a container left is not what was expected of it.

    Attributes:
        hint: what may be done about it; empty where there is nothing to be done.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def read_small(folder: Path, name: str, limit: int = MAX_RESULT_BYTES) -> bytes:
    """Reads one small file that a container left.

    Raises:
        RefusedOutput: it is missing, no plain file, or larger than `limit` bytes.
    """
    descriptor, size = _open_plain(folder, name)
    with os.fdopen(descriptor, "rb") as file:
        if size > limit:
            raise RefusedOutput(f"{name!r} is larger than {limit} bytes")
        return file.read(limit)


def take(folder: Path, name: str, target: Path, limit: int) -> Digest:
    """Copies one file that a container left to a new path of ours, and hashes the copy.

    Raises:
        RefusedOutput: it is missing, no plain file, or larger than `limit` bytes.
    """
    descriptor, size = _open_plain(folder, name)
    with os.fdopen(descriptor, "rb") as source:
        if size > limit:
            raise RefusedOutput(f"{name!r} is larger than {limit} bytes")
        hasher = hashlib.sha256()
        with target.open("xb") as copy:
            while chunk := source.read(_CHUNK):
                hasher.update(chunk)
                copy.write(chunk)
    return Digest(hasher.hexdigest())


def _open_plain(folder: Path, name: str) -> tuple[int, int]:
    if "/" in name or name in ("", ".", ".."):
        raise RefusedOutput(f"{name!r} is no file name")
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except (OSError, ValueError) as error:
        raise RefusedOutput(f"{name[:200]!r} is missing or no plain file") from error
    finally:
        os.close(directory)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise RefusedOutput(f"{name!r} is no plain file")
    return descriptor, status.st_size

"""A file on its way: beside its target, one writer at a time, hashed as it grows."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Self

from builder.domain.digests import Digest
from builder.errors import StorageError

_CHUNK = 1 << 20
_HINTS = {
    errno.ENOSPC: "free some space, or choose a folder on another disk; the download resumes",
    errno.EDQUOT: "free some space within your quota; the download resumes",
    errno.EFBIG: "the limit on file sizes is too low for this file (ulimit -f)",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that you may write, or repair its permissions",
    errno.ELOOP: "something put a link there; remove it",
}


class Part:
    """The bytes of a download so far; what an earlier process left there counts.

    Attributes:
        size: how many bytes there are.
        was_there: whether an earlier process wrote some of them.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self._path = path
        self._file = file
        self._hasher = hashlib.sha256()
        self.size = 0
        while chunk := file.read(_CHUNK):
            self._hasher.update(chunk)
            self.size += len(chunk)
        self.was_there = self.size > 0

    @classmethod
    @contextmanager
    def beside(cls, target: Path) -> Iterator[Self]:
        """Opens the part of a target, waiting while another process or thread has it.

        Raises:
            StorageError: the disk does not take it.
        """
        path = target.with_name(target.name + ".part")
        with storing(path):
            file = _open_locked(path)
        with file:
            with storing(path):
                part = cls(path, file)
            yield part

    @property
    def digest(self) -> Digest:
        return Digest(self._hasher.hexdigest())

    def append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            with storing(self._path):
                written = self._file.write(rest)
            self._hasher.update(rest[:written])
            self.size += written
            rest = rest[written:]

    def restart(self) -> None:
        """Forgets every byte."""
        with storing(self._path):
            self._file.seek(0)
            self._file.truncate()
        self._hasher = hashlib.sha256()
        self.size = 0
        self.was_there = False

    def finish(self, target: Path) -> None:
        """Gives the file its name."""
        with storing(target):
            self._path.rename(target)

    def discard(self) -> None:
        with suppress(OSError):
            self._path.unlink()


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns what the disk says into an error with a hint."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        raise StorageError(f"cannot write {path}: {error.strerror}", hint=hint) from error


def _open_locked(path: Path) -> FileIO:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        # Unbuffered: a full disk is noticed by the write that it hits.
        file = FileIO(os.open(path, flags, 0o666), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still_named(path, os.fstat(file.fileno())):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_still_named(path: Path, opened: os.stat_result) -> bool:
    """Whether who had the lock before neither finished nor removed the file."""
    if not stat.S_ISREG(opened.st_mode):
        raise OSError(errno.ELOOP, "not a regular file")
    try:
        return os.path.samestat(path.lstat(), opened)
    except FileNotFoundError:
        return False

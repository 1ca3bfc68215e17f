"""Reads a packed source as data: never unpacked, never a link followed, everything bounded."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

MAX_ENTRIES = 300_000
MAX_UNPACKED = 8 << 30
MAX_TEXT = 4 << 20
_MAX_READ = 16 << 20


class UnreadableSource(ValueError):  # noqa: N818 - a finding about a source, not our error
    """A packed source cannot be read, or is larger than anybody reads."""


class PackedSource:
    """The regular files of a .tar.gz, by their paths below its one folder."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive

    def files(self) -> tuple[str, ...]:
        """The paths of all regular files, sorted.

        Raises:
            UnreadableSource: it cannot be read.
        """
        return self._files

    def read_text(self, path: str) -> str | None:
        """What a file holds, as UTF-8, with a sign in place of what is none; None for no file.

        Raises:
            UnreadableSource: it cannot be read, or is too large for a text.
        """
        if path not in self._files:
            return None
        found: bytes | None = None
        with _opened(self._archive) as tar:
            for member in tar:
                if member.isreg() and _inside(member.name) == path:
                    if member.size > MAX_TEXT:
                        raise UnreadableSource(f"{path!r} is larger than {MAX_TEXT} bytes")
                    content = tar.extractfile(member)
                    found = content.read() if content is not None else None
                    break
        return None if found is None else found.decode("utf-8", "replace")

    @cached_property
    def _files(self) -> tuple[str, ...]:
        found: set[str] = set()
        with _opened(self._archive) as tar:
            for count, member in enumerate(tar):
                if count >= MAX_ENTRIES:
                    raise UnreadableSource(f"it has more than {MAX_ENTRIES} entries")
                if member.isreg():
                    found.add(_inside(member.name))
        return tuple(sorted(found))


class _Bounded(gzip.GzipFile):
    """What tarfile reads from: no more at once, and no further, than anything honest needs."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _MAX_READ:
            raise UnreadableSource(f"it has an entry that is described by {size} bytes")
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset > MAX_UNPACKED:
            raise UnreadableSource(f"it unpacks to more than {MAX_UNPACKED} bytes")
        return super().seek(offset, whence)


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """The archive, whatever is wrong with it told in one way."""
    try:
        with _Bounded(archive) as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
            yield tar
    except UnreadableSource:
        raise
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableSource(f"it cannot be read: {error}") from error


def _inside(name: str) -> str:
    return name.partition("/")[2]

"""Files of an index, fetched once and trusted only by digest."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from builder.domain.digests import Digest
from builder.domain.releases import RemoteFile
from builder.errors import InputError, StorageError
from builder.ports import Index


@dataclass(frozen=True)
class FetchedFile:
    """A file on this disk, verified; `reused` where it was already there."""

    path: Path
    reused: bool


def fetch_file(
    index: Index,
    file: RemoteFile,
    digest: Digest,
    folder: Path,
    progress: Callable[[int], None] = lambda _count: None,
) -> FetchedFile:
    """Puts a file into a folder under its own name, unless the very same is there already.

    Args:
        index: where the file comes from.
        file: what to fetch.
        digest: what it must be.
        folder: is made where it is missing.
        progress: is called with the number of bytes that came.

    Raises:
        DigestMismatchError: it is not the promised one.
        InputError: it may not be fetched, or has a name that leads out of the folder.
        IndexUnreachableError: it could not be had.
        StorageError: the disk is full or cannot be written.
    """
    path = folder / _plain_name(file)
    reused = _is_there(path, digest)
    if not reused:
        _make_room(path)
        index.fetch(replace(file, digest=digest), path, progress)
    return FetchedFile(path, reused)


def _plain_name(file: RemoteFile) -> str:
    """The name, which came from outside, as long as it stays in its folder."""
    name = file.filename
    if not name or PurePath(name).name != name or name[0] == "." or not name.isprintable():
        hint = "the index is broken or hostile; report it there"
        raise InputError(f"an index names a file {name!a}", hint=hint)
    return name


def _is_there(path: Path, expected: Digest) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with suppress(OSError):
        return Digest.of_file(path) == expected
    return False


def _make_room(path: Path) -> None:
    """Makes the folder, and removes whatever has the name but not the digest."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise StorageError(message, hint="choose a folder that can be written") from error

"""Source archives, fetched once and trusted only by digest.

A file keeps the name that the index gives it. That is what Fromager leaves in the same folder, and
it begins with the project's own name, so that two projects never meet.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, Pin, RemoteFile
from builder.errors import DigestMismatchError, InputError, StorageError
from builder.ports import Index


@dataclass(frozen=True)
class FetchedSource:
    """A source archive on this disk, verified.

    Attributes:
        url: where it comes from, without credentials.
        reused: whether it was already there.
    """

    pin: Pin
    path: Path
    digest: Digest
    url: str
    reused: bool


def fetch_source(
    index: Index,
    candidate: Candidate,
    folder: Path,
    required_digests: Collection[Digest] = (),
    progress: Callable[[int], None] = lambda _count: None,
) -> FetchedSource:
    """Puts a candidate's source archive into a folder, unless the very same is there already.

    Args:
        index: where the candidate comes from.
        candidate: the release.
        folder: is made where it is missing.
        required_digests: what the user allows the archive to be; empty allows what the index says.
        progress: is called with the number of bytes that came.

    Raises:
        DigestMismatchError: the archive is none that the user allows, or not the promised one.
        InputError: neither the index nor the user says what the archive should be.
        IndexUnreachableError: it could not be had.
        StorageError: the disk is full or cannot be written.
    """
    expected = _expected_digest(candidate, required_digests)
    file = replace(candidate.sdist, digest=expected)
    path = folder / _plain_name(file)
    reused = _is_there(path, expected)
    if not reused:
        _make_room(path)
        index.fetch(file, path, progress)
    return FetchedSource(candidate.pin, path, expected, file.url, reused)


def _expected_digest(candidate: Candidate, required: Collection[Digest]) -> Digest:
    promised = candidate.sdist.digest
    if promised is not None:
        if required and promised not in required:
            allowed = ", ".join(str(it) for it in sorted(required)[:3])
            message = f"{candidate.sdist.filename} is not what --hash allows for {candidate.pin}"
            hint = (
                f"the index promises {promised}, and {allowed}{' and more' * (len(required) > 3)} "
                "is allowed; a lock made for wheels only lacks the hash of the source archive"
            )
            raise DigestMismatchError(message, hint=hint)
        return promised
    if len(required) == 1:
        return next(iter(required))
    message = f"the index gives no sha256 for {candidate.sdist.filename}, so it cannot be trusted"
    if required:
        hint = "leave only the --hash of this source archive, or use an index that gives digests"
    else:
        hint = "add --hash=sha256:… to the requirement, or use an index that gives digests"
    raise InputError(message, hint=hint)


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

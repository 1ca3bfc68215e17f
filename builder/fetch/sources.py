"""Source archives, fetched once and trusted only by digest.

A file keeps the name that the index gives it. That is what Fromager leaves in the same folder, and
it begins with the project's own name, so that two projects never meet.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, Pin
from builder.errors import DigestMismatchError, InputError
from builder.fetch.files import fetch_file
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
    sdist = candidate.sdist
    fetched = fetch_file(index, sdist, expected, folder, progress)
    return FetchedSource(candidate.pin, fetched.path, expected, sdist.url, fetched.reused)


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

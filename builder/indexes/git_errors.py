"""What is told of repositories that could not be had."""

from pathlib import Path

from builder.domain.repositories import GitReference
from builder.errors import GitMissingError, IndexUnreachableError, InputError, StorageError

_NO_SUCH_REF = "couldn't find remote ref"
_OF_ANOTHER_USER = ("dubious ownership", "safe.directory")


def unreachable(reference: GitReference, said: str) -> InputError | IndexUnreachableError:
    """What to raise for a fetch that ended badly; `said` is what git complained of."""
    if _NO_SUCH_REF in said:
        return no_such_ref(reference)
    if any(sign in said for sign in _OF_ANOTHER_USER):
        return InputError(
            f"{reference} belongs to another user, whose settings git would heed there",
            hint="clone it into a folder of your own, and name that",
        )
    return IndexUnreachableError(
        f"{reference} could not be fetched: {said}",
        hint="check the address, the network, and what the host wants for a login",
    )


def no_such_ref(reference: GitReference) -> InputError:
    """What to raise for a tag, branch or commit that is not there."""
    name = repr(reference.ref) if reference.ref else "default branch"
    return InputError(
        f"git+{reference.url} has no {name}",
        hint="name a tag, a branch, or all digits of a commit",
    )


def missing() -> GitMissingError:
    """What to raise where git cannot be started."""
    return GitMissingError(
        "a requirement names a git repository, and there is no git here",
        hint="install the package git, or name a release that an index has",
    )


def unwritable(path: Path, error: OSError) -> StorageError:
    """What to raise for a disk that takes nothing."""
    return StorageError(
        f"cannot write {error.filename or path}: {error.strerror}",
        hint="free some space, or choose other folders with -O and --cache-dir",
    )

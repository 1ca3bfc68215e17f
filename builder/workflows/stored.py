"""Files of the store that a run leans on."""

from pathlib import Path

from builder.domain.digests import Digest
from builder.errors import StorageError
from builder.ports import Store


def stored(store: Store, digest: Digest, what: str, again: str = "made") -> Path:
    """A file that was put into the store before.

    Args:
        store: where it is.
        digest: of the file.
        what: what it is, for the message.
        again: what will be done with it by the next run.

    Raises:
        StorageError: it is not there.
    """
    path = store.path(digest)
    if path is None:
        raise StorageError(
            f"{what} is no longer in the store, or was changed there",
            hint=f"run the same command again: it will be {again} anew",
        )
    return path

"""Files that the user names by path or by URL."""

from pathlib import Path

from builder.errors import InputError
from builder.indexes.documents import read_document


def read_place(place: str) -> bytes:
    """What a file or an https or file URL holds.

    Raises:
        InputError: there is no such file, or it cannot be read.
        IndexUnreachableError: the URL does not answer.
    """
    if "://" in place:
        return read_document(place)
    try:
        return Path(place).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"there is no file {place}", hint="check the path") from error
    except OSError as error:
        raise InputError(f"cannot read {place}: {error.strerror}") from error

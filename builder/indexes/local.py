"""What is behind file URLs, answered as a server would."""

from builder.errors import IndexUnreachableError
from builder.indexes.addresses import path_of
from builder.indexes.transport import Answer


def read_local(url: str, most: int) -> Answer:
    """Reads a file, or the `index.html` of a folder where the URL ends in a slash.

    Raises:
        IndexUnreachableError: the folder that should hold an index is missing, or what is there
            cannot be read or is longer than `most` bytes.
    """
    path = path_of(url)
    if url.endswith("/"):
        if not path.parent.is_dir():
            message = f"there is no package index in {path.parent}"
            raise IndexUnreachableError(message, hint="check the file:// URL of the index")
        path /= "index.html"
    try:
        with path.open("rb") as file:
            body = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Answer(url, 404, "text/html", b"")
    except OSError as error:
        message = f"{path} could not be read: {error.strerror}"
        raise IndexUnreachableError(message, hint="repair the folder of the index") from None
    if len(body) > most:
        raise IndexUnreachableError(f"{path} is longer than {most:,} bytes")
    return Answer(url, 200, "text/html", body)

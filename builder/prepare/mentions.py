"""Whether a prepared source names something anywhere, read as mere bytes."""

import zlib
from collections.abc import Collection
from pathlib import Path

MAX_BYTES = 512 << 20
"""More than that is not read: the answer is yes then, as whatever is not known may be so."""
_CHUNK = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


def mentions(archive: Path, words: Collection[bytes], max_bytes: int = MAX_BYTES) -> bool:
    """Looks for words in a .tar.gz, its files' names and contents.

    Raises:
        OSError: it cannot be read.
    """
    overlap = max(map(len, words)) - 1
    unpacked, tail = 0, b""
    inflater = zlib.decompressobj(_GZIP)
    with archive.open("rb") as file:
        packed = file.read(_CHUNK)
        while packed:
            try:
                text = tail + inflater.decompress(packed, _CHUNK)
            except zlib.error:
                return True
            if any(word in text for word in words):
                return True
            unpacked += len(text) - len(tail)
            if unpacked > max_bytes:
                return True
            tail = text[-overlap:] if overlap else b""
            packed = inflater.unconsumed_tail or file.read(_CHUNK)
    return not inflater.eof

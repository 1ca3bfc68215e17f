"""Finds files that came compiled: what is in them, no build from source can vouch for."""

import os
import stat
import struct
from collections.abc import Iterator

SUFFIXES = (".so", ".dylib", ".pyd", ".dll", ".exe")
MOST_NAMED = 20

_MAGICS = (
    b"\x7fELF",
    b"!<arch>\n",
    b"!<thin>\n",
    # Mach-O, in either byte order and word size.
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
)
_DOS = b"MZ"
_DOS_HEADER = 64
# Java's classes begin as universal Mach-O files do, but none of these has as many architectures as
# the oldest class file has versions.
_UNIVERSAL = b"\xca\xfe\xba\xbe"
_OLDEST_JAVA = 45


def compiled_files(folder: str) -> tuple[list[str], int]:
    """The first files below a folder that are compiled, by name, and how many there are."""
    names: list[str] = []
    count = 0
    for name in _compiled(folder):
        count += 1
        if len(names) < MOST_NAMED:
            names.append(name)
    return names, count


def _compiled(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(parent, file)
            if is_compiled(path):
                yield os.path.relpath(path, folder)


def is_compiled(path: str) -> bool:
    """Whether a file is one by its name or its first bytes; links and empty files never are."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return False
    if path.lower().endswith(SUFFIXES):
        return True
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(_UNIVERSAL) and len(start) == 8:
        return bool(struct.unpack(">I", start[4:])[0] < _OLDEST_JAVA)
    return start.startswith(_MAGICS) or (
        start.startswith(_DOS) and status.st_size >= _DOS_HEADER and b"\0" in start
    )

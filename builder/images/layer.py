"""Root file systems as tars that depend on their files alone, not on what wrote them."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from builder.errors import ImageError

FORMAT = 1
"""Changes whenever the same files would give other bytes."""

_DEVICES = "./dev/"
_END = bytes(2 * tarfile.BLOCKSIZE)


def write_layer(source: Path, target: Path) -> None:
    """Copies a tar, header by header, into the one form that an image's layer has.

    Releases of mmdebstrap and tar write headers of different dialects for the same files. What is
    in /dev is left out: engines put their own there.

    Raises:
        ImageError: the source is no tar, or is cut short.
    """
    require_end(source)
    try:
        with (
            tarfile.open(source, "r:") as reader,
            tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as writer,
        ):
            for member in members(reader):
                content = reader.extractfile(member) if member.isreg() else None
                writer.addfile(plain(member), content)
    except (tarfile.TarError, EOFError) as error:
        raise ImageError(f"{source}: is no root file system: {error}") from error


def require_end(source: Path) -> None:
    """Checks that a tar was written to its end: one that is cut between files reads like a whole.

    Raises:
        ImageError: it was not.
    """
    with source.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(_END)))
        if file.read() != _END:
            raise ImageError(f"{source}: is no root file system: it is cut short")


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """What belongs into a layer of what a tar holds."""
    return (member for member in tar if not member.name.startswith(_DEVICES))


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same file with nothing said of it that an image does not keep."""
    bare = tarfile.TarInfo(member.name)
    bare.type = member.type
    bare.mode = member.mode
    bare.uid = member.uid
    bare.gid = member.gid
    bare.mtime = int(member.mtime)
    bare.linkname = member.linkname
    bare.size = member.size
    return bare

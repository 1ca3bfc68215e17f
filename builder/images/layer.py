"""Root file systems as tars that depend on their files alone, not on what wrote them."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from builder.errors import ImageError

FORMAT = 1
"""Changes whenever the same files would give other bytes."""

_DEVICES = "./dev/"


def write_layer(source: Path, target: Path) -> None:
    """Copies a tar, header by header, into the one form that an image's layer has.

    Releases of mmdebstrap and tar write headers of different dialects for the same files. What is
    in /dev is left out: engines put their own there.

    Raises:
        ImageError: the source is no tar, or is cut short.
    """
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

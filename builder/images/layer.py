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
            for member in _members(reader):
                content = reader.extractfile(member) if member.isreg() else None
                writer.addfile(_plain(member), content)
    except (tarfile.TarError, EOFError) as error:
        raise ImageError(f"{source}: is no root file system: {error}") from error


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    return (member for member in tar if not member.name.startswith(_DEVICES))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    plain = tarfile.TarInfo(member.name)
    plain.type = member.type
    plain.mode = member.mode
    plain.uid = member.uid
    plain.gid = member.gid
    plain.mtime = int(member.mtime)
    plain.linkname = member.linkname
    plain.size = member.size
    return plain

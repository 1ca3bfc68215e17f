"""What one root file system has beyond another, as the layer that stands on the other's."""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import ImageError
from builder.images.layer import members, plain, require_end

FORMAT = 1
"""Changes whenever the same two root file systems would give other bytes."""

_GONE = ".wh."


def write_difference(below: Path, source: Path, target: Path) -> None:
    """Writes the layer that makes one root file system out of another.

    Beside what is new, differs or is gone it holds the folders above, so that they keep their
    modes, and every name of a file that has several.

    Args:
        below: the layer that is there, as `write_layer` writes it.
        source: a tar of the whole other root file system.
        target: the layer to write.

    Raises:
        ImageError: one of them is no tar, or is cut short.
    """
    require_end(source)
    try:
        with (
            tarfile.open(below, "r:") as lower,
            tarfile.open(source, "r:") as upper,
            tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as writer,
        ):
            old, new = dict(_files(lower)), dict(_files(upper))
            gone = sorted(_gone(old, new))
            kept = _wanted(old, new, gone)
            for member in members(upper):
                if member.name in kept:
                    content = upper.extractfile(member) if member.isreg() else None
                    writer.addfile(plain(member), content)
            for name in gone:
                folder, _, last = name.rpartition("/")
                writer.addfile(tarfile.TarInfo(f"{folder}/{_GONE}{last}"))
    except (tarfile.TarError, EOFError) as error:
        raise ImageError(f"{source}: is no root file system: {error}") from error


@dataclass(frozen=True)
class _File:
    header: bytes
    content: bytes
    is_folder: bool
    other_name: str
    """Of the same file, for a further name of one."""


def _files(tar: tarfile.TarFile) -> Iterator[tuple[str, _File]]:
    for member in members(tar):
        hasher = hashlib.sha256()
        reader = tar.extractfile(member) if member.isreg() else None
        while reader is not None and (chunk := reader.read(1 << 20)):
            hasher.update(chunk)
        header = plain(member).tobuf(tarfile.PAX_FORMAT)
        same_as = member.linkname if member.islnk() else ""
        yield member.name, _File(header, hasher.digest(), member.isdir(), same_as)


def _gone(old: Mapping[str, _File], new: Mapping[str, _File]) -> Iterator[str]:
    """What has to be said to be gone: with a folder goes everything in it."""
    for name in old:
        folder = name.rpartition("/")[0]
        if name not in new and folder in new and new[folder].is_folder:
            yield name


def _wanted(
    old: Mapping[str, _File], new: Mapping[str, _File], gone: Iterable[str]
) -> frozenset[str]:
    changed = {name for name, file in new.items() if old.get(name) != file}
    changed_files = {new[name].other_name or name for name in changed}
    changed |= {name for name, it in new.items() if (it.other_name or name) in changed_files}
    above = {folder for name in (*changed, *gone) for folder in _folders_above(name)}
    return frozenset(changed | (above & new.keys()))


def _folders_above(name: str) -> Iterator[str]:
    while name := name.rpartition("/")[0]:
        yield name

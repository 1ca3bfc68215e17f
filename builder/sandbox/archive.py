"""Reads source archives strictly, and packs a tree so that the same tree gives the same bytes."""

import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

MAX_ENTRIES = 300_000
MAX_BYTES = 6 << 30
MAX_DEPTH = 64
MAX_NAME = 1024
MAX_RATIO = 250
RATIO_FREE_BYTES = 256 << 20
CHUNK = 1 << 20
# RuntimeError is what zipfile raises where a way of packing is not known to it.
_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


class ArchiveRefusedError(Exception):
    """The archive holds something that a source archive has no business holding."""


def unpack(archive: str, target: str) -> None:
    """Unpacks a tar or zip archive into a folder that does not exist yet.

    Only regular files, folders, and links that stay inside the tree are accepted. Modes become
    0644 or 0755, owners and times are dropped. Raises ArchiveRefusedError at the first offence.
    """
    os.mkdir(target)
    writer = _Tree(target, os.path.getsize(archive))
    try:
        if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
            _unpack_zip(archive, writer)
        else:
            _unpack_tar(archive, writer)
    except _UNREADABLE as error:
        raise ArchiveRefusedError(f"cannot be read: {error}") from error
    writer.finish()


def only_folder(folder: str) -> str:
    """The name of the one entry of a folder, which must itself be a folder."""
    entries = sorted(os.listdir(folder))
    if len(entries) != 1 or not os.path.isdir(os.path.join(folder, entries[0])):
        shown = ", ".join(repr(name) for name in entries[:5]) or "nothing"
        raise ArchiveRefusedError(f"must hold one folder at its top, holds {shown}")
    return entries[0]


def pack(folder: str, top: str, target: str, epoch: int) -> None:
    """Writes a folder as a .tar.gz: sorted names, fixed times, owners and modes."""
    with (
        open(target, "xb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, name in _walk(folder, top):
            _add(tar, path, name, epoch)


def _walk(folder: str, top: str) -> Iterator[tuple[str, str]]:
    yield folder, top
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        name = f"{top}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, name)
        else:
            yield entry.path, name


def _add(tar: tarfile.TarFile, path: str, name: str, epoch: int) -> None:
    info = tarfile.TarInfo(name)
    info.mtime = epoch
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        tar.addfile(info)
    elif stat.S_ISDIR(status.st_mode):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    else:
        info.size, info.mode = status.st_size, _plain_mode(status.st_mode)
        with open(path, "rb") as file:
            tar.addfile(info, file)


def _plain_mode(mode: int) -> int:
    return 0o755 if mode & 0o111 else 0o644


def _unpack_tar(archive: str, writer: "_Tree") -> None:
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            if member.isfile():
                if member.size < 0 or member.issparse():
                    raise ArchiveRefusedError(f"{member.name!r}: sparse or of negative size")
                content = tar.extractfile(member)
                if content is not None:
                    writer.file(member.name, member.mode, content)
            elif member.isdir():
                writer.folder(member.name)
            elif member.issym():
                writer.symlink(member.name, member.linkname)
            elif member.islnk():
                writer.hard_link(member.name, member.linkname)
            elif member.type not in (tarfile.XGLTYPE, tarfile.XHDTYPE):
                raise ArchiveRefusedError(
                    f"{member.name!r}: a device, fifo or unknown kind of entry"
                )


def _unpack_zip(archive: str, writer: "_Tree") -> None:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                raise ArchiveRefusedError(f"{info.filename!r}: encrypted")
            if stat.S_ISLNK(mode):
                target = packed.read(info) if info.file_size <= MAX_NAME else b"/"
                writer.symlink(info.filename, os.fsdecode(target))
            elif info.is_dir():
                writer.folder(info.filename)
            elif mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
                raise ArchiveRefusedError(
                    f"{info.filename!r}: a device, fifo or unknown kind of entry"
                )
            else:
                with packed.open(info) as content:
                    writer.file(info.filename, mode, content)


class _Tree:
    """Writes members below a root, counting and checking each before anything is written."""

    def __init__(self, root: str, packed_bytes: int) -> None:
        self._root = root
        self._packed_bytes = packed_bytes
        self._entries = 0
        self._bytes = 0
        self._links: dict[str, str] = {}
        self._folders = {""}

    def folder(self, name: str) -> None:
        path = self._checked(name)
        if path and path not in self._folders:
            self._parents(path + "/x")

    def file(self, name: str, mode: int, content: IO[bytes]) -> None:
        path = self._checked(name)
        self._parents(path)
        descriptor = self._create(path, _plain_mode(mode))
        with os.fdopen(descriptor, "wb") as out:
            while chunk := content.read(CHUNK):
                self._count_bytes(len(chunk), name)
                out.write(chunk)

    def symlink(self, name: str, target: str) -> None:
        path = self._checked(name)
        self._parents(path)
        if os.path.lexists(os.path.join(self._root, path)):
            raise ArchiveRefusedError(f"{name!r}: appears twice")
        inside = _resolved(os.path.dirname(path), target)
        if inside is None:
            raise ArchiveRefusedError(f"{name!r}: links to {target!r}, outside the archive")
        self._links[path] = inside
        os.symlink(target, os.path.join(self._root, path))

    def hard_link(self, name: str, target: str) -> None:
        source = self._checked(target)
        full = os.path.join(self._root, source)
        if self._is_through_link(source) or not os.path.isfile(full):
            raise ArchiveRefusedError(
                f"{name!r}: hard link to {target!r}, which is no file before it"
            )
        with open(full, "rb") as content:
            self.file(name, os.stat(full).st_mode, content)

    def finish(self) -> None:
        """Links may point forward, so what they lead to is checked once everything is there."""
        root = os.path.realpath(self._root)
        for path in self._links:
            end = os.path.realpath(os.path.join(self._root, path))
            if end != root and not end.startswith(root + os.sep):
                raise ArchiveRefusedError(f"{path!r}: leads outside the archive")

    def _checked(self, name: str) -> str:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise ArchiveRefusedError(f"more than {MAX_ENTRIES} entries")
        if "\0" in name or "\\" in name or name.startswith("/") or len(name) > MAX_NAME:
            raise ArchiveRefusedError(f"{name[:80]!r}: not a plain relative name")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts or len(parts) > MAX_DEPTH or (parts and parts[0][1:2] == ":"):
            raise ArchiveRefusedError(f"{name[:80]!r}: not a plain relative name")
        return "/".join(parts)

    def _parents(self, path: str) -> None:
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            if folder in self._folders:
                continue
            if folder in self._links:
                raise ArchiveRefusedError(f"{path!r}: would be written through a link")
            try:
                os.mkdir(os.path.join(self._root, folder), 0o755)
            except FileExistsError as error:
                raise ArchiveRefusedError(f"{path!r}: its folder is a file") from error
            self._folders.add(folder)

    def _is_through_link(self, path: str) -> bool:
        parts = path.split("/")
        return any("/".join(parts[:count]) in self._links for count in range(1, len(parts) + 1))

    def _create(self, path: str, mode: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            return os.open(os.path.join(self._root, path), flags, mode)
        except FileExistsError as error:
            raise ArchiveRefusedError(f"{path!r}: appears twice") from error

    def _count_bytes(self, count: int, name: str) -> None:
        self._bytes += count
        if self._bytes > MAX_BYTES:
            raise ArchiveRefusedError(f"{name!r}: unpacks to more than {MAX_BYTES} bytes")
        if self._bytes > RATIO_FREE_BYTES and self._bytes > MAX_RATIO * self._packed_bytes:
            raise ArchiveRefusedError(
                f"{name!r}: unpacks to over {MAX_RATIO} times its packed size"
            )


def _resolved(folder: str, target: str) -> str | None:
    """Where a relative link leads, as a path in the archive; None where it leaves it."""
    if target.startswith("/") or "\0" in target or "\\" in target:
        return None
    path = os.path.normpath(os.path.join(folder, target))
    return None if path == ".." or path.startswith(("../", "/")) else path


def remove(folder: str) -> None:
    """Removes a tree, whatever its modes."""
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o700)
    shutil.rmtree(folder)

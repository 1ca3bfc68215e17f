"""Reads a wheel's zip archive only where every reader would read the same."""

import stat
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from builder.inspect.collect import RefusedOutput

MAX_ENTRIES = 200_000
MAX_UNPACKED_BYTES = 16 << 30
MAX_NAME = 512
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED = 0x1
_DESCRIPTOR_FOLLOWS = 0x8
_IN_EXTRA_FIELD = 0xFFFFFFFF
_DESCRIPTOR_SIZES = frozenset({12, 16, 20, 24})


def checked_entries(path: Path) -> tuple[zipfile.ZipInfo, ...]:
    """The file entries of a zip archive that has no second reading.

    Folders are left out. Refused are: data before, between or after the entries, a comment,
    duplicate or unsafe names, headers that contradict each other, encryption, links, bombs.

    Raises:
        RefusedOutput: the archive is not such a one.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            infos = archive.infolist()
            _check_end(file, archive, infos)
            _check_totals(infos)
            for info in infos:
                _check_entry(info)
            _check_layout(file, infos, archive.start_dir)
            return tuple(info for info in infos if not info.is_dir())
    except (zipfile.BadZipFile, struct.error, NotImplementedError, UnicodeDecodeError) as error:
        raise RefusedOutput(f"the wheel is no readable zip archive: {error}") from error


def _check_end(file: BinaryIO, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    size = file.seek(0, 2)
    file.seek(size - _END.size)
    magic, *_, disk_total, _, _, comment = _END.unpack(file.read(_END.size))
    if magic != b"PK\x05\x06" or comment or archive.comment:
        raise RefusedOutput("the wheel has a comment or data behind its end")
    if disk_total not in (len(infos), 0xFFFF):
        raise RefusedOutput("the wheel's end record counts other entries than there are")


def _check_totals(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_ENTRIES:
        raise RefusedOutput(f"the wheel has more than {MAX_ENTRIES} entries")
    if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
        raise RefusedOutput(f"the wheel unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    seen: set[str] = set()
    for info in infos:
        if info.filename in seen:
            raise RefusedOutput(f"the wheel has {info.filename!r} twice")
        seen.add(info.filename)
    files = {name for name in seen if not name.endswith("/")}
    for name in seen:
        for parent in PurePosixPath(name).parents:
            if str(parent) in files:
                raise RefusedOutput(f"the wheel has {str(parent)!r} as a file and a folder")


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = name.rstrip("/").split("/")
    unsafe = name.startswith("/") or "\\" in name or "\0" in name or len(name) > MAX_NAME
    if unsafe or any(part in ("", ".", "..") for part in parts) or name != info.filename:
        raise RefusedOutput(f"the wheel has an unsafe name: {name[:200]!r}")
    if info.flag_bits & _ENCRYPTED:
        raise RefusedOutput(f"{name!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedOutput(f"{name!r} is neither stored nor deflated")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise RefusedOutput(f"{name!r} is a link or a device")


def _check_layout(file: BinaryIO, infos: list[zipfile.ZipInfo], end: int) -> None:
    position = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset != position:
            raise RefusedOutput(f"the wheel has data that no entry owns before {info.filename!r}")
        length, has_descriptor = _check_local_header(file, info)
        position += length + info.compress_size
        if has_descriptor:
            position += _descriptor_size(file, position)
    if position != end:
        raise RefusedOutput("the wheel has data between its entries and its directory")


def _check_local_header(file: BinaryIO, info: zipfile.ZipInfo) -> tuple[int, bool]:
    """Compares an entry's own header with the directory's; gives its length, and what follows."""
    file.seek(info.header_offset)
    magic, _, flags, method, _, _, *numbers, name_length, extra_length = _LOCAL_HEADER.unpack(
        file.read(_LOCAL_HEADER.size)
    )
    raw_name = file.read(name_length)
    encoding = "utf-8" if flags & 0x800 else "cp437"
    has_descriptor = bool(flags & _DESCRIPTOR_FOLLOWS)
    agreed = zip(numbers, (info.CRC, info.compress_size, info.file_size), strict=True)
    if (
        magic != b"PK\x03\x04"
        or raw_name.decode(encoding) != info.orig_filename
        or method != info.compress_type
        or (flags ^ info.flag_bits) & ~_DESCRIPTOR_FOLLOWS
        or any(here not in (there, *_stand_ins(has_descriptor)) for here, there in agreed)
    ):
        raise RefusedOutput(f"the two headers of {info.filename!r} contradict each other")
    return _LOCAL_HEADER.size + name_length + extra_length, has_descriptor


def _stand_ins(has_descriptor: bool) -> tuple[int, ...]:  # noqa: FBT001 - one fact of the header
    """What a local header may have where the number itself is elsewhere."""
    return (_IN_EXTRA_FIELD, 0) if has_descriptor else (_IN_EXTRA_FIELD,)


def _descriptor_size(file: BinaryIO, position: int) -> int:
    """Descriptors may have a signature or not, short or long sizes (APPNOTE 4.3.9)."""
    file.seek(position)
    following = file.read(max(_DESCRIPTOR_SIZES) + 4)
    signed = following[:4] == b"PK\x07\x08"
    for size in sorted(_DESCRIPTOR_SIZES):
        if signed == (size in (16, 24)) and following[size : size + 4] in (
            b"PK\x03\x04",
            b"PK\x01\x02",
        ):
            return size
    raise RefusedOutput("the wheel has an entry of unknown length")

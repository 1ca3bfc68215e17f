"""Reads a wheel's zip archive only where every reader would read the same."""

import stat
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from builder.inspect.collect import RefusedOutput

MAX_ENTRIES = 200_000
MAX_UNPACKED_BYTES = 16 << 30
MAX_NAME = 512
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED = 0x1
_DESCRIPTOR_FOLLOWS = 0x8
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
        file.seek(info.header_offset)
        header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        magic, flags, method, name_length, extra_length = (
            header[0], header[2], header[3], header[9], header[10],
        )  # fmt: skip
        raw_name = file.read(name_length)
        encoding = "utf-8" if flags & 0x800 else "cp437"
        if (
            magic != b"PK\x03\x04"
            or raw_name.decode(encoding) != info.orig_filename
            or method != info.compress_type
            or (flags ^ info.flag_bits) & ~_DESCRIPTOR_FOLLOWS
        ):
            raise RefusedOutput(f"the two headers of {info.filename!r} contradict each other")
        position += _LOCAL_HEADER.size + name_length + extra_length + info.compress_size
        if flags & _DESCRIPTOR_FOLLOWS:
            position += _descriptor_size(file, position)
    if position != end:
        raise RefusedOutput("the wheel has data between its entries and its directory")


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

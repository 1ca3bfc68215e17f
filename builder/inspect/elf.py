"""What ELF files a wheel has, which machines they are for, which libraries they need and are.

The files are upstream's and are read on the host, as data: by a library in pure Python, through a
stream that counts what is taken from it. Every loop of the library reads, so that the count bounds
time and memory alike, and the same file ends the same way on every machine. Whatever the library
makes of a file that it cannot read, the file is named, and the wheel says so.
"""

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from elfdeps import ELFAnalyzeSettings, ELFInfo, SOInfo, analyze_elffile
from elftools.elf.elffile import ELFFile

from builder.inspect.collect import RefusedOutput

MAX_READS = 2_000_000
"""For all files of a wheel: some ten seconds at most."""
MAX_FILE_BYTES = 4 << 30
MAX_NAMES = 10_000
"""That one file requires and provides."""
_MAGIC = b"\x7fELF"
_KEPT_IN_MEMORY = 16 << 20
_CHUNK = 1 << 20
_SHARED_OBJECT = re.compile(r".*\.so(\.[\d.]+)?")
_NAME = re.compile(r"[!-~]{0,1024}")
_LIBRARY = re.compile(r"(lib|ld(64)?[.-]).*\.so.*")
_EXTENSION_MODULE = re.compile(r".*\.(abi3|cpython-[\w-]+|pypy[\w-]+)\.so")
_LINKER_FEATURE = "rtld"
_HEADER_SIZE = 20
_CLASSES = {1: 32, 2: 64}
_ORDERS = {1: "little", 2: "big"}
_EXECUTABLE, _SHARED = 2, 3
_SCRIPTS = re.compile(r"[^/]*\.data/scripts/.*")


@dataclass(frozen=True)
class Machine:
    """What a file is compiled for, as its first bytes say it.

    Attributes:
        number: as ELF counts architectures.
        order: of bytes, `little` or `big`.
    """

    number: int
    bits: int
    order: str


@dataclass(frozen=True)
class Libraries:
    """What a file needs and what it is."""

    requires: frozenset[SOInfo]
    provides: frozenset[SOInfo]


@dataclass(frozen=True)
class ElfFile:
    """One ELF file of a wheel.

    Attributes:
        is_run: whether it is loaded or run where it is installed, by its name, mode and place; all
            others are data, such as objects, or files of a test.
        machine: None for what can neither be loaded nor run, and for what is cut off.
        libraries: None for data, and for a file that nothing is known of.
    """

    name: str
    is_run: bool
    machine: Machine | None = None
    libraries: Libraries | None = None


@dataclass(frozen=True)
class ElfFacts:
    """What the ELF files of a wheel say, sorted, as RPM spells it: `libc.so.6(GLIBC_2.4)(64bit)`.

    Attributes:
        requires: what none of them provides.
        unreadable: the files that nothing is known of.
    """

    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def elf_files(
    archive: zipfile.ZipFile,
    entries: Iterable[zipfile.ZipInfo],
    scratch: Path,
    max_reads: int = MAX_READS,
) -> tuple[ElfFile, ...]:
    """Reads the ELF files among a wheel's files, sorted by name.

    Args:
        archive: the wheel.
        entries: its files.
        scratch: a folder for a copy of a file that is too large for memory.
        max_reads: after how many reads files are no longer read.

    Raises:
        RefusedOutput: a file cannot be unpacked.
    """
    found: list[ElfFile] = []
    allowance = _Allowance(max_reads)
    for info in sorted(entries, key=lambda info: info.filename):
        start = _start(archive, info)
        if not start.startswith(_MAGIC):
            continue
        is_run = _is_run(info)
        libraries = _libraries(archive, info, scratch, allowance) if is_run else None
        found.append(ElfFile(info.filename, is_run, _machine(start), libraries))
    return tuple(found)


def facts_of(files: Iterable[ElfFile]) -> ElfFacts:
    """What the files of a wheel need and are, all of them taken together."""
    requires: set[SOInfo] = set()
    provides: set[SOInfo] = set()
    unreadable: list[str] = []
    for file in files:
        if file.libraries is not None:
            requires.update(filter(_is_library, file.libraries.requires))
            provides.update(filter(_is_library, file.libraries.provides))
        elif file.is_run:
            unreadable.append(file.name)
    return ElfFacts(
        tuple(map(str, sorted(requires - provides))),
        tuple(map(str, sorted(provides))),
        tuple(unreadable),
    )


def _is_run(info: zipfile.ZipInfo) -> bool:
    """Shared objects by their names, programs by their modes or as scripts: all else is data."""
    return (
        _is_executable(info)
        or _SHARED_OBJECT.fullmatch(_base_name(info)) is not None
        or _SCRIPTS.fullmatch(info.filename) is not None
    )


def _is_executable(info: zipfile.ZipInfo) -> bool:
    return bool((info.external_attr >> 16) & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))


def _base_name(info: zipfile.ZipInfo) -> str:
    return PurePosixPath(info.filename).name


def _start(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as file:
            return file.read(_HEADER_SIZE)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise RefusedOutput(f"{info.filename!r} cannot be read: {error}") from error


def _machine(start: bytes) -> Machine | None:
    if len(start) < _HEADER_SIZE or start[4] not in _CLASSES or start[5] not in _ORDERS:
        return None
    kind, number = struct.unpack_from("<HH" if start[5] == 1 else ">HH", start, 16)
    if kind not in (_EXECUTABLE, _SHARED):
        return None
    return Machine(number, _CLASSES[start[4]], _ORDERS[start[5]])


def _libraries(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, scratch: Path, allowance: "_Allowance"
) -> Libraries | None:
    found = _analyzed(archive, info, scratch, allowance)
    if found is None or len(found.requires) + len(found.provides) > MAX_NAMES:
        return None
    return Libraries(frozenset(found.requires), frozenset(found.provides))


def _analyzed(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, scratch: Path, allowance: "_Allowance"
) -> ELFInfo | None:
    if info.file_size > MAX_FILE_BYTES:
        return None
    with tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY, dir=str(scratch)) as copy:
        _unpack(archive, info, copy)
        stream = cast("IO[bytes]", _Counted(copy, allowance))
        try:
            found = analyze_elffile(
                ELFFile(stream),
                filename=Path(_base_name(info)),
                is_exec=_is_executable(info),
                settings=ELFAnalyzeSettings(),
            )
        except Exception:  # noqa: BLE001 - whatever a hostile file leads the library to
            return None
    return found if all(map(_is_printable, (*found.requires, *found.provides))) else None


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, copy: IO[bytes]) -> None:
    try:
        with archive.open(info) as file:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise RefusedOutput(f"{info.filename!r} cannot be read: {error}") from error


def _is_printable(one: SOInfo) -> bool:
    return all(_NAME.fullmatch(text) for text in (one.soname, one.version))


def _is_library(one: SOInfo) -> bool:
    """Whether others could need or provide it; elfdeps would ask the host's Python for that."""
    if one.soname == _LINKER_FEATURE:
        return True
    return bool(_LIBRARY.fullmatch(one.soname)) and not _EXTENSION_MODULE.fullmatch(one.soname)


class _SpentError(Exception):
    """More was read than any sound wheel needs."""


class _Allowance:
    """How many reads are left for the files of a wheel."""

    def __init__(self, reads: int) -> None:
        self._left = reads

    def spend(self) -> None:
        """Counts one read.

        Raises:
            _SpentError: it was one too many.
        """
        self._left -= 1
        if self._left < 0:
            raise _SpentError


class _Counted:
    """A file that counts how often it is read."""

    def __init__(self, file: IO[bytes], allowance: _Allowance) -> None:
        self._file = file
        self._allowance = allowance

    def read(self, size: int = -1) -> bytes:
        self._allowance.spend()
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

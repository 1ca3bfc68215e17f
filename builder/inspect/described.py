"""Reads what a wheel says of its own build; whoever built it may have said anything."""

import json
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.domain.releases import Pin
from builder.inspect.archive import checked_entries
from builder.inspect.collect import RefusedOutput
from builder.inspect.description import (
    BACKEND,
    ELF_PROVIDES,
    ELF_REQUIRES,
    ELF_UNREADABLE,
    REPAIR,
    SDIST,
    SETTINGS,
    SYSTEM,
)

MAX_BYTES = 16 << 20


@dataclass(frozen=True)
class DescribedWheel:
    """A wheel by its name, and what its own files say of its build.

    Attributes:
        settings: None, as each of those below, where the wheel does not say.
        elf_unreadable: files that the two before it leave out.
        repair: what was made of it once it was built; None for nothing.
    """

    pin: Pin
    build_tag: str
    tags: tuple[str, ...]
    settings: Mapping[str, Any] | None
    build_system_requires: tuple[str, ...] | None
    build_backend_requires: tuple[str, ...] | None
    build_sdist_requires: tuple[str, ...] | None
    elf_requires: tuple[str, ...] | None
    elf_provides: tuple[str, ...] | None
    elf_unreadable: tuple[str, ...] | None
    repair: Mapping[str, Any] | None


def read_described(path: Path) -> DescribedWheel:
    """Reads a wheel of whoever's making.

    Raises:
        RefusedOutput: it is no wheel, or what it says is of no known form.
    """
    try:
        name, version, build, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise RefusedOutput(f"{path.name!r} is no wheel's name") from error
    pin = Pin(name, version)
    files = _Files(path, pin)
    settings = files.text(SETTINGS)
    # A wheel whose build is described has no such files where there is nothing to say.
    silence = None if settings is None else ()
    return DescribedWheel(
        pin,
        "".join(map(str, build)),
        tuple(sorted(map(str, tags))),
        None if settings is None else _toml(settings),
        files.lines(SYSTEM),
        files.lines(BACKEND),
        files.lines(SDIST),
        files.lines(ELF_REQUIRES) or silence,
        files.lines(ELF_PROVIDES) or silence,
        _names(files.text(ELF_UNREADABLE)) or silence,
        _repair(files.text(REPAIR)),
    )


class _Files:
    """The small texts beside a wheel's METADATA."""

    def __init__(self, path: Path, pin: Pin) -> None:
        self._texts: dict[str, str] = {}
        wanted = {SETTINGS, SYSTEM, BACKEND, SDIST}
        wanted |= {ELF_REQUIRES, ELF_PROVIDES, ELF_UNREADABLE, REPAIR}
        entries = checked_entries(path)
        with zipfile.ZipFile(path) as archive:
            for info in entries:
                folder, _, name = info.filename.partition("/")
                stem = folder.removesuffix(".dist-info")
                if name in wanted and stem != folder and _is_of(stem, pin):
                    self._texts[name] = _text(archive, info)

    def text(self, name: str) -> str | None:
        return self._texts.get(name)

    def lines(self, name: str) -> tuple[str, ...] | None:
        text = self.text(name)
        return None if text is None else tuple(line for line in text.splitlines() if line.strip())


def _is_of(stem: str, pin: Pin) -> bool:
    return canonicalize_name(stem.split("-", 1)[0]) == pin.name


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > MAX_BYTES:
        raise RefusedOutput(f"{info.filename!r} is larger than {MAX_BYTES} bytes")
    try:
        return archive.read(info).decode("utf-8")
    except (zipfile.BadZipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RefusedOutput(f"{info.filename!r} cannot be read: {error}") from error


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RefusedOutput(f"{SETTINGS} is no TOML: {error}") from error


def _repair(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedOutput(f"{REPAIR} is no JSON: {error}") from error
    libraries = said.get("libraries") if isinstance(said, dict) else None
    if not isinstance(libraries, list) or not all(isinstance(one, dict) for one in libraries):
        raise RefusedOutput(f"{REPAIR} does not tell of libraries")
    return {**said, "libraries": libraries}


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedOutput(f"{ELF_UNREADABLE} is no JSON: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RefusedOutput(f"{ELF_UNREADABLE} is no list of names")
    return tuple(names)

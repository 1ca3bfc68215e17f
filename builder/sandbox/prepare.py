"""From a fetched sdist to a prepared source, without running anything of it."""

import os
import re
from typing import Any

import archive
import patches

MAX_TEXT = 4 << 20
UNPACKED = "/build/unpacked"


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Unpacks, patches, reads what the source says of itself, and packs it under a fixed name."""
    archive.unpack("/in/" + task["archive"], UNPACKED)
    folder = os.path.join(UNPACKED, archive.only_folder(UNPACKED))
    try:
        patches.apply(folder, task["patches"])
    except patches.PatchFailedError as failed:
        return {"status": "unpatched", "number": failed.number, "reason": str(failed)}
    if task["stub"]:
        _state_release(folder, task["stub"]["name"], task["stub"]["version"])
    archive.pack(folder, task["top"], "/out/source.tar.gz", task["epoch"])
    return {
        "status": "prepared",
        "pyproject": _text(folder, "pyproject.toml"),
        "pkg_info": _text(folder, "PKG-INFO"),
        "has_setup": any(
            os.path.isfile(os.path.join(folder, name)) for name in ("setup.py", "setup.cfg")
        ),
    }


def look(task: dict[str, Any]) -> dict[str, Any]:
    """Unpacks, and tells what the source says of its name and its version."""
    archive.unpack("/in/" + task["archive"], UNPACKED)
    folder = os.path.join(UNPACKED, archive.only_folder(UNPACKED))
    return {
        "status": "seen",
        "pyproject": _text(folder, "pyproject.toml"),
        "pkg_info": _text(folder, "PKG-INFO"),
        "setup_cfg": _text(folder, "setup.cfg"),
    }


def _state_release(folder: str, name: str, version: str) -> None:
    """Writes a PKG-INFO where there is none.

    Backends that take the version from a repository look there in an unpacked release. It is
    marked as one that promises nothing else.
    """
    path = os.path.join(folder, "PKG-INFO")
    if os.path.lexists(path):
        return
    text = f"Metadata-Version: 1.0\nName: {_spelled(folder, name)}\nVersion: {version}\n"
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)


def _spelled(folder: str, name: str) -> str:
    """The name as the source spells it: some backends compare the two letter by letter."""
    for file in ("setup.cfg", "pyproject.toml"):
        for found in re.finditer(r"(?m)^\s*name\s*=\s*[\"']?([\w.-]+)", _text(folder, file) or ""):
            if re.sub(r"[-_.]+", "-", found[1]).lower() == name:
                return found[1]
    return name


def _text(folder: str, name: str) -> str | None:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        return None
    if os.path.getsize(path) > MAX_TEXT:
        raise archive.ArchiveRefusedError(f"{name!r}: larger than {MAX_TEXT} bytes")
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")

"""From a fetched sdist to a prepared source; nothing of it is run unless a plugin asks for that."""

import os
import re
from typing import Any

import archive
import compiled
import crates
import instructions
import patches

MAX_TEXT = 4 << 20
UNPACKED = "/build/unpacked"


class UnfitSettingError(Exception):
    """A setting of the package does not go with its source."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(reason)
        self.setting = setting


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Unpacks, changes, reads what the source says of itself, and packs it under a fixed name."""
    archive.unpack("/in/" + task["archive"], UNPACKED)
    root = os.path.join(UNPACKED, archive.only_folder(UNPACKED))
    try:
        patches.apply(root, task["patches"])
        folder = inside(root, task["build_dir"])
        _change_requires(folder, task["requires"])
        _carry_out(root, folder, task["instructions"])
    except patches.PatchFailedError as failed:
        return {"status": "unpatched", "number": failed.number, "reason": str(failed)}
    except UnfitSettingError as unfit:
        return {"status": "unfit", "setting": unfit.setting, "reason": str(unfit)}
    except instructions.InstructionFailedError as failed:
        return {"status": "undone", "reason": str(failed)}
    if task["stub"]:
        for place in dict.fromkeys((root, folder)):
            _state_release(place, folder, task["stub"]["name"], task["stub"]["version"])
    if task["has_crates"]:
        crates.forget_changed(folder)
    archive.pack(root, task["top"], "/out/source.tar.gz", task["epoch"])
    return {"status": "prepared", **_described(folder), **_compiled(root)}


def inside(root: str, build_dir: str) -> str:
    """The folder of a source that is built, which no link may lead to.

    Raises:
        UnfitSettingError: there is no such folder.
    """
    folder = root
    for part in build_dir.split("/"):
        if part in ("", "."):
            continue
        folder = os.path.join(folder, part)
        if part == ".." or not os.path.isdir(folder) or os.path.islink(folder):
            is_link = os.path.islink(folder)
            shown = os.path.relpath(folder, root)
            reason = "is a link" if is_link else "is no folder of the source"
            raise UnfitSettingError("build_dir", f"{shown!r} {reason}")
    return folder


def _change_requires(folder: str, changes: dict[str, Any] | None) -> None:
    if changes is None:
        return
    # Most sources are prepared without it, and it takes a quarter of a second to load.
    import pyproject  # noqa: PLC0415

    try:
        pyproject.change(folder, changes["update"], changes["remove"])
    except pyproject.UnusablePyprojectError as error:
        raise UnfitSettingError("project_override", str(error)) from error


def _carry_out(root: str, folder: str, asked: list[dict[str, Any]]) -> None:
    """Does what a plugin asks for: here alone, code of upstream may be run.

    Raises:
        InstructionFailedError: something failed, or left what no source can hold.
    """
    if not asked:
        return
    instructions.carry_out(folder, asked, {})
    if not os.path.isdir(folder):
        raise instructions.InstructionFailedError("the folder that is built is gone")
    left = instructions.stray(root) or patches.stray_link(root)
    if left is not None:
        reason = f"it left {left!r}, which no source archive can hold"
        raise instructions.InstructionFailedError(reason)


def _described(folder: str) -> dict[str, Any]:
    return {
        "pyproject": _text(folder, "pyproject.toml"),
        "pkg_info": _text(folder, "PKG-INFO"),
        "has_setup": any(
            os.path.isfile(os.path.join(folder, name)) for name in ("setup.py", "setup.cfg")
        ),
    }


def _compiled(root: str) -> dict[str, Any]:
    names, count = compiled.compiled_files(root)
    return {"compiled": names, "compiled_count": count}


def look(task: dict[str, Any]) -> dict[str, Any]:
    """Unpacks, and tells what the source says of its name and its version."""
    archive.unpack("/in/" + task["archive"], UNPACKED)
    root = os.path.join(UNPACKED, archive.only_folder(UNPACKED))
    folder: str | None
    try:
        folder = inside(root, task["build_dir"])
    except UnfitSettingError:
        folder = None  # perhaps of a submodule, which is not here; preparing it will tell
    files = {"pyproject": "pyproject.toml", "pkg_info": "PKG-INFO", "setup_cfg": "setup.cfg"}
    said = {name: _text(folder, file) if folder else None for name, file in files.items()}
    return {"status": "seen", **said}


def _state_release(place: str, folder: str, name: str, version: str) -> None:
    """Writes a PKG-INFO where there is none.

    Backends that take the version from a repository look there in an unpacked release: at its
    root, or beside the pyproject.toml. It is marked as one that promises nothing else.
    """
    path = os.path.join(place, "PKG-INFO")
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

"""From a fetched sdist to a prepared source, without running anything of it."""

import os
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
    archive.pack(folder, task["top"], "/out/source.tar.gz", task["epoch"])
    return {
        "status": "prepared",
        "pyproject": _text(folder, "pyproject.toml"),
        "pkg_info": _text(folder, "PKG-INFO"),
        "has_setup": any(
            os.path.isfile(os.path.join(folder, name)) for name in ("setup.py", "setup.cfg")
        ),
    }


def _text(folder: str, name: str) -> str | None:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        return None
    if os.path.getsize(path) > MAX_TEXT:
        raise archive.ArchiveRefusedError(f"{name!r}: larger than {MAX_TEXT} bytes")
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")

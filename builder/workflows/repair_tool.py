"""auditwheel and what it imports, as they came with this program, for a container to run."""

import functools
from importlib import metadata
from pathlib import Path

from builder.domain.digests import Digest
from builder.workflows.agent import installed
from builder.workflows.laid_down import LaidDown, digest_of, lay_down

_TOOL = "auditwheel"
_LIBRARIES = (_TOOL, "elftools", "packaging")
_KINDS = (".json", ".py")


def install_repair_tool(parent: Path) -> LaidDown:
    """Copies it below a folder.

    Raises:
        StorageError: the folder cannot be written.
    """
    return lay_down(_files(), parent)


@functools.cache
def repair_tool_digest() -> Digest:
    """Of everything that takes part in a repair, apart from the image."""
    return digest_of(_files())


def repair_tool_version() -> str:
    """That of auditwheel."""
    return metadata.version(_TOOL)


def _files() -> dict[str, Path]:
    files = {
        f"{library}/{path.relative_to(root)}": path
        for library in _LIBRARIES
        for root in (installed(library),)
        for path in sorted(root.rglob("*"))
        if path.suffix in _KINDS
    }
    # It asks for its own version, which stands there.
    for one in metadata.files(_TOOL) or ():
        if one.name == "METADATA":
            files[str(one)] = Path(str(one.locate()))
    return files

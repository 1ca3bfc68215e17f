"""Files of our own for containers: copied to one folder, named by the digest of all of them."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.domain.digests import Digest
from builder.errors import StorageError


@dataclass(frozen=True)
class LaidDown:
    """A folder to mount, and the digest of all that is in it."""

    folder: Path
    digest: Digest


def lay_down(files: Mapping[str, Path], parent: Path) -> LaidDown:
    """Copies files below a folder, unless they are there already.

    Args:
        files: where each is, by what it is to be called.
        parent: the folder that gets a folder with them.

    Raises:
        StorageError: it cannot be written.
    """
    digest = digest_of(files)
    folder = parent / digest.sha256[:16]
    if not folder.is_dir():
        try:
            _copy(files, folder)
        except OSError as error:
            raise StorageError(
                f"the cache cannot be written: {folder.parent}: {error.strerror}",
                hint="free some space, or choose another folder with --cache-dir",
            ) from error
    return LaidDown(folder, digest)


def digest_of(files: Mapping[str, Path]) -> Digest:
    """Of the names and contents of all files."""
    hasher = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        hasher.update(f"{name}\0{len(content)}\0".encode() + content)
    return Digest(hasher.hexdigest())


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        for name, path in files.items():
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        for parent, _, names in os.walk(temporary):
            Path(parent).chmod(0o755)
            for name in names:
                (Path(parent) / name).chmod(0o644)
        if not folder.exists():
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

"""The agent that runs inside containers: its files, copied to one folder, named by their digest."""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from builder.domain.digests import Digest
from builder.errors import StorageError

_SANDBOX = Path(__file__).parent.parent / "sandbox"
_LIBRARIES = ("pyproject_hooks", "tomlkit")


@dataclass(frozen=True)
class Agent:
    """A folder to mount at /agent, and the digest of all that is in it."""

    folder: Path
    digest: Digest


def install_agent(cache: Path) -> Agent:
    """Copies the agent and what it imports below the cache, unless they are there already.

    Raises:
        StorageError: the cache cannot be written.
    """
    files = dict(_files())
    digest = _digest(files)
    folder = cache / "agent" / digest.sha256[:16]
    if not folder.is_dir():
        try:
            _copy(files, folder)
        except OSError as error:
            raise StorageError(
                f"the cache cannot be written: {folder.parent}: {error.strerror}",
                hint="free some space, or choose another folder with --cache-dir",
            ) from error
    return Agent(folder, digest)


def _files() -> list[tuple[str, Path]]:
    roots = [("", _SANDBOX), *((f"{name}/", _installed(name)) for name in _LIBRARIES)]
    return [
        (prefix + str(path.relative_to(root)), path)
        for prefix, root in roots
        for path in sorted(root.rglob("*.py"))
    ]


def _installed(library: str) -> Path:
    found = importlib.util.find_spec(library)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(library)
    return Path(found.origin).parent


def _digest(files: dict[str, Path]) -> Digest:
    hasher = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        hasher.update(f"{name}\0{len(content)}\0".encode() + content)
    return Digest(hasher.hexdigest())


def _copy(files: dict[str, Path], folder: Path) -> None:
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

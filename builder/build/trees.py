"""Unpacks finished wheels once, ready to be linked into build environments."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from builder.domain.builds import Wheel
from builder.domain.images import TargetPython

ENVIRONMENT_ROOT = PurePosixPath("/env")
MAX_BYTECODE_BYTES = 256 << 20


def unpack_wheel(wheel: Wheel, stored: Path, target: TargetPython, tree: Path) -> None:
    """Unpacks a canonical wheel into the layout of a virtual environment.

    Args:
        wheel: a validated, canonical wheel.
        stored: its file, under whatever name.
        target: whose paths are used.
        tree: a folder that does not exist yet.
    """
    site = str(tree / site_packages(target))
    scheme = {
        "purelib": site,
        "platlib": site,
        "scripts": str(tree / "bin"),
        "headers": str(
            tree / "include" / "site" / f"python{target.minor_version}" / wheel.pin.name
        ),
        "data": str(tree),
    }
    tree.mkdir(parents=True)
    destination = SchemeDictionaryDestination(
        scheme, interpreter=str(ENVIRONMENT_ROOT / "bin" / "python"), script_kind="posix"
    )
    with zipfile.ZipFile(stored) as archive:
        archive.filename = wheel.filename
        install(WheelFile(archive), destination, additional_metadata={})
    _open_up(tree)


def site_packages(target: TargetPython) -> Path:
    """Where modules lie, below the environment's root."""
    return Path("lib") / f"python{target.minor_version}" / "site-packages"


def add_bytecode(packed: Path, trees: Mapping[str, Path], target: TargetPython) -> None:
    """Puts compiled modules beside their sources.

    Only entries named exactly as a module that is there are taken; everything else is ignored.

    Args:
        packed: the zip archive that the compiling container left, already collected.
        trees: the trees by the name under which the container saw them.
        target: whose bytecode it is.
    """
    modules = {f"{name}/{module}" for name, tree in trees.items() for module in _modules(tree)}
    with zipfile.ZipFile(packed) as archive:
        for info in archive.infolist():
            if info.filename in modules and info.file_size <= MAX_BYTECODE_BYTES:
                name, _, relative = info.filename.partition("/")
                _write_bytecode(trees[name] / relative, archive.read(info), target.cache_tag)


def _modules(tree: Path) -> Iterator[str]:
    for folder, _, names in os.walk(tree):
        for name in names:
            if name.endswith(".py"):
                yield os.path.relpath(f"{folder}/{name}", tree)


def _write_bytecode(source: Path, content: bytes, cache_tag: str) -> None:
    folder = source.parent / "__pycache__"
    folder.mkdir(exist_ok=True)
    target = folder / f"{source.stem}.{cache_tag}.pyc"
    target.write_bytes(content)
    target.chmod(0o644)


def _open_up(tree: Path) -> None:
    """Everyone inside may read; nobody may write, whatever the caller's umask was."""
    for folder, _, names in os.walk(tree):
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - read by the user inside; thousands of them
        for name in names:
            path = f"{folder}/{name}"
            os.chmod(path, 0o755 if os.stat(path).st_mode & 0o111 else 0o644)  # noqa: PTH101, PTH116

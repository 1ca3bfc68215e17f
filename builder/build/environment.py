"""Assembles a build environment from unpacked wheels, by hard links: a ready tree and an index."""

import filecmp
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.build.trees import site_packages
from builder.domain.builds import Wheel
from builder.domain.images import TargetPython
from builder.domain.simple_index import index_page

_CONFIGURATION = "pyvenv.cfg"
_ITSELF = "the environment itself"


class ClashingWheels(ValueError):  # noqa: N818 - a finding about wheels, not our error
    """Two wheels of one environment own the same path with different contents."""


def assemble(
    folder: Path, trees: Mapping[Wheel, Path], files: Mapping[Wheel, Path], target: TargetPython
) -> None:
    """Makes `folder/env`, a virtual environment, and `folder/index`, a PEP 503 index.

    Args:
        folder: a folder that does not exist yet.
        trees: the unpacked form of each wheel.
        files: the stored file of each wheel.
        target: whose interpreter the environment is for.

    Raises:
        ClashingWheels: two wheels want the same path.
    """
    environment = folder / "env"
    owners = _owners(target)
    for path in owners.folders:
        (environment / path).mkdir(parents=True, exist_ok=True)
    for wheel, tree in trees.items():
        _link_tree(wheel.filename, tree, environment, owners)
    _interpreter(environment, target)
    _index(folder / "index", files)


@dataclass
class _Owners:
    """To whom each path of an environment belongs: to a wheel, or to the environment itself."""

    files: dict[str, str]
    folders: dict[str, str]


def _owners(target: TargetPython) -> _Owners:
    programs = ("bin/python", "bin/python3", f"bin/python{target.minor_version}")
    site = site_packages(target)
    return _Owners(
        files=dict.fromkeys((*programs, _CONFIGURATION), _ITSELF),
        folders=dict.fromkeys(("bin", str(site), *map(str, site.parents)), _ITSELF),
    )


def _link_tree(wheel: str, tree: Path, environment: Path, owners: _Owners) -> None:
    for folder, _, names in os.walk(tree):
        relative = os.path.relpath(folder, tree)
        if relative in owners.files:
            raise ClashingWheels(f"{owners.files[relative]} and {wheel} both own {relative}")
        owners.folders.setdefault(relative, wheel)
        os.makedirs(environment / relative, exist_ok=True)  # noqa: PTH103 - thousands of them
        for name in names:
            path = os.path.normpath(f"{relative}/{name}")
            if _is_new(path, wheel, f"{folder}/{name}", environment, owners):
                owners.files[path] = wheel
                _link(f"{folder}/{name}", f"{environment}/{path}")


def _is_new(path: str, wheel: str, source: str, environment: Path, owners: _Owners) -> bool:
    """Whether a file is to be linked: not where the same is there, or the environment has its own.

    Raises:
        ClashingWheels: somebody else has a folder or another file there.
    """
    owner = owners.folders.get(path) or owners.files.get(path)
    if owner is None:
        return True
    if path in owners.files and owner == _ITSELF:
        return False
    if path in owners.folders or not filecmp.cmp(source, environment / path, shallow=False):
        raise ClashingWheels(f"{owner} and {wheel} both own {path}")
    return False


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one with a limit on links: a copy serves as well.
        shutil.copy2(source, target)


def _interpreter(environment: Path, target: TargetPython) -> None:
    programs = environment / "bin"
    for name in ("python", "python3", f"python{target.minor_version}"):
        (programs / name).symlink_to(target.executable)
    home = PurePosixPath(target.executable).parent
    (environment / _CONFIGURATION).write_text(
        f"home = {home}\ninclude-system-site-packages = false\nversion = {target.version}\n"
    )


def _index(folder: Path, files: Mapping[Wheel, Path]) -> None:
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    projects: dict[str, list[Wheel]] = {}
    for wheel, stored in files.items():
        _link(str(stored), str(wheels / wheel.filename))
        projects.setdefault(wheel.pin.name, []).append(wheel)
    simple = folder / "simple"
    simple.mkdir()
    for name, offered in projects.items():
        page = simple / name
        page.mkdir()
        links = [
            (f"../../wheels/{wheel.filename}#sha256={wheel.digest.sha256}", wheel.filename)
            for wheel in offered
        ]
        (page / "index.html").write_text(index_page(name, links))
    (simple / "index.html").write_text(
        index_page("Simple index", [(f"{name}/", name) for name in sorted(projects)])
    )

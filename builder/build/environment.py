"""Assembles a build environment from unpacked wheels, by hard links: a ready tree and an index."""

import filecmp
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from builder.build.trees import site_packages
from builder.domain.builds import Wheel
from builder.domain.images import TargetPython
from builder.domain.simple_index import index_page


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
    (environment / site_packages(target)).mkdir(parents=True)
    owners: dict[str, Wheel] = {}
    for wheel, tree in trees.items():
        _link_tree(wheel, tree, environment, owners)
    _interpreter(environment, target)
    _index(folder / "index", files)


def _link_tree(wheel: Wheel, tree: Path, environment: Path, owners: dict[str, Wheel]) -> None:
    for folder, _, names in os.walk(tree):
        relative = os.path.relpath(folder, tree)
        os.makedirs(environment / relative, exist_ok=True)  # noqa: PTH103 - thousands of them
        for name in names:
            path = os.path.normpath(f"{relative}/{name}")
            source, linked = f"{folder}/{name}", f"{environment}/{path}"
            if path in owners:
                if not filecmp.cmp(source, linked, shallow=False):
                    raise ClashingWheels(
                        f"{owners[path].filename} and {wheel.filename} both own {path}"
                    )
                continue
            owners[path] = wheel
            _link(source, linked)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one with a limit on links: a copy serves as well.
        shutil.copy2(source, target)


def _interpreter(environment: Path, target: TargetPython) -> None:
    programs = environment / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("python", "python3", f"python{target.minor_version}"):
        link = programs / name
        link.unlink(missing_ok=True)
        link.symlink_to(target.executable)
    home = PurePosixPath(target.executable).parent
    (environment / "pyvenv.cfg").write_text(
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

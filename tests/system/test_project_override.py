"""Settings change what is built of a source, and what it is built with; nothing else of it."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.conftest import Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

PYPROJECT = """\
# The project of the folder.
[project]
name = "nested"
version = "1.0"

[build-system]
requires = ["missing-tool"]  # which nobody has
build-backend = "one_file"

[tool.one-file]
hook-requires = []
says = []
"""
SETTINGS = """\
build_dir: python
project_override:
  update_build_requires: [one-file>=1]
  remove_build_requires: [setuptools, Missing.Tool]
"""
PATCH = """\
--- a/python/nested.py
+++ b/python/nested.py
@@ -1 +1 @@
-VALUE = 1
+VALUE = 2
"""


def packed(top: str, files: Mapping[str, str], **links: str) -> bytes:
    """A source archive of the given texts and links."""
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb") as pressed,
        tarfile.open(fileobj=pressed, mode="w") as tar,
    ):
        for name, text in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
        for name, target in links.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return content.getvalue()


def prepared(program: Program, name: str) -> dict[str, str]:
    """The texts of a rebuilt sdist."""
    top = f"{name}-1.0"
    found = {}
    with tarfile.open(program.output / f"sdists-repo/builds/{top}.tar.gz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[member.name.removeprefix(f"{top}/")] = file.read().decode()
    return found


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def options(folder: Path) -> tuple[str, ...]:
    places = (("--settings-dir", "settings"), ("--patches-dir", "patches"))
    return tuple(word for option, name in places for word in (option, str(folder / name)))


def test_a_folder_is_planned_and_built_with_other_requirements(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.publish(Package("one-file", backend="", salt=salt))
    files = {"python/pyproject.toml": PYPROJECT, "python/nested.py": "VALUE = 1\n"}
    files |= {"pyproject.toml": "not for us", "salt": salt, "python/tool.exe": "compiled"}
    files |= {"PKG-INFO": "Metadata-Version: 2.2\nName: other\nVersion: 3\n"}
    program.index.publish("nested", "nested-1.0.tar.gz", packed("nested-1.0", files))
    lay(tmp_path, {"settings/nested.yaml": SETTINGS, "patches/nested-1/001.patch": PATCH})

    planned = program.run("bootstrap", "nested", "--sdist-only", *options(tmp_path))
    built = program.run("build-parallel", str(program.graph), *options(tmp_path))

    assert planned.status == 0, planned.stderr
    assert (
        "warning: nested==1.0: its source holds compiled files: python/tool.exe" in planned.stderr
    )
    assert built.status == 0, built.stderr
    assert "nested-1.0-0-py3-none-any.whl" in program.wheels()
    found = prepared(program, "nested")
    assert found["python/nested.py"] == "VALUE = 2\n"
    assert found["python/pyproject.toml"] == PYPROJECT.replace("missing-tool", "one-file>=1")
    assert found["python/PKG-INFO"].endswith("Name: nested\nVersion: 1.0\n")
    assert {name: found[name] for name in ("pyproject.toml", "PKG-INFO", "salt")} == {
        name: files[name] for name in ("pyproject.toml", "PKG-INFO", "salt")
    }


def test_settings_that_do_not_go_with_a_source_are_named(program: Program, tmp_path: Path) -> None:
    sources = {
        "linked": packed("linked-1.0", {"real/setup.py": ""}, sub="real"),
        "broken": packed("broken-1.0", {"pyproject.toml": "[build-system"}),
        "bare": packed("bare-1.0", {"setup.py": ""}),
    }
    for name, content in sources.items():
        program.index.publish(name, f"{name}-1.0.tar.gz", content)
    update = "project_override: {update_build_requires: [Cython<3, ninja]}\n"
    lay(
        tmp_path / "settings",
        {"linked.yaml": "build_dir: sub\n", "broken.yaml": update, "bare.yaml": update},
    )

    done = program.run("bootstrap", *sources, *options(tmp_path))

    assert "linked==1.0: prepare: linked-1.0.tar.gz: build_dir: 'sub' is a link" in done.stderr
    assert "hint: change it in the settings of linked" in done.stderr
    assert (
        "broken==1.0: prepare: broken-1.0.tar.gz: project_override: pyproject.toml is not valid: "
    ) in done.stderr
    assert prepared(program, "bare")["pyproject.toml"] == (
        '[build-system]\nrequires = [\n    "Cython<3",\n    "ninja",\n    "setuptools",\n]\n'
    )

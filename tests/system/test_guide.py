"""One overrides folder, two variants: the examples of a guide to customizing, built for real.

Variables are shown in test_settings.py, requirements and folders in test_project_override.py,
sources in test_sources.py, submodules in test_git.py, plugins, hooks and commands in
test_plugins.py.
"""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

GENERAL = """\
changelog:
  cpu: [first build for the CPU]
  rocm: [first build, newer compiler]
"""
NAME_FORMS = """\
annotations: {team: runtime}
changelog: {"1.0": [with another flag]}
env: {GREETING: for all}
variants:
  rocm: {env: {GREETING: "$GREETING, on rocm"}}
versions:
  ">=2": {env: {GREETING: never}}
"""
TAKEN = "variants: {rocm: {pre_built: true}}\n"
TELLS = "import os\nif PHASE == 'build_wheel':\n    print('GREETING', os.environ['GREETING'])\n"
# Each of them fits only what those before it leave.
PATCHES = {
    "test_pkg/001-every.patch": "",
    "test_pkg-1.0.2/002-version.patch": " 001",
    "test_pkg/cpu/004-cpu.patch": " 001 002",
    "test_pkg-1.0.2/cpu/005-both.patch": " 001 002 004",
    "test_pkg-1.0.2/010-last.patch": " 001 002 004 005",
    "test_pkg/rocm/003-rocm.patch": " 001",
    "test_pkg-1.0.3/rocm/004-both.patch": " 001 003",
    "test_pkg-1.0.3/011-last.patch": " 001 003 004",
}


def lay(folder: Path) -> None:
    texts = {"settings.yaml": GENERAL, "settings/name_forms.yaml": NAME_FORMS}
    texts["settings/taken.yaml"] = TAKEN
    for name, before in PATCHES.items():
        number = name.rpartition("/")[2][:3]
        texts[f"patches/{name}"] = (
            f"--- a/salt\n+++ b/salt\n@@ -1 +1 @@\n-order:{before}\n+order:{before} {number}\n"
        )
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def bootstrap(program: Program, folder: Path, variant: str, *requirements: str) -> Done:
    where = ("--settings-file", "settings.yaml"), ("--settings-dir", "settings")
    places = [*where, ("--patches-dir", "patches")]
    options = [word for option, name in places for word in (option, str(folder / name))]
    chosen = "--variant", variant, "--image", "cpu"
    return program.run("bootstrap", *requirements, *options, *chosen)


def patched(program: Program, version: str) -> str:
    top = f"test_pkg-{version}"
    with tarfile.open(program.output / f"sdists-repo/builds/{top}.tar.gz") as tar:
        file = tar.extractfile(f"{top}/salt")
        assert file is not None
        return file.read().decode()


def publish(program: Program, salt: str) -> Sequence[Package]:
    named = Package("name-forms", salt=salt, payload=TELLS)
    taken = Package("taken", salt=salt)
    program.publish(Package("one-file", backend="", salt=salt), named, taken)
    program.publish(*(Package("test-pkg", it, salt="order:\n") for it in ("1.0.2", "1.0.3")))
    program.publish_wheels(taken)
    return named, taken


def test_one_folder_serves_two_variants(program: Program, salt: str, tmp_path: Path) -> None:
    lay(tmp_path)
    named, taken = publish(program, salt)
    wanted = "Name.Forms", "taken"

    cpu = bootstrap(program, tmp_path, "cpu", *wanted, "test_pkg==1.0.2")
    assert cpu.status == 0, cpu.stderr
    assert program.wheels() == [
        "name_forms-1.0-2-py3-none-any.whl",
        "one_file-1.0-1-py3-none-any.whl",
        "taken-1.0-1-py3-none-any.whl",
        "test_pkg-1.0.2-1-py3-none-any.whl",
    ]
    assert "GREETING for all\n" in program.log(named)
    assert patched(program, "1.0.2") == "order: 001 002 004 005 010\n"

    rocm = bootstrap(program, tmp_path, "rocm", *wanted, "test_pkg==1.0.3")
    assert rocm.status == 0, rocm.stderr
    assert "GREETING for all, on rocm\n" in program.log(named)
    assert patched(program, "1.0.3") == "order: 001 003 004 011\n"
    prebuilt = program.output / "wheels-repo/prebuilt" / taken.wheel_filename
    assert prebuilt.read_bytes() == taken.wheel()

"""Builds for a processor that this host has not got: emulated, told as such, and right."""

import io
import json
import platform
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.conftest import Done, Program

pytestmark = pytest.mark.once

ON_ARM = platform.machine() == "aarch64"
ARCHITECTURE, MACHINE, ELF_MACHINE = (
    ("amd64", "x86_64", 62) if ON_ARM else ("arm64", "aarch64", 183)
)

# As little as a C extension takes: it must be made in a minute or two under emulation.
RECIPE = f"""\
description: Debian 13 with Python 3.13 and a C compiler, for another processor
base: {{distribution: debian, suite: trixie}}
platform: linux/{ARCHITECTURE}
packages: [python3, libpython3-dev, gcc, libc6-dev]
"""
IMAGE = f"small-{ARCHITECTURE}"

EXTENSION = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none)
{
    return PyLong_FromLong(5 * sizeof(long) + 2);
}
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", 0, -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""

# A backend in the tree itself, so that nothing else has to be built under emulation.
BACKEND = """
import base64, hashlib, os, platform, subprocess, sys, sysconfig, zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    library = "fast" + sysconfig.get_config_var("EXT_SUFFIX")
    include = sysconfig.get_paths()["include"]
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", f"-I{include}", "fast.c", "-o", library], check=True
    )
    sys.path.insert(0, os.getcwd())
    import fast

    print(f"imported: {fast.answer()} on {platform.machine()}")
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    tag = f"{tag}-{tag}-linux_{platform.machine()}"
    info = "fast-1.0.dist-info"
    files = {
        library: open(library, "rb").read(),
        f"{info}/METADATA": b"Metadata-Version: 2.2\\nName: fast\\nVersion: 1.0\\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {tag}\\n".encode(),
    }
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(data)}\\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\\n".encode()
    filename = f"fast-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return filename
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "fast"
version = "1.0"
"""


def sdist(salt: str) -> bytes:
    files = {
        "backend.py": BACKEND,
        "fast.c": EXTENSION,
        "pyproject.toml": PYPROJECT,
        "PKG-INFO": "Metadata-Version: 2.2\nName: fast\nVersion: 1.0\n",
        "salt": salt,
    }
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"fast-1.0/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return written.getvalue()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / IMAGE).mkdir(parents=True)
    (folder / IMAGE / "image.yaml").write_text(RECIPE)
    return folder


def passed(done: Done) -> Done:
    assert done.status == 0, done.stderr
    return done


def the_wheel(program: Program) -> Path:
    (wheel,) = (program.output / "wheels-repo/downloads").glob("fast-1.0-*.whl")
    return wheel


def test_an_extension_is_built_for_another_processor(
    program: Program, images: Path, salt: str
) -> None:
    program.index.publish("fast", "fast-1.0.tar.gz", sdist(salt))
    again = replace(program, output=program.output.parent / "again")
    order = ("bootstrap", "fast", "--image", IMAGE, "--images-dir", str(images))
    passed(program.run("image", "build", IMAGE, "--images-dir", str(images)))

    done = passed(program.run(*order))
    passed(again.run(*order, "--no-cache"))

    assert f"which is emulated (qemu, {ARCHITECTURE})" in done.stderr
    assert f"building  fast==1.0 under emulation (qemu, {ARCHITECTURE})" in done.stderr
    assert f"under emulation ({ARCHITECTURE}): 1 wheel" in done.stderr
    log = (program.output / "work-dir/logs/fast-1.0.log").read_text()
    assert f"imported: 42 on {MACHINE}" in log
    wheel = the_wheel(program)
    assert wheel.name.endswith(f"-linux_{MACHINE}.whl")
    with zipfile.ZipFile(wheel) as archive:
        (library,) = (name for name in archive.namelist() if name.endswith(".so"))
        elf = archive.read(library)
    assert elf[:4] == b"\x7fELF"
    assert int.from_bytes(elf[18:20], "little") == ELF_MACHINE
    assert the_wheel(again).read_bytes() == wheel.read_bytes()
    times = json.loads((program.output / "work-dir/build-times.json").read_text())
    assert [build["emulated"] for build in times["builds"]] == [ARCHITECTURE]
    stats = passed(program.run("stats", *written_requirements(images), str(program.graph)))
    assert "Builds under emulation" in stats.stdout


def written_requirements(folder: Path) -> tuple[str]:
    file = folder / "requirements.txt"
    file.write_text("fast\n")
    return (str(file),)

"""Wheels have the tags that their contents allow, and run where their tags say."""

import base64
import gzip
import io
import json
import re
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.elf_files import SharedObject
from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

BACKEND = '''
"""A build backend in one file: compiles one extension module, and tags the wheel as it is told."""

import base64, hashlib, json, os, subprocess, sysconfig, zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open("plan.json") as file:
        plan = json.load(file)
    name, version = plan["name"], plan["version"]
    suffix, include = sysconfig.get_config_var("EXT_SUFFIX"), sysconfig.get_path("include")
    module = f"/tmp/{name}{suffix}"
    command = ["gcc", "-shared", "-fPIC", f"-I{include}", f"{name}.c", "-o", module]
    subprocess.run([*command, *plan["link"]], check=True)
    info = f"{name}-{version}.dist-info"
    tag = plan["tag"]
    metadata = f"Metadata-Version: 2.2\\nName: {name}\\nVersion: {version}\\n"
    files = {
        f"{name}{suffix}": open(module, "rb").read(),
        **{where: base64.b64decode(text) for where, text in plan["files"].items()},
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {tag}\\n".encode(),
    }
    record = ""
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\\n"
    filename = f"{name}-{version}-{tag}.whl"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\\n").encode()
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return filename
'''
MODULE = """
#include <Python.h>
%(declares)s
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(%(gives)s); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "%(name)s", 0, -1, methods};
PyMODINIT_FUNC PyInit_%(name)s(void) { return PyModule_Create(&definition); }
"""
FFI = (
    "#include <ffi.h>\nstatic long call(void) { ffi_cif cif;\n"
    "return ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 0, &ffi_type_void, 0) == FFI_OK ? 42 : -1; }\n"
)
# Since glibc 2.38.
FRESH = '#include <string.h>\nstatic long call(void) { char b[4]; return strlcpy(b, "x", 4); }\n'
LOADS = """
import sys
if PHASE == "build_wheel":
    import linked
    with open("/proc/self/maps") as maps:
        loaded = {line.split("/")[-1].strip() for line in maps if "libffi" in line}
    print("ANSWER", linked.answer(), *loaded, flush=True)
"""


@dataclass(frozen=True)
class Compiled:
    """A project of one extension module in C.

    Attributes:
        calls: C that has a function `call`.
        tag: what its backend says of the wheel.
        files: what its backend puts into the wheel beside the module.
    """

    name: str
    salt: str
    calls: str = "static long call(void) { return 1; }\n"
    link: tuple[str, ...] = ()
    tag: str = "cp313-cp313-linux_x86_64"
    files: tuple[tuple[str, bytes], ...] = ()

    def publish(self, program: Program) -> None:
        program.index.publish(self.name, f"{self.name}-1.0.tar.gz", self._sdist())

    def _sdist(self) -> bytes:
        plan = {
            "name": self.name,
            "version": "1.0",
            "tag": self.tag,
            "link": self.link,
            "files": {path: base64.b64encode(it).decode() for path, it in self.files},
        }
        module = MODULE % {"name": self.name, "declares": self.calls, "gives": "call()"}
        texts = {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "compiled"\n'
            f'backend-path = ["."]\n[project]\nname = "{self.name}"\nversion = "1.0"\n',
            "compiled.py": BACKEND,
            "plan.json": json.dumps(plan),
            f"{self.name}.c": module,
            "salt": self.salt,
        }
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as pressed,
            tarfile.open(fileobj=pressed, mode="w") as tar,
        ):
            for name, text in texts.items():
                member = tarfile.TarInfo(f"{self.name}-1.0/{name}")
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return packed.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings"


def bootstrap(program: Program, settings: Path, *more: str) -> Done:
    return program.run("bootstrap", "--settings-dir", str(settings), *more)


def test_a_repaired_wheel_brings_its_libraries_and_runs_with_them(
    program: Program, salt: str, settings: Path, tmp_path: Path
) -> None:
    Compiled("linked", salt, FFI, ("-lffi",)).publish(program)
    one_file = Package("one-file", backend="", salt=salt)
    user = Package("user", salt=salt, build_requires=("linked",), payload=LOADS)
    program.publish(one_file, user)
    (tmp_path / "settings.yaml").write_text("repair: auto\n")
    general = ("--settings-file", str(tmp_path / "settings.yaml"))

    done = bootstrap(program, settings, *general, "user")
    again = program.copied(tmp_path / "again")
    for wheel in (again.output / "wheels-repo").rglob("*.whl"):
        wheel.unlink()
    built_again = bootstrap(again, settings, *general, "--no-cache", "user")

    assert done.status == 0, done.stderr
    (name,) = (one for one in program.wheels() if one.startswith("linked"))
    assert re.fullmatch(r"linked-1.0-0-cp313-cp313-manylinux_2_\d\d_x86_64.whl", name)
    path = program.output / "wheels-repo/downloads" / name
    with zipfile.ZipFile(path) as archive:
        said = json.loads(archive.read("linked-1.0.dist-info/builder-repair.json"))
    (library,) = said["libraries"]
    assert library["soname"] == "libffi.so.8"
    assert library["package"] == "libffi8"
    assert library["file"].startswith("linked.libs/libffi-")
    assert f"ANSWER 42 {library['file'].rpartition('/')[2]}" in program.log(user)
    assert built_again.status == 0, built_again.stderr
    assert (again.output / "wheels-repo/downloads" / name).read_bytes() == path.read_bytes()


def test_a_tag_that_is_not_true_is_refused(program: Program, salt: str, settings: Path) -> None:
    lie = "cp313-cp313-manylinux_2_17_x86_64"
    Compiled("lying", salt, FFI, ("-lffi",), lie).publish(program)
    Compiled("fresh", salt, FRESH).publish(program)
    (settings / "fresh.yaml").write_text("repair: manylinux_2_17\n")

    lying = bootstrap(program, settings, "lying")
    fresh = bootstrap(program, settings, "fresh")

    assert lying.status == 100, lying.stderr
    assert "the tag manylinux_2_17_x86_64 is not true" in lying.stderr
    assert "needs libffi.so.8, which not every such system has" in lying.stderr
    assert "`repair: auto` in its settings" in lying.stderr
    assert fresh.status == 100, fresh.stderr
    assert "repair: its wheel cannot be repaired: cannot repair fresh-1.0-0-" in fresh.stderr
    assert "too-recent versioned symbols" in fresh.stderr
    assert "its symbols allow manylinux_2_38_x86_64" in fresh.stderr
    assert program.wheels() == []


def test_a_library_for_another_machine_is_refused_unless_settings_allow_it(
    program: Program, salt: str, settings: Path
) -> None:
    foreign = SharedObject(machine=183).content()
    Compiled("foreign", salt, files=(("helpers/helper.so", foreign),)).publish(program)

    refused = bootstrap(program, settings, "foreign")
    (settings / "foreign.yaml").write_text("foreign_binaries: true\n")
    allowed = bootstrap(program, settings, "foreign")

    assert refused.status == 100, refused.stderr
    assert "'helpers/helper.so' is for aarch64, and the wheel is tagged linux_x86_64" in (
        refused.stderr
    )
    assert "`foreign_binaries: true` in its settings" in refused.stderr
    assert allowed.status == 0, allowed.stderr
    assert "has files for other machines: 'helpers/helper.so' is for aarch64" in allowed.stderr
    assert program.wheels() == ["foreign-1.0-0-cp313-cp313-linux_x86_64.whl"]

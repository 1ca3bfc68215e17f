"""Real projects for two processors, one of them emulated: the same versions, and they compute.

Fetches sources from the index that is configured. `aarch64` has to be built; on a slow machine the
second test takes an hour.
"""

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.containers import GIB, BindMount, ContainerSpec, Limits, Tmpfs
from builder.domain.emulation import EMULATOR_VARIABLES
from builder.engines.discovery import EngineChoice, open_engine

SETS = Path(__file__).parent / "sets"
ENGINE: EngineChoice = "podman"
NATIVE, EMULATED = "cpu", "aarch64"
AARCH64 = 183
"""EM_AARCH64, the machine in an ELF header."""
COMPUTE = """
set -e
python3 -m venv /build/venv
/build/venv/bin/pip install --quiet --no-index --find-links /wheels markupsafe pyyaml cffi numpy
/build/venv/bin/python - <<'END'
import platform, cffi, markupsafe, numpy, yaml
assert platform.machine() == "aarch64", platform.machine()
assert markupsafe._speedups.__file__.endswith(".so"), "the C code of markupsafe is missing"
assert str(markupsafe.escape("<a>")) == "&lt;a&gt;"
assert yaml.load("[1, {a: 2}]", Loader=yaml.CSafeLoader) == [1, {"a": 2}]
ffi = cffi.FFI()
ffi.cdef("double cos(double);")
assert ffi.dlopen("libm.so.6").cos(0.0) == 1.0
matrix = numpy.arange(9.0).reshape(3, 3) + numpy.eye(3)
assert numpy.allclose(numpy.linalg.inv(matrix) @ matrix, numpy.eye(3))
print("computed", numpy.__version__)
END
"""


@pytest.fixture(scope="module")
def cache() -> Path:
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "builder"
    folder = Path(os.environ.get("BUILDER_CACHE_DIR", usual))
    for image in (NATIVE, EMULATED):
        subprocess.run([sys.executable, "-m", "builder", "image", "build", image], check=True)
    return folder


def bootstrap(output: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "builder", "bootstrap", "--engine", ENGINE]
    done = subprocess.run(
        [*command, *arguments, "-O", str(output)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done


def graph(output: Path) -> dict[str, dict[str, object]]:
    nodes: dict[str, dict[str, object]] = json.loads((output / "work-dir/graph.json").read_text())
    return {name: node for name, node in nodes.items() if name}


def machines(wheels: Path) -> Iterator[int]:
    """Of every shared object in every wheel."""
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".so"):
                    assert f"linux_{EMULATED}" in wheel.name, wheel.name
                    header = archive.read(name)[:20]
                    assert header[:4] == b"\x7fELF", name
                    yield int.from_bytes(header[18:20], "little")


def printed(cache: Path, wheels: Path, script: str) -> str:
    """What a fresh container without a network prints, under emulation."""
    settings = Settings(wheels, wheels, wheels, cache, (), dict(os.environ))
    said: list[bytes] = []
    with open_engine(ENGINE, settings.engine_variables) as engine:
        spec = ContainerSpec(
            name=f"builder-check-{os.getpid()}",
            image=engine.ensure_image(image_catalogue(settings).open(EMULATED)),
            command=("/bin/sh", "-c", script),
            environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), *EMULATOR_VARIABLES["arm64"]),
            binds=(BindMount(wheels, PurePosixPath("/wheels")),),
            tmpfs=(Tmpfs(PurePosixPath("/build"), 4 * GIB), Tmpfs(PurePosixPath("/tmp"), GIB)),
            limits=Limits(wall_seconds=1800),
        )
        ended = engine.run(spec, said.append, threading.Event())
    text = b"".join(said).decode(errors="replace")
    assert ended.succeeded, text
    return text


def test_a_tree_has_the_same_versions_for_both(cache: Path, tmp_path: Path) -> None:
    requirements = str(SETS / "M/requirements.txt")

    done = bootstrap(
        tmp_path, "-r", requirements, "--variant", NATIVE, "--variant", EMULATED,
        "--cache-dir", str(cache),
    )  # fmt: skip

    native, emulated = graph(tmp_path / NATIVE), graph(tmp_path / EMULATED)
    assert native.keys() == emulated.keys()
    assert f"{len(native)} releases, the same versions in {NATIVE} and {EMULATED}" in done.stdout
    assert "wheels are bit-identical in both" in done.stdout
    assert "times as long" in done.stderr
    taken = [it for it in emulated.values() if it.get("built_in", {}).get("name") == NATIVE]  # type: ignore[attr-defined]
    assert taken
    assert all(str(node["wheel"]).endswith("-none-any.whl") for node in taken)
    assert set(machines(tmp_path / EMULATED / "wheels-repo/downloads")) == {AARCH64}


def test_extensions_are_built_under_emulation_and_compute_there(
    cache: Path, tmp_path: Path
) -> None:
    projects = ("MarkupSafe", "PyYAML", "cffi", "numpy")

    done = bootstrap(tmp_path, *projects, "--variant", EMULATED, "--cache-dir", str(cache))

    wheels = tmp_path / "wheels-repo/downloads"
    assert set(machines(wheels)) == {AARCH64}
    assert "pure wheels built natively, in image cpu" in done.stderr
    assert "computed" in printed(cache, wheels, COMPUTE)

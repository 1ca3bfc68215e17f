"""Real trees from the package index, rebuilt on each engine, installed and imported offline.

The sets stand in `sets/`: M is 36 projects of pure Python and a little C, N is numpy, lxml, pillow
and their kind. Fetches sources from the index that is configured.
"""

import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.containers import GIB, BindMount, ContainerSpec, Limits, Tmpfs
from builder.engines.discovery import EngineChoice, open_engine

SETS = Path(__file__).parent / "sets"
IMAGE = "cpu-py311"
ENGINES = os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")
INSTALL = """
set -e
python3 -m venv /build/venv
/build/venv/bin/pip install --quiet --no-index --find-links /wheels $(cat /work/pins)
for module in $(cat /work/modules); do /build/venv/bin/python -c "import $module"; done
echo installed
"""


@pytest.fixture(scope="module")
def cache() -> Path:
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "builder"
    return Path(os.environ.get("BUILDER_CACHE_DIR", usual))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["M", "N"])
def test_a_set_is_rebuilt_and_imports(
    name: str, engine: EngineChoice, cache: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "builder", "bootstrap", "--no-cache", "--engine", engine]
    command += ["-r", f"{SETS / name / 'requirements.txt'}", "--image", IMAGE, "-O", str(tmp_path)]
    command += ["-c", f"{SETS / name / 'constraints.txt'}", "--cache-dir", str(cache)]
    subprocess.run([sys.executable, "-m", "builder", "image", "build", IMAGE], check=True)

    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 0, done.stderr
    graph = json.loads((tmp_path / "work-dir/graph.json").read_text())
    wheels = sorted((tmp_path / "wheels-repo/downloads").glob("*.whl"))
    assert [wheel.name for wheel in wheels] == sorted(
        node["wheel"] for key, node in graph.items() if key
    )
    fetched = [path.name for path in (tmp_path / "sdists-repo/downloads").iterdir()]
    assert [one for one in fetched if not one.endswith((".tar.gz", ".zip"))] == []
    assert "installed" in installed(engine, cache, wheels, graph, tmp_path / "check")


def installed(
    engine: EngineChoice, cache: Path, wheels: list[Path], graph: dict[str, object], work: Path
) -> str:
    """What is printed by a fresh container without a network that installs and imports it all."""
    work.mkdir()
    (work / "pins").write_text(" ".join(key for key in graph if key))
    (work / "modules").write_text(" ".join(sorted({one for w in wheels for one in modules(w)})))
    settings = Settings(work, work, work, cache, (), dict(os.environ))
    printed: list[bytes] = []
    with open_engine(engine, settings.engine_variables) as opened:
        image = opened.ensure_image(image_catalogue(settings).open(IMAGE))
        spec = ContainerSpec(
            name=f"builder-check-{os.getpid()}",
            image=image,
            command=("/bin/sh", "-c", INSTALL),
            environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/tmp")),
            binds=(
                BindMount(wheels[0].parent, PurePosixPath("/wheels")),
                BindMount(work, PurePosixPath("/work")),
            ),
            tmpfs=(
                Tmpfs(PurePosixPath("/build"), 4 * GIB),
                Tmpfs(PurePosixPath("/tmp"), GIB),
            ),
            limits=Limits(wall_seconds=600),
        )
        ended = opened.run(spec, printed.append, threading.Event())
    said = b"".join(printed).decode(errors="replace")
    assert ended.succeeded, said
    return said


def modules(wheel: Path) -> set[str]:
    """The modules and packages at the top of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if name.endswith(("/__init__.py", ".py", ".so"))}
    tops = {top for top in tops if not top.endswith((".dist-info", ".data"))}
    found = {top.split(".")[0] for top in tops}
    return {one for one in found if one.isidentifier() and f"{one}/__init__.py" in names} | {
        top.split(".")[0] for top in tops if top.endswith((".py", ".so"))
    }

"""Real Rust packages: crates are fetched once, maturin is built first, and then nothing is reached.

As root, the second build has a network namespace with nothing in it but loopback; without
privileges, its index and its proxy are an address where nobody listens.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import another_cache

pytestmark = pytest.mark.once

IMAGE = "cpu-py311"
ENGINE = os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")[0]
BUILDER = [sys.executable, "-m", "builder"]
ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
NOWHERE = "http://127.0.0.1:9"


def run(*words: str | Path, variables: Mapping[str, str] | None = None) -> str:
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(words, check=False, stderr=subprocess.PIPE, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def crates(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as tar:
        names = [name.split("/") for name in tar.getnames()]
    return {name[2] for name in names if len(name) > 2 and name[1] == "vendor"}


@pytest.fixture(scope="module")
def discovered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packages in one run, so that maturin is built once."""
    output = tmp_path_factory.mktemp("rust") / "discovered"
    run(*BUILDER, "image", "build", IMAGE)
    wanted = ["pydantic-core==2.18.4", "cryptography==45.0.7"]
    run(*BUILDER, "bootstrap", *wanted, "-O", output, "--image", IMAGE, "--engine", ENGINE)
    return output


@pytest.mark.parametrize(
    ("name", "version", "least"), [("pydantic_core", "2.18.4", 10), ("cryptography", "45.0.7", 3)]
)
def test_a_package_is_built_again_from_its_rebuilt_sdist_alone(
    name: str, version: str, least: int, discovered: Path, tmp_path: Path
) -> None:
    original = discovered / f"sdists-repo/downloads/{name}-{version}.tar.gz"
    rebuilt = discovered / f"sdists-repo/builds/{name}-{version}.tar.gz"
    assert rebuilt.stat().st_size > least * original.stat().st_size
    assert {"pyo3", "libc"} <= crates(rebuilt)

    carried = tmp_path / "carried"
    shutil.copytree(discovered, carried, symlinks=True)
    shutil.rmtree(carried / "sdists-repo/downloads")
    for wheel in (carried / "wheels-repo/downloads").glob(f"{name}-*.whl"):
        wheel.unlink()
    lock = carried / "work-dir/graph.json"
    place = ALONE if os.geteuid() == 0 else []
    where: list[str | Path] = ["-O", carried, "--index-url", f"{NOWHERE}/simple/", "--image", IMAGE]
    # Nothing that was fetched or prepared before helps, but what lies in the folder.
    with another_cache(ENGINE, tmp_path / "cache") as variables:
        unreachable = {**variables, "HTTPS_PROXY": NOWHERE, "https_proxy": NOWHERE}
        words: list[str | Path] = [*BUILDER, "build-parallel", lock, *where, "--engine", ENGINE]
        run(*place, *words, variables=unreachable)

    summary: list[dict[str, Any]] = json.loads(
        (carried / "work-dir/build-sequence-summary.json").read_text()
    )
    built = [record for record in summary if record["origin"] == "built"]
    assert len(built) == 1
    assert built[0]["identical_to_lock"] is True
    assert (carried / rebuilt.relative_to(discovered)).read_bytes() == rebuilt.read_bytes()


def test_maturin_was_built_from_source(discovered: Path) -> None:
    nodes: dict[str, Any] = json.loads((discovered / "work-dir/graph.json").read_text())

    maturin = next(node for node in nodes.values() if node["canonicalized_name"] == "maturin")
    assert maturin["pre_built"] is False
    assert maturin["rebuilt"]["sha256"]
    rebuilt = discovered / f"sdists-repo/builds/maturin-{maturin['version']}.tar.gz"
    assert "cargo_metadata" in crates(rebuilt)

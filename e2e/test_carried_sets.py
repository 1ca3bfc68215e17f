"""Real trees, discovered in one place and built in another that reaches no index.

As root, the second place is a network namespace of its own, with nothing in it but loopback;
without privileges, its index is an address where nobody listens.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SETS = Path(__file__).parent / "sets"
IMAGE = "cpu-py311"
ENGINES = os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")
NOWHERE = "http://127.0.0.1:9/simple/"
ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
Words = list[str | Path]
BUILDER = [sys.executable, "-m", "builder"]


def run(*words: str | Path) -> None:
    done = subprocess.run(words, check=False, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["M", "N"])
def test_a_set_is_built_from_its_lock_where_nothing_can_be_reached(
    name: str, engine: str, tmp_path: Path
) -> None:
    discovered, carried = tmp_path / "discovered", tmp_path / "carried"
    common = ["--image", IMAGE, "--engine", engine]
    run(*BUILDER, "image", "build", IMAGE)
    files: Words = ["-r", SETS / name / "requirements.txt", "-c", SETS / name / "constraints.txt"]
    run(*BUILDER, "bootstrap", "--sdist-only", *files, "-O", discovered, *common)
    shutil.copytree(discovered, carried, symlinks=True)
    lock = carried / "work-dir/graph.json"
    before = lock.read_bytes()

    away: Words = ["--index-url", NOWHERE, "--cache-dir", a_cache_of_images(tmp_path / "cache")]
    place = ALONE if os.geteuid() == 0 else []
    run(*place, *BUILDER, "build-parallel", "--force", lock, "-O", carried, *away, *common)

    assert lock.read_bytes() == before
    nodes: dict[str, Any] = json.loads(before)
    summary = json.loads((carried / "work-dir/build-sequence-summary.json").read_text())
    assert {record["origin"] for record in summary} == {"built"}
    assert len(summary) == len(nodes) - 1
    assert not any(record["identical_to_lock"] is False for record in summary)


def a_cache_of_images(folder: Path) -> Path:
    """Nothing that was built or fetched before helps."""
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "builder"
    images = Path(os.environ.get("BUILDER_CACHE_DIR", usual)) / "images"
    shutil.copytree(images, folder / "images", symlinks=True)
    return folder

"""Real trees, discovered in one place and built in another that reaches no index.

As root, the second place is a network namespace of its own, with nothing in it but loopback;
without privileges, its index is an address where nobody listens.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import another_cache

SETS = Path(__file__).parent / "sets"
IMAGE = "cpu-py311"
ENGINES = os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")
NOWHERE = "http://127.0.0.1:9/simple/"
ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
Words = list[str | Path]
BUILDER = [sys.executable, "-m", "builder"]


def run(*words: str | Path, variables: Mapping[str, str] | None = None) -> None:
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(words, check=False, stderr=subprocess.PIPE, text=True, env=environment)
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

    place = ALONE if os.geteuid() == 0 else []
    away: Words = ["--force", lock, "-O", carried, "--index-url", NOWHERE, *common]
    # Nothing that was built or fetched before helps.
    with another_cache(engine, tmp_path / "cache") as variables:
        run(*place, *BUILDER, "build-parallel", *away, variables=variables)

    assert lock.read_bytes() == before
    nodes: dict[str, Any] = json.loads(before)
    summary = json.loads((carried / "work-dir/build-sequence-summary.json").read_text())
    assert {record["origin"] for record in summary} == {"built"}
    assert len(summary) == len(nodes) - 1
    assert not any(record["identical_to_lock"] is False for record in summary)

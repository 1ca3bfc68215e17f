"""What a killed run left is told from what a living one uses."""

import os
from pathlib import Path

import pytest

from builder.workflows.ownership import (
    OWNER_LABEL,
    claim_scratch,
    is_abandoned,
    owner_of_this_process,
)

NAMESPACE, NUMBER, STARTED = owner_of_this_process().split(" ")


def test_what_this_process_owns_is_not_abandoned() -> None:
    assert not is_abandoned({OWNER_LABEL: owner_of_this_process()})


@pytest.mark.parametrize(
    "owner",
    [
        f"{NAMESPACE} {NUMBER} {int(STARTED) + 1}",  # the number was given to another process
        f"{NAMESPACE} 4194305 {STARTED}",  # no process has so high a number
    ],
    ids=["number given again", "no process"],
)
def test_what_a_dead_process_owned_is_abandoned(owner: str) -> None:
    assert is_abandoned({OWNER_LABEL: owner})


@pytest.mark.parametrize(
    "owner",
    ["", "nonsense", f"pid:[1] {NUMBER} 1", f"{NAMESPACE} x 1", f"{NAMESPACE}"],
    ids=["nothing", "nonsense", "another namespace", "no number", "namespace alone"],
)
def test_what_cannot_be_judged_is_left_alone(owner: str) -> None:
    assert not is_abandoned({OWNER_LABEL: owner})
    assert not is_abandoned({})


def test_scratch_of_dead_runs_is_removed_and_that_of_living_ones_kept(tmp_path: Path) -> None:
    living = claim_scratch(tmp_path / "scratch", "living")
    dead = claim_scratch(tmp_path / "scratch", "dead")
    (dead / "owner").write_text(f"{NAMESPACE} {NUMBER} 1")
    beginning = tmp_path / "scratch/beginning"
    beginning.mkdir()

    claimed = claim_scratch(tmp_path / "scratch", "new")

    assert claimed.is_dir()
    assert claimed.stat().st_mode & 0o777 == 0o700
    assert living.is_dir()
    assert beginning.is_dir()
    assert not dead.exists()
    assert str(os.getpid()) in (claimed / "owner").read_text()

"""Tells what a killed run left behind from what a living one is using."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

RUN_LABEL = "builder.run"
OWNER_LABEL = "builder.owner"


def owner_of_this_process() -> str:
    """Names this process so that no later one can be taken for it: namespace, number and start."""
    return f"{_process_namespace()} {os.getpid()} {_started(os.getpid())}"


def is_abandoned(labels: Mapping[str, str]) -> bool:
    """Whether the process that made a container is gone.

    What was made in another process namespace is left alone: from here nobody can tell.
    """
    namespace, _, rest = labels.get(OWNER_LABEL, "").partition(" ")
    number, _, started = rest.partition(" ")
    if namespace != _process_namespace() or not number.isdecimal():
        return False
    return _started(int(number)) != started


def claim_scratch(folder: Path, run: str) -> Path:
    """Makes a scratch folder for this run, and removes those of runs that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        owner = other / "owner"
        if owner.is_file() and is_abandoned({OWNER_LABEL: owner.read_text()}):
            shutil.rmtree(other, ignore_errors=True)
    scratch = folder / run
    scratch.mkdir(mode=0o700)
    (scratch / "owner").write_text(owner_of_this_process())
    return scratch


def _process_namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())


def _started(process: int) -> str:
    """The start time in clock ticks (field 22 of proc(5) stat); empty where there is none."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]

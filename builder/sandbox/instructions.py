"""Carries out what a plugin asked for, in order, and stops at the first thing that fails."""

import os
import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

WHEELS_VARIABLE = "BUILDER_WHEELS"


class InstructionFailedError(Exception):
    """Something that a plugin asked for could not be done."""


def carry_out(
    folder: str,
    instructions: Sequence[Mapping[str, Any]],
    variables: Mapping[str, str],
    build: Callable[[], object] | None = None,
) -> None:
    """Does everything below a folder.

    Args:
        folder: where it is done.
        instructions: what to do, as the host tells it.
        variables: what commands see beside the environment of this process.
        build: calls the backend's own `build_wheel`.

    Raises:
        InstructionFailedError: a command failed, or there is no such file or folder.
    """
    for one in instructions:
        match one["do"]:
            case "run":
                _run(folder, one, variables)
            case "write":
                _write(folder, one)
            case "build" if build is not None:
                build()
            case unknown:
                raise InstructionFailedError(f"nobody knows how to do {unknown!r}")


def stray(folder: str) -> str | None:
    """The first thing below a folder that no source archive can hold; None where there is none."""
    for parent, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = os.path.join(parent, name)
            mode = os.lstat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                return os.path.relpath(path, folder)
    return None


def _run(folder: str, one: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    shown = shlex.join(one["words"])
    where = os.path.join(folder, one["folder"])
    print(f"--- the plugin's {shown}", flush=True)
    if not os.path.isdir(where):
        raise InstructionFailedError(f"{shown}: the source has no folder {one['folder']!r}")
    try:
        done = subprocess.run(
            one["words"],
            cwd=where,
            env={**os.environ, **variables, **one["variables"]},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        raise InstructionFailedError(f"{shown} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise InstructionFailedError(f"{shown} ended with exit status {done.returncode}")


def _write(folder: str, one: Mapping[str, Any]) -> None:
    print(f"--- the plugin writes {one['path']}", flush=True)
    path = os.path.join(folder, one["path"])
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.unlink(path)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(one["text"])
        os.chmod(path, 0o755 if one["executable"] else 0o644)
    except OSError as error:
        raise InstructionFailedError(
            f"{one['path']} cannot be written: {error.strerror}"
        ) from error

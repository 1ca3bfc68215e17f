"""Calls a package's PEP 517 hooks: this is where upstream code runs."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import archive
import instructions
import prepare
from pyproject_hooks import (
    BackendUnavailable,
    BuildBackendHookCaller,
    HookMissing,
    UnsupportedOperation,
)

SOURCE = "/in/source.tar.gz"
WHEELS = "/build/wheels"
METADATA = "/build/metadata"
ADDR_NO_RANDOMIZE = 0x0040000  # personality(2)
MAX_METADATA = 16 << 20


class HookFailedError(Exception):
    """A hook could not be called or ended badly."""

    def __init__(self, hook: str, reason: str) -> None:
        super().__init__(reason)
        self.hook = hook
        self.reason = reason


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Asks for build requirements, and goes on to the goal where they hold nothing new."""
    _keep_addresses_steady()
    try:
        return _hooks(task)
    except HookFailedError as failed:
        return {"status": "failed", "hook": failed.hook, "reason": failed.reason}


def _keep_addresses_steady() -> None:
    """Switches address randomization off for every hook: some build tools name things by address.

    Meson writes `id()` of an object into numpy's configuration, for one. Where the kernel or the
    seccomp profile refuses, builds go on without.
    """
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)


def _hooks(task: dict[str, Any]) -> dict[str, Any]:
    requires = _call(_fresh(task), "get_requires_for_build_wheel", task["config_settings"])
    requires = [str(requirement) for requirement in requires]
    if task["goal"] == "requirements" or not set(requires) <= set(task["accepted"]):
        return {"status": "more", "requires": requires}
    if task["goal"] == "metadata":
        text = _metadata(task)
        if text is not None:
            return {"status": "metadata", "requires": requires, "metadata": text}
    # The hooks before may have changed the tree: what is built is what was prepared.
    hooks = _fresh(task)
    os.mkdir(WHEELS)
    name = _built(hooks, task)
    return {"status": "built", "requires": requires, "wheel": _hand_out(name)}


def _built(hooks: BuildBackendHookCaller, task: dict[str, Any]) -> object:
    """The name of the wheel, from the backend or from what a plugin asks for instead."""

    def build() -> object:
        return _call(hooks, "build_wheel", WHEELS, task["config_settings"])

    if not task["instructions"]:
        return build()
    variables = {instructions.WHEELS_VARIABLE: WHEELS}
    try:
        instructions.carry_out(hooks.source_dir, task["instructions"], variables, build)
    except instructions.InstructionFailedError as failed:
        raise HookFailedError("build_wheel", str(failed)) from failed
    made = os.listdir(WHEELS)
    return made[0] if made else "a wheel"


def _fresh(task: dict[str, Any]) -> BuildBackendHookCaller:
    folder = os.path.join("/build", task["top"])
    if os.path.lexists(folder):
        archive.remove(folder)
    unpacked = "/build/unpacked"
    archive.unpack(SOURCE, unpacked)
    os.rename(os.path.join(unpacked, archive.only_folder(unpacked)), folder)
    os.rmdir(unpacked)
    return BuildBackendHookCaller(
        _built_folder(folder, task["build_dir"]),
        task["backend"],
        backend_path=task["backend_path"] or None,
        runner=_runner,
        python_executable="/env/bin/python",
    )


def _built_folder(folder: str, build_dir: str) -> str:
    try:
        return prepare.inside(folder, build_dir)
    except prepare.UnfitSettingError as unfit:
        raise HookFailedError(unfit.setting, str(unfit)) from unfit


def _runner(
    cmd: Sequence[str],
    cwd: str | None = None,
    extra_environ: Mapping[str, str] | None = None,
) -> None:
    subprocess.run(cmd, cwd=cwd, env={**os.environ, **(extra_environ or {})}, check=True)


def _call(hooks: BuildBackendHookCaller, name: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - what a hook gives
    print(f"--- {name}", flush=True)
    try:
        return getattr(hooks, name)(*arguments, **options)
    except HookMissing:
        raise
    except BackendUnavailable as error:
        print(error.traceback, file=sys.stderr)
        raise HookFailedError(name, f"the build backend cannot be imported: {error}") from error
    except UnsupportedOperation as error:
        raise HookFailedError(name, "the build backend says that it cannot do this here") from error
    except subprocess.CalledProcessError as error:
        raise HookFailedError(name, f"ended with exit status {error.returncode}") from error
    except (OSError, ValueError, KeyError) as error:
        raise HookFailedError(name, f"left no result: {error}") from error


def _metadata(task: dict[str, Any]) -> str | None:
    hooks = _fresh(task)
    os.mkdir(METADATA)
    try:
        name = _call(
            hooks,
            "prepare_metadata_for_build_wheel",
            METADATA,
            task["config_settings"],
            _allow_fallback=False,
        )
    except HookMissing:
        return None
    path = os.path.join(METADATA, os.path.basename(name), "METADATA")
    try:
        with open(path, "rb") as file:
            return file.read(MAX_METADATA).decode("utf-8", "replace")
    except OSError as error:
        raise HookFailedError(
            "prepare_metadata_for_build_wheel", f"left no METADATA: {error}"
        ) from error


def _hand_out(name: object) -> str:
    made = sorted(os.listdir(WHEELS))
    if not isinstance(name, str) or made != [name] or not name.endswith(".whl"):
        shown = ", ".join(repr(entry) for entry in made[:5]) or "nothing"
        raise HookFailedError("build_wheel", f"promised {name!r} and left {shown}")
    shutil.copyfile(os.path.join(WHEELS, name), os.path.join("/out", name))
    return name

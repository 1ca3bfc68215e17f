"""Nonsense is answered with a sentence, a hint and a status, never with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "builder", *arguments]
    variables = {**os.environ, "PATH": "/nonexistent", "BUILDER_CACHE_DIR": str(cwd / "cache")}
    return subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )


NONSENSE = {
    "a requirement": (["bootstrap", "not a requirement!"], 2, "hint:"),
    "nothing at all": (["bootstrap"], 2, "hint:"),
    "a missing file": (["bootstrap", "-r", "missing.txt"], 2, "hint:"),
    "a missing constraints file": (["bootstrap", "x", "-c", "missing.txt"], 2, "hint:"),
    "an option": (["bootstrap", "--frobnicate"], 2, "No such option"),
    "a number of workers": (["bootstrap", "-m", "0", "x"], 2, "Invalid value"),
    "an index": (["bootstrap", "x", "--index-url", "nonsense"], 2, "hint:"),
    "a URL": (["bootstrap", "x @ https://index.example/x.tar.gz"], 2, "hint:"),
    "an image": (["bootstrap", "x", "--image", "nope"], 2, "hint:"),
    "an image by tag": (["bootstrap", "x", "--image", "registry.example/base:latest"], 2, "hint:"),
    "a variant": (["--variant", "nope", "bootstrap", "x"], 2, "hint:"),
    "an image that is not built": (["bootstrap", "x"], 4, "builder image build cpu"),
    "an images folder": (["bootstrap", "x", "--images-dir", "missing"], 2, "missing"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_a_clear_error_for(what: str, tmp_path: Path) -> None:
    arguments, status, words = NONSENSE[what]

    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_doctor_without_an_engine_says_how_to_get_one(tmp_path: Path) -> None:
    done = run("doctor", "--engine", "podman", cwd=tmp_path)

    assert done.returncode == 4
    assert "apt-get install podman" in done.stdout


@pytest.mark.parametrize(
    "command", [[], ["bootstrap"], ["doctor"], ["image"], ["image", "build"], ["image", "lock"]]
)
def test_every_command_explains_itself(command: list[str], tmp_path: Path) -> None:
    done = run(*command, "--help", cwd=tmp_path)

    assert done.returncode == 0
    assert "Usage:" in done.stdout

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
    "an option": (["bootstrap", "--variance", "x"], 2, "hint: did you mean --variant?"),
    "a command": (["bootstarp"], 2, "hint: did you mean `builder bootstrap`?"),
    "a command of a group": (["lock"], 2, "hint: did you mean `builder image lock`?"),
    "a choice": (["doctor", "--engine", "lxc"], 2, "error: --engine: 'lxc' is not one of"),
    "a missing argument": (["image", "show"], 2, "error: builder image show needs NAME"),
    "a missing value": (["bootstrap", "-r"], 2, "error: option '-r' requires an argument"),
    "a number of workers": (["bootstrap", "-m", "0", "x"], 2, "error: -m/--max-workers: 0 is not"),
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
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_value_of_a_variable_is_traced_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROMAGER_JOBS", "many")

    done = run("doctor", cwd=tmp_path)

    assert done.returncode == 2
    assert "hint: the value comes from the variable FROMAGER_JOBS" in done.stderr


def test_the_traceback_of_an_error_is_shown_on_demand_and_always_in_the_log(tmp_path: Path) -> None:
    plain = run("bootstrap", "--log-file", "log", cwd=tmp_path)
    debugged = run("--debug", "bootstrap", cwd=tmp_path)

    assert "Traceback" not in plain.stderr
    assert "DEBUG Traceback" in (tmp_path / "log").read_text()
    assert "Traceback" in debugged.stderr
    assert debugged.returncode == plain.returncode == 2


def test_errors_reach_the_file_of_errors(tmp_path: Path) -> None:
    run("bootstrap", "--error-log-file", "errors", cwd=tmp_path)

    lines = (tmp_path / "errors").read_text().splitlines()
    assert [line.split()[2] for line in lines] == ["ERROR", "ERROR"]
    assert " ERROR nothing was asked for" in lines[0]


def test_a_command_line_that_makes_no_sense_reaches_the_files_that_it_names(
    tmp_path: Path,
) -> None:
    run("--log-file", "log", "graph", "wy", cwd=tmp_path)

    assert " ERROR builder graph has no command wy" in (tmp_path / "log").read_text()


def test_alone_it_shows_its_help(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("Usage: builder [OPTIONS] COMMAND")


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

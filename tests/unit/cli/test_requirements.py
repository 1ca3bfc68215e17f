"""Files are looked over without a network, unless the index is asked on purpose."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.index_server import IndexServer, index_server


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with index_server() as running:
        running.publish("a", "a-1.0.tar.gz")
        yield running


def lint(cwd: Path, server: IndexServer, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "PATH": "/nonexistent",
        "BUILDER_CACHE_DIR": str(cwd / "cache"),
        "BUILDER_SDIST_SERVER_URL": server.url,
        "NO_PROXY": "*",
        "COLUMNS": "1000",
    }
    return subprocess.run(
        [sys.executable, "-m", "builder", "lint-requirements", *words],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_good_files_are_good_without_asking_anybody(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a>=1\n-r https://index.example/more.txt\n")
    (tmp_path / "constraints.txt").write_text("a<2\n")

    done = lint(tmp_path, server, "requirements.txt", "constraints.txt")

    assert (done.returncode, done.stdout) == (0, "")
    assert "https://index.example/more.txt: not read" in done.stderr
    assert done.stderr.endswith("found 0 problems in 2 files\n")
    assert server.seen == []


def test_every_problem_is_printed_with_its_place(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a>=1\nb==\n")
    (tmp_path / "constraints.txt").write_text("a[x]<2\na\n")

    done = lint(tmp_path, server, "requirements.txt", "constraints.txt", "gone.txt")

    places = [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert places == [
        "requirements.txt:2",
        "constraints.txt:1",
        "constraints.txt:2",
        "constraints.txt:2",
        "gone.txt could not be read",
    ]
    assert done.stderr.endswith("found 5 problems in 3 files\n")


def test_what_no_release_satisfies_is_found_where_the_index_is_asked(
    server: IndexServer, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("a\na>1\nnowhere\nb @ https://index.example/b.zip\n")
    (tmp_path / "constraints.txt").write_text("other==1\n")

    done = lint(tmp_path, server, "requirements.txt", "constraints.txt", "--resolve-requirements")

    first, second = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith("requirements.txt:2: nothing satisfies a>1: ")
    assert second.startswith("requirements.txt:3: nothing satisfies nowhere: no index knows")
    assert "requirements.txt:1: a leads to a==1.0" in done.stderr
    assert "requirements.txt:4" in done.stderr
    assert sorted(server.paths()) == ["/simple/a/", "/simple/nowhere/"]


def test_constraints_of_the_run_count_where_the_index_is_asked(
    server: IndexServer, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("a\n")
    (tmp_path / "limits.txt").write_text("a>1\n")

    done = lint(tmp_path, server, "requirements.txt", "-c", "limits.txt", "--resolve-requirements")

    assert done.returncode == 1
    assert "limits.txt:1 limits a to >1" in done.stdout


def test_a_line_cannot_command_a_terminal(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("\x1b]0;owned\x07???\n")

    done = lint(tmp_path, server, "requirements.txt")

    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr


def test_an_index_that_is_away_is_no_fault_of_the_file(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a\n")
    away = ("--index-url", "file:///nowhere/simple")

    done = lint(tmp_path, server, "requirements.txt", "--resolve-requirements", *away)

    assert (done.returncode, done.stdout) == (5, "")
    assert "hint:" in done.stderr

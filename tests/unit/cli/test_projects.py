"""What an index has of a project: data on standard output, words on standard error."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.index_server import IndexServer, index_server


@pytest.fixture
def server() -> Iterator[IndexServer]:
    now = datetime.now(UTC)
    with index_server() as running:
        running.style = "json"
        for version, days in (("1.0", 400), ("1.10", 30), ("2.0", 1)):
            uploaded = (now - timedelta(days=days, hours=1)).isoformat()
            running.publish("a", f"a-{version}.tar.gz", upload_time=uploaded)
        running.publish("a", "a-3.0-py3-none-any.whl", upload_time=now.isoformat())
        yield running


def run(
    cwd: Path, server: IndexServer, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": "/nonexistent",
        "BUILDER_CACHE_DIR": str(cwd / "cache"),
        "BUILDER_SDIST_SERVER_URL": server.url,
        "NO_PROXY": "*",
        "COLUMNS": "1000",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "builder", *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_versions_come_the_oldest_first(server: IndexServer, tmp_path: Path) -> None:
    done = run(tmp_path, server, "package", "list-versions", "A>=1")

    assert (done.returncode, done.stdout) == (0, "1.0\n1.10\n2.0\n")
    assert "warning: nothing is held to a Python" in done.stderr


def test_the_old_name_works_and_says_the_new_one(server: IndexServer, tmp_path: Path) -> None:
    done = run(tmp_path, server, "list-versions", "a<2", "--format-as-requirements")

    assert (done.returncode, done.stdout) == (0, "a==1.0\na==1.10\n")
    assert "builder package list-versions" in done.stderr


def test_what_is_too_young_is_left_out_or_marked(server: IndexServer, tmp_path: Path) -> None:
    young = ("package", "list-versions", "a", "--min-release-age", "7")

    plain = run(tmp_path, server, *young)
    marked = run(tmp_path, server, *young, "--format", "table")

    assert plain.stdout == "1.0\n1.10\n"
    assert "1 of 3 releases are too young" in plain.stderr
    words = [line.split() for line in marked.stdout.splitlines()]
    assert words[0] == ["package", "version", "upload_time", "age_days", "cooldown"]
    assert [(row[1], row[-2], row[-1]) for row in words[1:]] == [
        ("1.0", "400", "available"),
        ("1.10", "30", "available"),
        ("2.0", "1", "blocked"),
    ]


def test_json_and_csv_have_the_same_columns(server: IndexServer, tmp_path: Path) -> None:
    command = ("package", "list-versions", "a==2.0")

    as_json = json.loads(run(tmp_path, server, *command, "--format", "json").stdout)
    as_csv = run(tmp_path, server, *command, "--format", "csv").stdout

    assert as_json == list(csv.DictReader(io.StringIO(as_csv)))
    assert list(as_json[0]) == ["package", "version", "upload_time", "age_days", "cooldown"]
    assert (as_json[0]["age_days"], as_json[0]["cooldown"]) == ("1", "")


def test_wheels_count_where_they_are_asked_for(server: IndexServer, tmp_path: Path) -> None:
    command = ("package", "list-versions", "a", "--distribution-type")

    assert run(tmp_path, server, *command, "wheel").stdout == "3.0\n"
    assert run(tmp_path, server, *command, "BOTH").stdout == "1.0\n1.10\n2.0\n3.0\n"


def test_a_file_takes_the_place_of_standard_output(server: IndexServer, tmp_path: Path) -> None:
    done = run(tmp_path, server, "package", "list-versions", "a", "-o", "versions.txt")

    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "versions.txt").read_text() == "1.0\n1.10\n2.0\n"


def test_finding_nothing_is_an_error_unless_it_is_all_right(
    server: IndexServer, tmp_path: Path
) -> None:
    failed = run(tmp_path, server, "package", "list-versions", "a>9")
    passed = run(tmp_path, server, "package", "list-versions", "b", "--ignore-no-versions")

    assert (failed.returncode, failed.stdout) == (3, "")
    assert "error: nothing satisfies a>9" in failed.stderr
    assert "hint:" in failed.stderr
    assert (passed.returncode, passed.stdout) == (0, "")
    assert "no index knows a project named b" in passed.stderr


def test_constraints_and_settings_of_the_package_count(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a<2\n")
    (tmp_path / "overrides/settings").mkdir(parents=True)
    own = "resolver_dist: {min_release_age: 100}\n"
    (tmp_path / "overrides/settings/a.yaml").write_text(own)
    command = ("package", "list-versions", "a", "-c", "c.txt")

    held = run(tmp_path, server, *command)
    without = run(tmp_path, server, *command, "--ignore-per-package-overrides")

    assert held.stdout == "1.0\n"
    assert without.stdout == "1.0\n1.10\n"


def test_a_project_of_its_own_index_is_asked_for_there(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "overrides/settings").mkdir(parents=True)
    with index_server() as other:
        other.publish("a", "a-7.0.tar.gz")
        own = f"resolver_dist: {{sdist_server_url: '{other.url}'}}\n"
        (tmp_path / "overrides/settings/a.yaml").write_text(own)

        done = run(tmp_path, server, "package", "list-versions", "a")

    assert done.stdout == "7.0\n"
    assert server.seen == []


def test_an_index_is_named_behind_the_command(server: IndexServer, tmp_path: Path) -> None:
    with index_server() as other:
        other.publish("a", "a-7.0.tar.gz")

        done = run(
            tmp_path, server, "package", "list-versions", "a", "--sdist-server-url", other.url
        )

    assert done.stdout == "7.0\n"


def test_a_constraint_with_a_marker_is_told_where_no_python_is_known(
    server: IndexServer, tmp_path: Path
) -> None:
    (tmp_path / "c.txt").write_text("a<2; python_version > '3'\n")

    done = run(tmp_path, server, "package", "list-versions", "a", "-c", "c.txt")

    assert done.stdout == "1.0\n1.10\n2.0\n"
    assert "c.txt:1: passed over" in done.stderr


def test_resolve_shows_what_is_chosen_and_what_speaks_against_the_newest(
    server: IndexServer, tmp_path: Path
) -> None:
    done = run(tmp_path, server, "package", "resolve", "a<3", "--min-release-age", "7")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[:3] == [
        "requirement: a<3",
        "counting:    sdists",
        "matching:    1.0, 1.10, 2.0",
    ]
    assert lines[3].startswith("chosen:      a==1.10 (uploaded ")
    assert lines[4] == "newest:      a==3.0"
    assert lines[5:7] == [
        "  not taken: the requirement asks for <3",
        "  not taken: a==3.0 has no file of a kind that counts",
    ]


def test_resolve_ends_with_2_where_nothing_is_found(server: IndexServer, tmp_path: Path) -> None:
    done = run(tmp_path, server, "package", "resolve", "a>9")

    assert done.returncode == 2
    assert "chosen:      none" in done.stdout
    assert "error: nothing satisfies a>9" in done.stderr


def test_what_the_index_says_cannot_command_a_terminal(server: IndexServer, tmp_path: Path) -> None:
    server.publish("evil", "evil-1.0.tar.gz", yanked="\x1b]0;owned\x07 bad\x9b31m")

    done = run(tmp_path, server, "package", "resolve", "evil")

    assert "bad" in done.stdout
    for sign in ("\x1b", "\x07", "\x9b"):
        assert sign not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("output_format", "printed"),
    [
        ("requirements", "a==1.10\na==2.0\n"),
        ("csv", "name,version\na,1.10\na,2.0\n"),
    ],
)
def test_updates_are_printed(
    output_format: str, printed: str, server: IndexServer, tmp_path: Path
) -> None:
    (tmp_path / "constraints.txt").write_text("a==1.0  # pinned\nb>=2\n")

    done = run(tmp_path, server, "find-updates", "constraints.txt", "--format", output_format)

    assert (done.returncode, done.stdout) == (0, printed)
    assert "constraints.txt:2: b is passed over" in done.stderr


def test_updates_as_json_are_a_list_even_of_nothing(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("a==1.10\n")
    (tmp_path / "new.txt").write_text("a==2.0\n")

    old = run(tmp_path, server, "find-updates", "old.txt", "--format", "json")
    new = run(tmp_path, server, "find-updates", "new.txt", "--format", "json", "-o", "out.json")

    assert json.loads(old.stdout) == [{"name": "a", "version": "2.0"}]
    assert new.stdout == ""
    assert json.loads((tmp_path / "out.json").read_text()) == []


NONSENSE = {
    "a requirement": (["package", "list-versions", "not a requirement!"], 2, "hint:"),
    "a kind of file": (["package", "resolve", "a", "--distribution-type", "egg"], 2, "egg"),
    "a format": (["package", "list-versions", "a", "--format", "xml"], 2, "xml"),
    "a missing constraints file": (["find-updates", "missing.txt"], 2, "hint:"),
    "an image": (["package", "list-versions", "a", "--image", "nope"], 2, "hint:"),
    "an index": (["package", "resolve", "a", "--index-url", "nonsense"], 2, "hint:"),
    "an index that is away": (
        ["package", "resolve", "a", "--index-url", "file:///nowhere/simple"],
        5,
        "hint:",
    ),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_a_clear_error_for(what: str, server: IndexServer, tmp_path: Path) -> None:
    arguments, status, words = NONSENSE[what]

    done = run(tmp_path, server, *arguments)

    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

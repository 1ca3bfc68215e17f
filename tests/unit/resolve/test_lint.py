"""Every problem of a file is found at once, each with its line."""

from pathlib import Path

import pytest

from builder.resolve.lint import Linted, lint_file


def lint(folder: Path, name: str, text: str) -> Linted:
    (folder / name).write_text(text)

    def fetch(url: str) -> bytes:
        raise AssertionError(f"{url} was asked for")

    return lint_file(str(folder / name), {"SET": "1.0"}, fetch)


def problems(folder: Path, name: str, text: str) -> list[str]:
    return [it.replace(f"{folder}/", "") for it in lint(folder, name, text).problems]


def test_a_good_file_has_none(tmp_path: Path) -> None:
    text = "a[x]>=1  # why\nb==${SET}\n--no-binary :all:\nc @ https://index.example/c.tar.gz\na\n"

    linted = lint(tmp_path, "requirements.txt", text)

    assert linted.problems == ()
    assert len(linted.parsed.requirements) == 4


def test_all_problems_are_found_and_the_good_lines_are_read(tmp_path: Path) -> None:
    text = "a==\nb==${UNSET}\ngood\n--frob\nc --hash=md5:1\n-e .\n"

    linted = lint(tmp_path, "requirements.txt", text)

    places = [it.split(": ")[0].rpartition(":")[2] for it in linted.problems]
    assert places == ["1", "2", "4", "5", "6"]
    assert [str(it.requirement) for it in linted.parsed.requirements] == ["good"]


def test_problems_of_included_files_have_their_own_place(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("fine\n???\n")

    found = problems(tmp_path, "requirements.txt", "-r more.txt\n-r gone.txt\n-c limits.txt\n")

    assert [it.partition(": ")[0] for it in found] == [
        "more.txt:2",
        "requirements.txt:2",
        "requirements.txt:3",
    ]
    assert "gone.txt could not be read" in found[1]


def test_a_circle_of_files_is_a_problem_and_no_endless_search(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "requirements.txt", "-r requirements.txt\n")

    assert found.startswith("requirements.txt:1: requirements files include each other")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a[x]==1", "global-constraints.txt:1: a constraint has no extras: a[x]==1"),
        ("a", "global-constraints.txt:1: a constraint needs a version: a"),
        (
            "a @ https://index.example/a.zip",
            "global-constraints.txt:1: a constraint has no URL: a @ https://index.example/a.zip",
        ),
        (
            "A.b==1\n\na-B<3",
            "global-constraints.txt:3: a-B<3 stands here again, after global-constraints.txt:1",
        ),
    ],
)
def test_constraints_have_rules_of_their_own(text: str, problem: str, tmp_path: Path) -> None:
    assert problems(tmp_path, "global-constraints.txt", text) == [problem]
    assert problems(tmp_path, "requirements.txt", text) == []


def test_a_project_may_have_a_constraint_for_each_marker(tmp_path: Path) -> None:
    text = "a==1; python_version < '3'\na==2; python_version >= '3'\na<9\n"

    assert problems(tmp_path, "constraints.txt", text) == []


def test_a_file_that_is_not_there_or_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.txt").mkdir()

    for name in ("gone.txt", "bytes.txt", "folder.txt"):
        (found,) = lint_file(str(tmp_path / name), {}, lambda _url: b"").problems
        assert found.startswith(str(tmp_path / name))

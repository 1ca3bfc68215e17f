"""What is asked for is told apart: releases of an index, and states of repositories."""

from pathlib import Path

import pytest

from builder.app.requested import Requested, Wanted, read_requested
from builder.app.settings import Settings
from builder.domain.digests import Digest
from builder.errors import InputError

URL = "git+https://git.example/a"


def read(folder: Path, *requirements: str, file: str = "") -> Requested:
    settings = Settings(folder, folder, folder, folder, (), {"TOKEN": "se/cret@"})
    path = folder / "requirements.txt"
    path.write_text(file)
    return read_requested(settings, Wanted(requirements, (str(path),), ()))


def test_repositories_are_taken_from_the_command_line_and_from_files(tmp_path: Path) -> None:
    digest = "0" * 64
    file = f"b @ {URL}@v1 ; os_name == 'x'\n{URL} --hash=sha256:{digest}\nc<2\n"

    found = read(tmp_path, f"{URL}@main", "d[e] @ git+https://me:secret@git.example/d", file=file)

    asked = [(str(one.requirement), str(one.reference)) for one in found.repositories]
    assert sorted(asked) == [
        ("None", URL),
        ("None", f"{URL}@main"),
        ('b @ git+https://git.example/a@v1 ; os_name == "x"', f"{URL}@v1"),
        ("d[e] @ git+https://git.example/d", "git+https://git.example/d"),
    ]
    assert [str(one.requirement) for one in found.asked] == ["c<2"]
    logins = {one.reference.login for one in found.repositories}
    assert logins == {None, ("me", "secret")}
    assert {one.hashes for one in found.repositories} == {(), (Digest(digest),)}
    assert {Path(one.origin).name for one in found.repositories} == {
        "the command line",
        "requirements.txt:1",
        "requirements.txt:2",
    }


@pytest.mark.parametrize(
    "line",
    [
        "git+https://me:sec@ret@git.example/a@v1..2",
        "git+https://me:sec/ret@git.example/a",
        "git+https://git.example/a?token=sec-ret",
        "a @ git+https://me:sec:ret@git.example/",
        "a @ git+ftp://me:sec-ret@git.example/a",
        "a @ https://me:sec@ret@index.example/a-1.tar.gz",
        "git+https://me:secret@git.example/a ; os_name == 'x'",
        "git+https://me:sec/ret@git.example/a ; os_name == 'x'",
        "a @ https://me:sec/ret@index.example/a-1.tar.gz",
        "git+https://me:secret@git.example/a#subdirectory=x",
        "git+https://${TOKEN}:x@git.example/a@a..b",
    ],
)
def test_lines_that_cannot_be_used_are_told_without_their_secrets(
    line: str, tmp_path: Path
) -> None:
    for requirements, file in (((line,), ""), ((), line)):
        if "${" in line and requirements:
            continue
        with pytest.raises(InputError) as caught:
            read(tmp_path, *requirements, file=file)
        said = caught.value.message + caught.value.hint
        assert "sec" not in said.replace(str(tmp_path), "")
        assert "ret@" not in said
        assert caught.value.hint


def test_where_hashes_are_required_repositories_need_them_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no --hash for"):
        read(tmp_path, file=f"--require-hashes\n{URL}@v1\n")

    file = f"--require-hashes\na @ {URL}@v1 --hash=sha256:{'0' * 64}\n"
    assert read(tmp_path, file=file).hashes == {"a": (Digest("0" * 64),)}

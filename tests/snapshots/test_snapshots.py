"""Every command says what it said: status, standard output, standard error, and files."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from builder.cli.main import cli
from tests.index_server import IndexServer, index_server
from tests.snapshots.case_files import CASES, Case, read_case, write_case
from tests.snapshots.published import publish_projects
from tests.snapshots.running import say

READ = {str(path.relative_to(CASES)): read_case(path) for path in sorted(CASES.rglob("*.txt"))}
TESTS = Path(__file__).parent.parent

# Commands whose normal case starts containers or never ends, and the test that has it.
COVERED_ELSEWHERE = {
    "bootstrap": "system/test_bootstrap.py",
    "bootstrap-parallel": "system/test_commands.py",
    "build": "system/test_commands.py",
    "build-parallel": "system/test_commands.py",
    "build-sequence": "system/test_commands.py",
    "doctor": "system/test_commands.py",
    "image build": "system/test_commands.py",
    "image lock": "system/test_commands.py",
    "step build-sdist": "system/test_commands.py",
    "step build-wheel": "system/test_commands.py",
    "step prepare-build": "system/test_commands.py",
    "step prepare-source": "system/test_commands.py",
    "variants list": "unit/cli/test_variants.py",
    "wheel-server": "unit/cli/test_wheel_server.py",
}


@pytest.fixture(scope="session")
def index() -> Iterator[IndexServer]:
    """The index that `{index}` stands for in cases."""
    with index_server() as server:
        publish_projects(server)
        yield server


@pytest.mark.parametrize("name", READ)
def test_says_what_it_said(
    name: str, tmp_path: Path, index: IndexServer, request: pytest.FixtureRequest
) -> None:
    case = READ[name]

    said = say(case, tmp_path / "here", index)

    if request.config.getoption("--update", default=False):
        write_case(case, said)
    else:
        assert said == case.expected


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    for name, inner in command.commands.items():
        yield from commands(inner, (*path, name))


def cases_of(path: tuple[str, ...]) -> list[Case]:
    return [case for case in READ.values() if case.tested == path]


@pytest.mark.parametrize("path", [*commands(cli)], ids=" ".join)
def test_a_normal_case_covers(path: tuple[str, ...]) -> None:
    if [one for one in cases_of(path) if one.expected is not None and not one.expected.status]:
        return
    text = (TESTS / COVERED_ELSEWHERE[" ".join(path)]).read_text()
    assert [word for word in path if f'"{word}"' not in text] == []


@pytest.mark.parametrize("path", [*commands(cli)], ids=" ".join)
def test_an_error_covers(path: tuple[str, ...]) -> None:
    assert [one for one in cases_of(path) if one.expected is not None and one.expected.status]


@pytest.mark.parametrize("name", READ)
def test_a_case_stands_in_the_folder_of_its_command(name: str) -> None:
    words = iter(READ[name].words)

    assert all(any(word == part for word in words) for part in READ[name].tested)

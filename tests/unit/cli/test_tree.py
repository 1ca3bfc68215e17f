"""What every command gets by being in the tree: shared options, variables, and who listens."""

from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from builder.cli.options import given
from builder.cli.tree import CommandTree


def tree() -> click.Group:
    @click.group(cls=CommandTree)
    def top() -> None:
        pass

    @click.command("fetch-all")
    @click.option("-p", "--port", type=int)
    @click.option("-f", "--force", is_flag=True)
    @click.option("-r", "--row", "rows", multiple=True)
    @click.pass_context
    def fetch_all(
        click_context: click.Context, *, port: int | None, force: bool, rows: tuple[str, ...]
    ) -> None:
        click.echo((port, force, rows, given(click_context).settings().patches_dir))

    @click.group()
    def inner() -> None:
        pass

    @inner.command("same-name")
    @click.argument("sdist_server_url")
    @click.pass_context
    def same_name(click_context: click.Context, sdist_server_url: str) -> None:
        click.echo((sdist_server_url, given(click_context).settings().index_urls))

    @inner.command("leaf")
    @click.option("--sdist-server-url", default="own")
    @click.pass_context
    def leaf(click_context: click.Context, sdist_server_url: str) -> None:
        click.echo((sdist_server_url, given(click_context).settings().index_urls))

    top.add_command(fetch_all)
    top.add_command(inner)
    return top


def run(*words: str, env: Mapping[str, str] | None = None) -> Result:
    result = CliRunner().invoke(tree(), words, env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_commands_own_short_option_wins_behind_its_name() -> None:
    assert (
        run("fetch-all", "-p", "80").stdout == "(80, False, (), PosixPath('overrides/patches'))\n"
    )


def test_the_shared_option_keeps_its_short_name_before_it_and_its_long_name_behind_it() -> None:
    before = run("-p", "mine", "fetch-all")
    behind = run("fetch-all", "--patches-dir", "mine")

    assert before.stdout == behind.stdout == "(None, False, (), PosixPath('mine'))\n"


def test_a_commands_own_long_option_takes_the_place_of_the_shared_one() -> None:
    assert run("inner", "leaf", "--sdist-server-url", "x").stdout == "('x', ())\n"


def test_an_argument_may_be_called_as_a_shared_option_is() -> None:
    said = run("inner", "same-name", "own", "--sdist-server-url", "shared").stdout

    assert said == "('own', ('shared',))\n"


@pytest.mark.parametrize("prefix", ["BUILDER", "FROMAGER"])
def test_variables_stand_in_for_a_commands_own_options(prefix: str) -> None:
    variables = {
        f"{prefix}_FETCH_ALL_PORT": "80",
        f"{prefix}_FETCH_ALL_FORCE": "1",
        f"{prefix}_FETCH_ALL_ROWS": "a b",
    }

    assert run("fetch-all", env=variables).stdout.startswith("(80, True, ('a', 'b'),")


def test_variables_of_the_inner_commands_carry_the_whole_path() -> None:
    variables = {"FROMAGER_INNER_LEAF_SDIST_SERVER_URL": "x"}

    assert run("inner", "leaf", env=variables).stdout == "('x', ())\n"


def test_our_variable_wins_over_the_old_one() -> None:
    variables = {"FROMAGER_FETCH_ALL_PORT": "1", "BUILDER_FETCH_ALL_PORT": "2"}

    assert run("fetch-all", env=variables).stdout.startswith("(2,")


def test_what_is_typed_wins_over_variables() -> None:
    variables = {"BUILDER_FETCH_ALL_PORT": "1"}

    assert run("fetch-all", "--port", "2", env=variables).stdout.startswith("(2,")


def test_groups_take_shared_options_too() -> None:
    assert run("inner", "--index-url", "u", "leaf").stdout == "('own', ('u',))\n"


@pytest.mark.parametrize(
    ("option", "words"),
    [("--no-network-isolation", "never have a network"), ("--envs-dir=x", "migrate-config")],
)
def test_an_option_that_changes_nothing_is_taken_with_a_warning(option: str, words: str) -> None:
    result = run("fetch-all", option)

    assert result.stderr.startswith(f"warning: {option.partition('=')[0]} changes nothing")
    assert words in result.stderr


def test_the_version_is_told_on_either_side() -> None:
    assert run("--version").stdout == run("fetch-all", "--version").stdout
    assert run("--version").stdout.startswith("builder ")


def test_the_file_of_errors_is_there_even_when_there_are_none(tmp_path: Path) -> None:
    run("fetch-all", "--error-log-file", str(tmp_path / "new" / "errors"))

    assert (tmp_path / "new" / "errors").read_text() == ""


def test_warnings_reach_the_log_with_time_and_level(tmp_path: Path) -> None:
    run("fetch-all", "--no-network-isolation", "--log-file", str(tmp_path / "log"))

    line = (tmp_path / "log").read_text()
    assert line[:4].isdigit()
    assert " WARNING --no-network-isolation" in line


def test_the_format_of_the_consoles_lines_can_be_chosen() -> None:
    result = run("--log-format", "%(levelname)s|%(message)s", "fetch-all", "-e", "x")

    assert result.stderr.startswith("WARNING|--envs-dir")

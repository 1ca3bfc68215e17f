"""Commands of installed packages stand beside our own, and break nothing but themselves."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from builder.cli.plugged import OpenCommandTree
from builder.errors import PluginError

COMMANDS = '''
import click
from builder.cli.options import given

@click.command("hello")
@click.option("--name", default="you")
@click.pass_context
def hello(context, name):
    """Greet somebody."""
    click.echo(f"hello {name}, in {given(context).settings().work_dir}")

@click.command("other")
def misnamed(): ...

no_command = 1
'''


def installed(folder: Path, *lines: str, name: str = "mine") -> None:
    info = folder / "site" / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[builder.cli]\n" + "".join(f"{it}\n" for it in lines))
    (folder / "site/commands_of_mine.py").write_text(COMMANDS)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder / "site"), str(Path.cwd())])
    return subprocess.run(
        [sys.executable, "-B", "-m", "builder", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "BUILDER_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_of_another_package_takes_the_shared_options(tmp_path: Path) -> None:
    installed(tmp_path, "hello = commands_of_mine:hello")

    done = run(tmp_path, "hello", "--name", "world", "-t", "there")
    listed = run(tmp_path, "--help")

    assert (done.returncode, done.stdout) == (0, "hello world, in there\n"), done.stderr
    assert "Greet somebody." in listed.stdout


BROKEN = {
    "hello = no_such_module:x": (
        "hello = no_such_module:x (builder.cli, from mine 1.0) cannot be loaded: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    ),
    "hello = commands_of_mine:misnamed": "is a command called 'other'",
    "hello = commands_of_mine:no_command": "is no command, but a int",
    "lint = commands_of_mine:hello": "has the name of a command that is here already",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenCommandTree:
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    root = OpenCommandTree("builder")
    root.add_command(click.Command("lint", callback=lambda: click.echo("linted")))
    root.add_command(click.Command("own", callback=lambda: click.echo("as ever")))
    return root


@pytest.mark.parametrize("line", BROKEN)
def test_a_command_that_cannot_be_used_breaks_only_itself(
    line: str, tree: OpenCommandTree, tmp_path: Path
) -> None:
    installed(tmp_path, line)
    name = line.partition(" ")[0]

    broken = CliRunner().invoke(tree, [name, "--whatever", "x"])
    own = CliRunner().invoke(tree, ["own"])
    listed = CliRunner().invoke(tree, ["--help"])

    assert isinstance(broken.exception, PluginError)
    assert BROKEN[line] in broken.exception.message
    assert own.output == "as ever\n"
    assert "Cannot be used: call it to see why." in listed.output
    assert [error.message for error in tree.errors()] == [broken.exception.message]


def test_two_commands_of_one_name_are_refused(tree: OpenCommandTree, tmp_path: Path) -> None:
    installed(tmp_path, "hello = commands_of_mine:hello")
    installed(tmp_path, "hello = commands_of_mine:other", name="yours")

    refused = CliRunner().invoke(tree, ["hello"])

    assert isinstance(refused.exception, PluginError)
    assert refused.exception.message == (
        "several commands are called hello: "
        "hello = commands_of_mine:hello (builder.cli, from mine 1.0), "
        "hello = commands_of_mine:other (builder.cli, from yours 1.0)"
    )


def test_lint_finds_commands_that_cannot_be_used(tmp_path: Path) -> None:
    installed(tmp_path, "hello = commands_of_mine:no_command")

    done = run(tmp_path, "lint")

    assert done.returncode == 1
    assert done.stdout == (
        "entry point hello = commands_of_mine:no_command (builder.cli, from mine 1.0) "
        "is no command, but a int\n"
        "  hint: name a click.Command\n"
        "found 1 problem in 0 files\n"
    )

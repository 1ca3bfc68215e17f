"""Whatever a script written for Fromager says is understood here, and the pages tell of it."""

import re

import pytest
from click.testing import CliRunner

from builder.cli.main import cli
from scripts.fromager_surface import KnownCommand, differences, known_commands
from scripts.generate_reference import stale_pages

KNOWN = {" ".join(("builder", *one.path)): one for one in known_commands()}


@pytest.mark.parametrize("path", KNOWN)
def test_every_argument_and_option_of_fromagers_is_taken_by(path: str) -> None:
    assert list(differences(cli, KNOWN[path])) == []


@pytest.mark.parametrize("path", KNOWN)
def test_every_option_of_fromagers_is_named_in_the_help_of(path: str) -> None:
    known: KnownCommand = KNOWN[path]

    said = re.findall(
        r"(?<![\w-])--[\w-]+", CliRunner().invoke(cli, [*known.path, "--help"]).output
    )

    assert {name for one in known.options for name in one.long} - {*said} == set()


def test_the_generated_pages_are_as_the_command_line_is() -> None:
    assert stale_pages() == []

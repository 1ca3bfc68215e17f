"""Options mean the same before and after the command, and variables of two names stand in."""

from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from builder.app.settings import Settings
from builder.cli.main import cli
from builder.cli.options import Given, given, shared_options
from builder.errors import InputError


@pytest.fixture
def parsed() -> list[Given]:
    """What the command below was given, once for each time it ran."""
    return []


@pytest.fixture
def group(parsed: list[Given]) -> click.Group:
    @click.group()
    @shared_options
    def top() -> None:
        pass

    @top.command()
    @shared_options
    @click.pass_context
    def show(context: click.Context) -> None:
        parsed.append(given(context))

    return top


def settings(
    group: click.Group, parsed: list[Given], *words: str, env: Mapping[str, str] | None = None
) -> Settings:
    result = CliRunner().invoke(group, words, env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return parsed[-1].settings()


@pytest.mark.parametrize(
    "words",
    [("-O", "out", "show"), ("show", "-O", "out"), ("show", "--output-dir=out")],
)
def test_an_option_may_stand_on_either_side(
    words: tuple[str, ...], group: click.Group, parsed: list[Given]
) -> None:
    found = settings(group, parsed, *words)

    assert found.wheels_repo == Path("out/wheels-repo")
    assert found.work_dir == Path("out/work-dir")


def test_what_stands_behind_the_command_wins(group: click.Group, parsed: list[Given]) -> None:
    found = settings(group, parsed, "--variant", "a", "show", "--variant", "b")

    assert found.variant == "b"


def test_several_variants_have_folders_of_their_own(
    group: click.Group, parsed: list[Given]
) -> None:
    words = ("--variant", "a", "--variant", "b", "--variant", "a", "-O", "out", "-w", "wheels")
    group.main(["show", *words], standalone_mode=False)

    found = parsed[-1].settings_of_variants()

    assert [(it.variant, it.work_dir, it.wheels_repo) for it in found] == [
        ("a", Path("out/a/work-dir"), Path("wheels/a")),
        ("b", Path("out/b/work-dir"), Path("wheels/b")),
    ]
    with pytest.raises(InputError, match="works for one variant, not for a and b"):
        parsed[-1].settings()


def test_several_variants_share_no_image(group: click.Group, parsed: list[Given]) -> None:
    words = ("--variant", "a", "--variant", "b", "--image", "cpu")
    group.main(["show", *words], standalone_mode=False)

    with pytest.raises(InputError, match="several variants do not share an image"):
        parsed[-1].settings_of_variants()


def test_what_may_be_repeated_is_collected_from_both_sides(
    group: click.Group, parsed: list[Given]
) -> None:
    settings(group, parsed, "-c", "a.txt", "show", "-c", "b.txt", "-c", "a.txt")

    assert parsed[-1].constraints == ("a.txt", "b.txt")


@pytest.mark.parametrize("prefix", ["BUILDER", "FROMAGER"])
def test_a_variable_stands_in_for_an_option(
    prefix: str, group: click.Group, parsed: list[Given]
) -> None:
    variables = {f"{prefix}_WHEELS_REPO": "from-variable"}

    assert settings(group, parsed, "show", env=variables).wheels_repo == Path("from-variable")


def test_an_option_before_the_command_wins_over_a_variable(
    group: click.Group, parsed: list[Given]
) -> None:
    variables = {"BUILDER_VARIANT": "variable"}

    found = settings(group, parsed, "--variant", "option", "show", env=variables)

    assert found.variant == "option"


@pytest.mark.parametrize("words", [("-c", "o.txt", "show"), ("show", "-c", "o.txt")])
def test_options_that_may_be_repeated_replace_a_variable(
    words: tuple[str, ...], group: click.Group, parsed: list[Given]
) -> None:
    settings(group, parsed, *words, env={"BUILDER_CONSTRAINTS_FILES": "v.txt w.txt"})

    assert parsed[-1].constraints == ("o.txt",)


@pytest.mark.parametrize("name", ["BUILDER_CONSTRAINTS_FILES", "FROMAGER_CONSTRAINTS_FILE"])
def test_a_variable_may_name_several_files(
    name: str, group: click.Group, parsed: list[Given]
) -> None:
    settings(group, parsed, "show", env={name: "v.txt w.txt"})

    assert parsed[-1].constraints == ("v.txt", "w.txt")


def test_limits_are_given_in_units_of_people(group: click.Group, parsed: list[Given]) -> None:
    found = settings(group, parsed, "show", "--memory", "0.5", "--timeout", "60")

    assert found.limits.memory_bytes == 512 << 20
    assert found.limits.wall_seconds == 60.0


def test_an_option_before_the_command_turns_off_what_a_variable_turned_on(
    group: click.Group, parsed: list[Given]
) -> None:
    found = settings(group, parsed, "--no-cleanup", "show", env={"BUILDER_CLEANUP": "1"})

    assert not found.cleanup


def test_a_variable_turns_a_flag_off(group: click.Group, parsed: list[Given]) -> None:
    assert not settings(group, parsed, "show", env={"FROMAGER_CLEANUP": "0"}).cleanup


def test_folders_of_overrides_have_the_usual_places(
    group: click.Group, parsed: list[Given]
) -> None:
    found = settings(group, parsed, "show", "--settings-dir", "mine", "--min-release-age", "7")

    assert found.settings_dir == Path("mine")
    assert found.settings_file == Path("overrides/settings.yaml")
    assert found.patches_dir == Path("overrides/patches")
    assert found.min_release_age == 7


def names(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = command.commands if isinstance(command, click.Group) else {}
    return [path, *(one for name, sub in inner.items() for one in names(sub, (*path, name)))]


@pytest.mark.parametrize("path", names(cli))
def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])

    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert "\n\n  " in result.output

"""What settings lay down for a release becomes part of its builds."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.app.customization import Customization
from builder.app.variables import OfImage
from builder.build.task import fixed_variables
from builder.domain.builds import BuildSpec, Goal
from builder.domain.digests import Digest
from builder.domain.sources import BuildSystem, SourceTree
from builder.errors import InputError
from builder.overrides.plugins import Plugin
from builder.overrides.reading import read_overrides
from tests.facts import pin

NO_IMAGE = OfImage()
SOURCE = SourceTree(
    pin("a==1.5"),
    Digest("a" * 64),
    Digest("b" * 64),
    "https://index.example/a",
    BuildSystem((), "backend", ()),
    None,
)
PLANNED = BuildSpec(Goal.WHEEL, SOURCE, "i", Digest("c" * 64), (), (), fixed_variables(5))


USUAL = dict(fixed_variables(5))
OF_VARIANT = {"BUILDER_VARIANT": "cpu", "FROMAGER_VARIANT": "cpu"}


def laid_down(
    folder: Path,
    text: str,
    jobs: int = 2,
    goal: Goal = Goal.WHEEL,
    environment: tuple[tuple[str, str], ...] = (),
    image: OfImage = NO_IMAGE,
) -> BuildSpec:
    (folder / "a.yaml").write_text(text)
    found = read_overrides(
        folder / "none.yaml", folder, folder / "patches", "cpu", environment=environment
    )
    customization = Customization(
        found,
        lambda _digest: folder,
        lambda _pin: jobs,
        {"HOME": "/host/home"},
        lambda _pin: image,
    )
    return customization.spec(replace(PLANNED, goal=goal))


def variables(spec: BuildSpec) -> dict[str, str]:
    assert len(dict(spec.variables)) == len(spec.variables)
    return dict(spec.variables)


def test_a_package_without_settings_is_built_as_it_was_planned_for_the_variant(
    tmp_path: Path,
) -> None:
    found = laid_down(tmp_path, "")

    assert variables(found) == {**USUAL, **OF_VARIANT}
    assert replace(found, variables=PLANNED.variables).key == PLANNED.key


def test_what_is_more_special_wins_and_may_refer_to_what_is_not(tmp_path: Path) -> None:
    image = OfImage((("HOME_OF_TOOL", "/opt/tool"), ("A", "image"), ("B", "image")), ("/opt/bin",))
    environment = (("A", "$A, variant"), ("B", "$B, variant"), ("A", "$A of $BUILDER_VARIANT"))
    text = "env: {B: '$B, package', I: '-I$HOME_OF_TOOL', FROMAGER_VARIANT: other}"

    found = laid_down(tmp_path, text, environment=environment, image=image)

    assert variables(found) == {
        **USUAL,
        **OF_VARIANT,
        "HOME_OF_TOOL": "/opt/tool",
        "A": "image, variant of cpu",
        "B": "image, variant, package",
        "I": "-I/opt/tool",
        "FROMAGER_VARIANT": "other",
        "PATH": "/env/bin:/opt/bin:/usr/local/bin:/usr/bin:/bin",
    }


def test_a_variable_of_the_variant_that_comes_to_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        laid_down(tmp_path, "", environment=(("A", "$MISSING"),))

    assert caught.value.message == (
        "variant cpu: environment.A: MISSING means nothing here, for a==1.5"
    )


def test_variables_are_laid_over_those_of_every_build(tmp_path: Path) -> None:
    text = "env: {PATH: '/opt/bin:$PATH', HOME: $HOME/x, V: '${__version__}', TZ: Asia/Tokyo}"

    for goal in Goal:
        found = variables(laid_down(tmp_path, text, goal=goal))

        usual = dict(fixed_variables(5))
        assert found["PATH"] == f"/opt/bin:{usual['PATH']}"
        assert found["HOME"] == "/tmp/home/x"
        assert found["V"] == "1.5"
        assert found["TZ"] == "Asia/Tokyo"
        assert set(found) == {*usual, *OF_VARIANT, "V"}


def test_a_plugin_has_the_last_word_on_variables(tmp_path: Path) -> None:
    def environment(package: object, source: object, usual: dict[str, str]) -> dict[str, str]:
        assert (package, source) != (None, None)
        return {"V": usual["V"] + "!", "PATH": "/opt/bin"}

    (tmp_path / "a.yaml").write_text("env: {V: '1', W: '2'}")
    found = read_overrides(tmp_path / "none.yaml", tmp_path, tmp_path / "patches", "cpu")
    plugins = {SOURCE.pin.name: Plugin("a = a", {"environment": environment})}
    decided = replace(found, plugins={SOURCE.pin.name: "a = a"}, decisions=plugins)
    customization = Customization(
        decided, lambda _digest: tmp_path, lambda _pin: 1, {}, lambda _pin: NO_IMAGE
    )

    spec = variables(customization.spec(PLANNED))

    assert spec == {
        **USUAL,
        **OF_VARIANT,
        "V": "1!",
        "W": "2",
        "PATH": "/env/bin:/opt/bin",
    }


def test_the_programs_of_the_build_environment_are_always_found(tmp_path: Path) -> None:
    found = variables(laid_down(tmp_path, "env: {PATH: /opt/bin}"))

    assert found["PATH"] == "/env/bin:/opt/bin"


def test_jobs_are_part_of_a_build_only_where_a_value_says_so(tmp_path: Path) -> None:
    said = "env: {FLAGS: -j$MAX_JOBS}"
    unsaid = "env: {FLAGS: -j1}"

    assert variables(laid_down(tmp_path, said, jobs=3))["FLAGS"] == "-j3"
    assert laid_down(tmp_path, said, jobs=3).key != laid_down(tmp_path, said, jobs=4).key
    assert laid_down(tmp_path, unsaid, jobs=3).key == laid_down(tmp_path, unsaid, jobs=4).key
    assert "MAX_JOBS" not in variables(laid_down(tmp_path, said))


def test_jobs_that_settings_set_are_part_of_a_build(tmp_path: Path) -> None:
    found = variables(laid_down(tmp_path, "env: {MAKEFLAGS: '$MAKEFLAGS -k', MAX_JOBS: 1}"))

    assert found["MAKEFLAGS"] == "-j2 -k"
    assert found["MAX_JOBS"] == "1"


def test_hooks_see_no_order_of_variables_and_wheels_tell_it(tmp_path: Path) -> None:
    one, other = (laid_down(tmp_path, f"env: {{{text}}}") for text in ("A: a, B: b", "B: b, A: a"))

    assert one.variables == other.variables
    assert (one.settings, other.settings) == (
        '[env]\nA = "a"\nB = "b"\n',
        '[env]\nB = "b"\nA = "a"\n',
    )
    assert one.key != other.key


def test_folder_and_config_settings_are_part_of_a_build(tmp_path: Path) -> None:
    spec = laid_down(tmp_path, "build_dir: python\nconfig_settings: {z: [b, a], a: x}")

    assert spec.build_dir == "python"
    assert spec.config_settings == (("a", "x"), ("z", ("b", "a")))


def test_no_value_is_printed_with_a_build(tmp_path: Path) -> None:
    assert "s3cret" not in repr(laid_down(tmp_path, "env: {TOKEN: s3cret}"))

"""What is wrong with overrides is found before a build does."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from builder.overrides.linting import Checkup, lint


def checked(folder: Path, *plugins: EntryPoint) -> Checkup:
    return lint(
        folder / "settings.yaml",
        folder / "settings",
        folder / "patches",
        folder / "variants.yaml",
        plugins,
    )


def lay(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def plugin(name: str, value: str = "plugins.mine") -> EntryPoint:
    return EntryPoint(name, value, "fromager.project_overrides")


SOUND = {
    "settings.yaml": "changelog: {cpu: [a]}",
    "variants.yaml": "cuda: {image: x}",
    "settings/some_pkg.yaml": "build_dir: x",
    "settings/README.md": "",
    "patches/README.md": "",
    "patches/some_pkg/1.patch": "x",
    "patches/some_pkg/notes.txt": "x",
    "patches/some_pkg/cpu/2.patch": "x",
    "patches/some_pkg-1.0rc1/3.patch": "x",
}


def test_what_is_sound_has_no_problem(tmp_path: Path) -> None:
    lay(tmp_path, SOUND)

    assert checked(tmp_path) == Checkup(9, ())


def test_nothing_has_no_problem(tmp_path: Path) -> None:
    assert checked(tmp_path) == Checkup(0, ())


UNSOUND = {
    "a value that is no template": (
        {"settings/a.yaml": "env:\n  A: a\n  B: ${A-x}"},
        "settings/a.yaml:3: env.B: character 1: write ${NAME} or ${NAME:-default}",
        "",
    ),
    "settings with a dash": (
        {"settings/some-pkg.yaml": ""},
        "settings/some-pkg.yaml: 'some-pkg' is not how a project is called here",
        "call it some_pkg.yaml",
    ),
    "settings of another ending": (
        {"settings/a.yml": ""},
        "settings/a.yml: is not read: settings end in .yaml",
        "rename it to a.yaml",
    ),
    "an unknown field in settings of another ending": (
        {"settings/a.yml": "x: 1"},
        "settings/a.yml:1: x: there is no such field",
        "",
    ),
    "an unknown field": (
        {"settings/a.yaml": "enf: {}"},
        "settings/a.yaml:1: enf: there is no such field",
        "did you mean 'env'?",
    ),
    "two files for one project": (
        {"settings/a_b.yaml": "", "settings/A-b.yaml": ""},
        "is for the same project",
        "",
    ),
    "an unknown field for all": (
        {"settings.yaml": "changelogs: {}"},
        "settings.yaml:1: changelogs: there is no such field",
        "did you mean 'changelog'?",
    ),
    "a field that moved": (
        {"settings.yaml": "\npackages: {}"},
        "settings.yaml:2: packages: is not read here",
        "builder migrate-config",
    ),
    "a patch folder with capitals": (
        {"patches/Some_Pkg/1.patch": "x"},
        "patches/Some_Pkg: 'Some_Pkg' is not how a project is called here",
        "call it some_pkg",
    ),
    "a patch folder with capitals and a version": (
        {"patches/Some_Pkg-1.0/1.patch": "x"},
        "patches/Some_Pkg-1.0: 'Some_Pkg' is not how a project is called here",
        "call it some_pkg-1.0",
    ),
    "a patch folder with a dash": (
        {"patches/some-pkg-1.0/1.patch": "x"},
        "patches/some-pkg-1.0: 'pkg-1.0' is no version",
        "call it some_pkg-1.0",
    ),
    "a patch folder without a version": (
        {"patches/some-pkg/1.patch": "x"},
        "patches/some-pkg: 'pkg' is no version",
        "call it some_pkg",
    ),
    "a local version": (
        {"patches/a-1.0+cpu/1.patch": "x"},
        "patches/a-1.0+cpu: is used by no version",
        "call it a-1.0",
    ),
    "a loose patch": ({"patches/1.patch": "x"}, "patches/1.patch: is in no folder", ""),
    "a patch of another ending": (
        {"patches/a/1.diff": "x"},
        "patches/a/1.diff: is used by no version",
        "rename it to 1.patch",
    ),
    "a patch that lies too deep": (
        {"patches/a/cpu/x/1.patch": "x"},
        "patches/a/cpu/x/1.patch: lies too deep",
        "",
    ),
    "an empty patch": ({"patches/a/cpu/1.patch": ""}, "patches/a/cpu/1.patch: is empty", ""),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_a_problem_is(what: str, tmp_path: Path) -> None:
    files, words, hint = UNSOUND[what]
    lay(tmp_path, files)

    problems = checked(tmp_path).problems

    found = [problem for problem in problems if words in str(problem)]
    assert found, problems
    assert hint in found[0].hint


def test_plugins_of_fromager_are_named_and_not_loaded() -> None:
    found = checked(Path("missing"), plugin("some-pkg"))

    assert [str(problem) for problem in found.problems] == [
        (
            "entry point some-pkg = plugins.mine (fromager.project_overrides): "
            "'some-pkg' is not how a project is called here"
        ),
        (
            "entry point some-pkg = plugins.mine (fromager.project_overrides): "
            "is written for Fromager, and cannot run here"
        ),
    ]
    assert "write-a-plugin" in found.problems[1].hint


def test_plugins_are_loaded_and_what_is_wrong_with_them_is_told() -> None:
    entries = [
        EntryPoint("some_pkg", "no_such_module", "builder.overrides"),
        EntryPoint("no_hook", "json:dumps", "builder.hooks"),
    ]

    found = checked(Path("missing"), *entries)

    assert [str(problem).partition("): ")[2] for problem in found.problems] == [
        "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'",
        "there is no such hook",
    ]

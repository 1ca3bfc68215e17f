"""The layout of Fromager 0.27 becomes one settings file for each package."""

from pathlib import Path

import pytest

from builder.errors import InputError
from builder.overrides.migration import migrated
from builder.overrides.reading import read_overrides

OLD_SETTINGS = """\
pre_built:
  cpu: [Some-Pkg, torch]
  rocm: [torch]
packages:
  some.pkg:
    build_dir: python
    download_source:
      url: https://files.example/${version}.tar.gz
    resolver_dist:
      include_sdists: true
      sdist_server_url: https://index.example/simple
"""
OLD_VARIABLES = """\
# what it needs
FLAG = 1

TEXT="a b"=c
"""


def lay(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def moved(folder: Path, files: dict[str, str]) -> dict[str, str]:
    lay(folder, files)
    return {one.file: one.text for one in migrated(folder / "envs", folder / "settings.yaml")}


def test_settings_and_variables_of_a_package_come_together(tmp_path: Path) -> None:
    found = moved(
        tmp_path,
        {
            "settings.yaml": OLD_SETTINGS,
            "envs/cpu/some_pkg.env": OLD_VARIABLES,
            "envs/rocm/other.env": "A=b",
            "envs/rocm/empty.env": "",
        },
    )

    assert list(found) == ["other.yaml", "some_pkg.yaml", "torch.yaml"]
    assert found["some_pkg.yaml"] == (
        "build_dir: python\n"
        "download_source:\n"
        "  url: https://files.example/${version}.tar.gz\n"
        "resolver_dist:\n"
        "  include_sdists: true\n"
        "  sdist_server_url: https://index.example/simple\n"
        "variants:\n"
        "  cpu:\n"
        "    pre_built: true\n"
        "    env:\n"
        "      FLAG: '1'\n"
        "      TEXT: '\"a b\"=c'\n"
    )
    assert found["torch.yaml"] == (
        "variants:\n  cpu:\n    pre_built: true\n  rocm:\n    pre_built: true\n"
    )


def test_what_was_moved_is_read(tmp_path: Path) -> None:
    found = moved(tmp_path, {"settings.yaml": OLD_SETTINGS, "envs/cpu/some_pkg.env": OLD_VARIABLES})
    lay(tmp_path / "new", found)

    overrides = read_overrides(tmp_path / "missing", tmp_path / "new", tmp_path / "missing", "cpu")

    assert overrides.projects == ("some-pkg", "torch")


def test_nothing_becomes_nothing(tmp_path: Path) -> None:
    assert moved(tmp_path, {}) == {}


UNUSABLE = {
    "a line that sets nothing": (
        {"envs/cpu/a.env": "A=1\nexport"},
        "envs/cpu/a.env:2: 'export' is no NAME=VALUE",
    ),
    "a command in a value": ({"envs/cpu/a.env": "A=$(id)"}, "variants.cpu.env.A"),
    "an unknown field": ({"settings.yaml": "packages: {a: {b: 1}}"}, "a.yaml, as it would be"),
    "a package that is a text": (
        {"settings.yaml": "packages:\n  a: b"},
        "settings.yaml:2: packages.a: must hold fields",
    ),
    "packages that are a list": ({"settings.yaml": "packages: [a]"}, "packages: must hold names"),
    "pre-built that is a text": (
        {"settings.yaml": "pre_built: {cpu: a}"},
        "pre_built.cpu: must be a list of names",
    ),
    "a name that is a path": ({"settings.yaml": "packages: {../a: {}}"}, "'../a' is no name"),
    "no mapping": ({"settings.yaml": "- a"}, "must hold fields"),
    "no YAML": ({"settings.yaml": "a: ["}, "is not YAML"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_old_layout_is_refused_for(what: str, tmp_path: Path) -> None:
    files, words = UNUSABLE[what]

    with pytest.raises(InputError) as caught:
        moved(tmp_path, files)

    assert words in caught.value.message

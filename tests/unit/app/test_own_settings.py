"""The settings that are in force for a release stand in its wheel, and nothing else of them."""

import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.app.own_settings import settings_text
from builder.overrides.reading import Overrides, read_overrides
from tests.facts import pin

RELEASE = pin("some-pkg==1.10")
SETTINGS = """\
annotations: {owner: us}
build_dir: python
build_options: {exclusive_build: true}
changelog:
  "1.10": [first]
  "1.9": [other]
config_settings: {plain: value, many: [a, b]}
env:
  ZLIB: ${HOME}/zlib
  CFLAGS: -O2
project_override: {requires_external: [openssl]}
purl: {type: generic}
resolver_dist: {min_release_age: 7}
variants:
  cpu: {env: {CFLAGS: "$CFLAGS -g"}}
  rocm: {env: {CFLAGS: "-O3"}}
versions:
  "<2":
    env: {CFLAGS: "$CFLAGS -fPIC"}
    variants: {cpu: {annotations: {old: "yes"}}, rocm: {annotations: {old: "no"}}}
  ">=2": {build_dir: src}
"""


def overrides(folder: Path, text: str, variant: str = "cpu") -> Overrides:
    (folder / "some_pkg.yaml").write_text(text)
    return read_overrides(folder / "no.yaml", folder, folder / "no", variant)


def test_what_does_not_count_for_a_release_is_left_out(tmp_path: Path) -> None:
    text = settings_text(overrides(tmp_path, SETTINGS), RELEASE)

    assert tomllib.loads(text) == {
        "annotations": {"owner": "us"},
        "build_dir": "python",
        "changelog": {"1.10": ["first"]},
        "config_settings": {"plain": "value", "many": ["a", "b"]},
        "env": {"ZLIB": "${HOME}/zlib", "CFLAGS": "-O2"},
        "project_override": {"requires_external": ["openssl"]},
        "purl": {"type": "generic"},
        "variants": {"cpu": {"env": {"CFLAGS": "$CFLAGS -g"}}},
        "versions": {
            "<2": {
                "env": {"CFLAGS": "$CFLAGS -fPIC"},
                "variants": {"cpu": {"annotations": {"old": "yes"}}},
            }
        },
    }
    assert text.index("ZLIB") < text.index("CFLAGS"), "variables are expanded in the file's order"


def test_nothing_laid_down_is_an_empty_text(tmp_path: Path) -> None:
    for text in ("{}", "build_options: {exclusive_build: true}", "variants: {rocm: {env: {A: b}}}"):
        assert settings_text(overrides(tmp_path, text), RELEASE) == ""
    assert settings_text(overrides(tmp_path, "{}"), pin("other==1")) == ""


def test_no_login_gets_into_a_wheel(tmp_path: Path) -> None:
    secret = "https://me:secret@host.example/x?token=secret"
    settings = f"annotations: {{from: '{secret}'}}\nenv: {{MIRROR: 'at {secret} or so'}}\n"

    text = settings_text(overrides(tmp_path, settings), RELEASE)

    assert tomllib.loads(text) == {
        "annotations": {"from": "https://host.example/x"},
        "env": {"MIRROR": "at https://host.example/x or so"},
    }


def test_a_plugin_has_a_table_of_its_own(tmp_path: Path) -> None:
    text = settings_text(overrides(tmp_path, "build_dir: x"), RELEASE, {"commit": "abc", "n": 1})

    assert tomllib.loads(text) == {
        "build_dir": "x",
        "metadata-from-plugin": {"commit": "abc", "n": 1},
    }
    assert settings_text(overrides(tmp_path, "{}"), RELEASE, {}) == ""


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":/@?"), max_size=12)


@given(annotations=st.dictionaries(TEXT, TEXT, max_size=3), notes=st.lists(TEXT, max_size=3))
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, annotations: dict[str, str], notes: list[str]
) -> None:
    said = {"annotations": annotations, "changelog": {"1.10": notes}}
    written = {name: value for name, value in said.items() if value not in ({}, {"1.10": []})}

    found = overrides(tmp_path_factory.getbasetemp(), yaml.safe_dump(said))

    assert tomllib.loads(settings_text(found, RELEASE)) == written

"""Editors are told of the same settings that the program takes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from builder.overrides.checking import Checked, read_settings
from builder.overrides.json_schema import field_meanings, json_schema
from builder.overrides.schema import PackageSettings, SettingsFile
from builder.overrides.variants import VariantsFile
from tests.json_schema import violations
from tests.unit.overrides.test_reading import FULL

GENERAL = """\
changelog: {cpu: [rebuilt]}
external_commands: {keep_env: [CI_*], delete_env: ["*"]}
sbom: {supplier: us, creators: [we]}
git: {allow: ["https://git.example/team/"]}
"""
PACKAGE = json_schema(PackageSettings)
FILE = json_schema(SettingsFile)


def tables(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "the file", schema
    yield from schema["$defs"].items()


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "",
        "env:\nvariants:\n  cpu:\nresolver_dist:\n",
        "versions: {'<2': {env: {A: 1}, variants: {cpu: {pre_built: true}}}}",
        "source: {provider: not-available, reason: no licence}",
        "source: {provider: pypi-sdist, min_release_age: null}",
    ],
)
def test_what_the_program_takes_has_no_mark_in_an_editor(text: str, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    found = read_settings(tmp_path / "settings.yaml", PackageSettings)

    assert isinstance(found, Checked), found
    assert violations(found.document.content, PACKAGE) == []


def test_variants_have_a_schema_of_their_own() -> None:
    sound = "a: {image: x, based_on: [b], environment: {A: 1}, description: y}\nb:"
    schema = json_schema(VariantsFile)

    assert violations(yaml.safe_load(sound), schema) == []
    assert violations(yaml.safe_load("a: {imag: x}"), schema) != []
    properties = schema["$defs"]["VariantDefinition"]["properties"]
    assert all(field.get("description") for field in properties.values())


def test_the_general_file_has_a_schema_of_its_own() -> None:
    SettingsFile.model_validate(yaml.safe_load(GENERAL))

    assert violations(yaml.safe_load(GENERAL), FILE) == []
    assert violations(yaml.safe_load(GENERAL), PACKAGE) != []


@pytest.mark.parametrize(
    "text",
    [
        "build_option: {}",
        "variants: {cpu: {pre_build: true}}",
        "env: {A: [1]}",
        "build_options: {cpu_cores_per_job: 0}",
        "changelog: {'1.0': text}",
        "source: {provider: nonsense}",
        "source: {provider: pypi-git}",
        "resolver_dist: {min_release_age: -1}",
        "config_settings: {a: {b: c}}",
    ],
)
def test_what_the_program_refuses_is_marked(text: str) -> None:
    value = yaml.safe_load(text)

    with pytest.raises(ValidationError):
        PackageSettings.model_validate(value)
    assert violations(value, PACKAGE) != []


@pytest.mark.parametrize("schema", [PACKAGE, FILE], ids=["a package", "settings.yaml"])
def test_every_table_and_field_has_a_meaning_and_no_other_title(schema: dict[str, Any]) -> None:
    for name, table in tables(schema):
        assert table["description"], name
        assert "title" not in table
        for field, said in table["properties"].items():
            if field != "provider":
                assert said.get("description"), f"{name}.{field}"
            assert "title" not in said


def test_a_schema_is_plain_json() -> None:
    assert json.loads(json.dumps(PACKAGE)) == PACKAGE
    assert PACKAGE["$schema"].startswith("https://json-schema.org/")


def test_meanings_are_inherited() -> None:
    class Own(BaseModel):
        field: int

    assert "pre_built" in field_meanings(PackageSettings)
    assert field_meanings(Own) == {}

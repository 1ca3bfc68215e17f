"""docs/reference/settings.md from the schema of settings files: every table, every field."""

import json
import re
from collections.abc import Iterator
from typing import Any

from builder.app.settings_files import schema_of_all_packages, schema_of_package

_INTRODUCTION = """\
`settings.yaml` says what holds for every package, `settings/NAME.yaml` what holds for one; NAME is
the project's name in small letters with `_` between the words. Unknown fields are refused, with
file, line and the nearest name. A field without a value counts as not given.

What holds for a release is merged from the file's own fields, then those `versions` that fit, then
the chosen one of `variants`, then that of the versions: the later wins; tables and
`system_packages` add up. A variant may be [based on others](variants.md), whose settings come
before its own. `builder settings show NAME --version VERSION` shows the outcome, with the file and
the line of every field. [Variables of builds](../how-to/environment.md) tells what `env` may say.

Editors complete and check these files with a JSON Schema. With yaml-language-server:

```console
$ builder settings schema > overrides/package.schema.json
$ builder settings schema --global > overrides/settings.schema.json
$ builder settings schema --variants > overrides/variants.schema.json
```

```yaml
# yaml-language-server: $schema=../package.schema.json
build_dir: python
```
"""
_OF_ALL_VERSIONS = ("source",)
_TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "number",
    "number": "number",
    "object": "table",
    "string": "text",
}


def settings_page(generated: str) -> str:
    """The page; `generated` says what wrote it."""
    package, everything = schema_of_package(), schema_of_all_packages()
    lines = ["# Settings", "", generated, "", _INTRODUCTION]
    lines += ["## `settings/NAME.yaml`", "", *_package_table(package)]
    lines += ["## `settings.yaml`", "", *_table(everything)]
    lines += [line for schema in (package, everything) for line in _named_tables(schema)]
    lines += ["## `source`", "", *_providers(package)]
    return "\n".join(lines)


def _package_table(schema: dict[str, Any]) -> Iterator[str]:
    """With two more columns: what versions and variants may say otherwise."""
    named = schema["$defs"]
    of_versions = named["VersionSettings"]["properties"]
    of_variants = named["VariantSettings"]["properties"]
    yield "| field | holds | default | by version | by variant | meaning |"
    yield "|---|---|---|---|---|---|"
    for name, field in schema["properties"].items():
        marks = ["yes" if name in it else "" for it in (of_versions, of_variants)]
        if name in _OF_ALL_VERSIONS:
            marks[0] = ""
        yield _row(f"`{name}`", _holds(field), _default(field), *marks, field["description"])
    yield ""


def _named_tables(schema: dict[str, Any]) -> Iterator[str]:
    """The tables that are the value of one field."""
    for name, field in schema["properties"].items():
        inner = _table_of(field)
        if inner:
            table = schema["$defs"][inner]
            yield from (f"## `{name}`", "", table["description"], "", *_table(table))


def _providers(schema: dict[str, Any]) -> Iterator[str]:
    """The ways to tell where sources come from, each with its own fields."""
    yield schema["properties"]["source"]["description"]
    yield "`provider` says which of these it is."
    yield ""
    for one in schema["properties"]["source"]["anyOf"][0]["oneOf"]:
        table = schema["$defs"][_last(one["$ref"])]
        fields = dict(table["properties"])
        provider = fields.pop("provider")
        yield f"### `{provider['const']}`"
        yield ""
        yield table["description"]
        yield ""
        yield from _table({**table, "properties": fields})


def _table(schema: dict[str, Any]) -> Iterator[str]:
    yield "| field | holds | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in schema["properties"].items():
        needed = "needed" if name in schema.get("required", ()) else _default(field)
        yield _row(f"`{name}`", _holds(field), needed, field["description"])
    yield ""


def _holds(field: dict[str, Any]) -> str:
    inner = _table_of(field)
    if inner:
        return "table"
    if "enum" in field:
        return " or ".join(f"`{one}`" for one in field["enum"])
    if "anyOf" in field:
        return " or ".join(filter(None, map(_holds, field["anyOf"])))
    types = [field["type"]] if isinstance(field.get("type"), str) else field.get("type", [])
    told = dict.fromkeys(_TYPES[one] for one in types if one != "null")
    if [*told] == ["list"]:
        return f"list of {_plural(field['items'])}"
    if [*told] == ["table"] and isinstance(field.get("additionalProperties"), dict):
        return f"table of {_plural(field['additionalProperties'])}"
    return "table" if "oneOf" in field else " or ".join(told)


def _plural(field: dict[str, Any]) -> str:
    told = (_holds(one) for one in field.get("anyOf", [field]))
    return " or ".join(re.sub("^(text|number|table|list)", r"\1s", one) for one in told if one)


def _table_of(field: dict[str, Any]) -> str:
    """The name of the table that a field holds; empty where it holds something else."""
    refs = [one["$ref"] for one in (field, *field.get("anyOf", ())) if "$ref" in one]
    return _last(refs[0]) if len(refs) == 1 else ""


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default in (None, "", [], {}) or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"


def _row(*cells: str) -> str:
    shown = (cell.strip().replace("|", chr(92) + "|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(shown)} |"

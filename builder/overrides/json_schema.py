"""The schema of settings files as JSON, for editors and for the reference."""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from builder.overrides.schema import Table

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """A JSON Schema that takes what the model takes, with what its docstrings say of each field.

    It is told of types, names and ranges; what only the program can tell, such as whether a text is
    a version, it lets pass.
    """
    made = schema.model_json_schema(schema_generator=_Generator)
    return {"$schema": _DIALECT, **made}


class _Generator(GenerateJsonSchema):
    """Takes descriptions from the docstrings below fields, and leaves names as they are."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002
        return False

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("title", None)
        table: type[BaseModel] = schema["cls"]
        meanings = field_meanings(table)
        for name, field in made.get("properties", {}).items():
            if name in meanings:
                field["description"] = meanings[name]
            if issubclass(table, Table):
                _take_nothing(field)
        if issubclass(table, Table):
            _take_nothing(made)
        return made


def _take_nothing(field: dict[str, Any]) -> None:
    """A field without a value counts as not given, a table without one as a table of defaults."""
    if isinstance(field.get("type"), str):
        field["type"] = [field["type"], "null"]
    elif "anyOf" in field and {"type": "null"} not in field["anyOf"]:
        field["anyOf"].append({"type": "null"})


def field_meanings(table: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field of a table, and of those that it inherits."""
    found: dict[str, str] = {}
    for part in reversed(table.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            found |= _docstrings(part.__module__).get(part.__name__, {})
    return found


@cache
def _docstrings(module: str) -> dict[str, dict[str, str]]:
    """What stands below the fields of each class of a module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        part.name: dict(_below_fields(part)) for part in tree.body if isinstance(part, ast.ClassDef)
    }


def _below_fields(table: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(table.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                yield name, inspect.cleandoc(text)
            case _:
                pass

"""Holds a document against its schema, and says what is wrong so that it can be mended."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from builder.overrides.documents import Document, read_document
from builder.overrides.problems import Problem

Schema = TypeVar("Schema", bound=BaseModel)
Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Checked(Generic[Schema]):
    """Settings, and the document that they stand in."""

    settings: Schema
    document: Document


def read_settings(file: Path, schema: type[Schema]) -> Checked[Schema] | tuple[Problem, ...]:
    """Reads a settings file, or says everything that is wrong with it."""
    document = read_document(file)
    if isinstance(document, Problem):
        return (document,)
    content = {} if document.content is None else document.content
    if not isinstance(content, dict):
        return (Problem(file, "must hold fields, such as `changelog:`", line=1),)
    try:
        return Checked(schema.model_validate(content), document)
    except ValidationError as error:
        return explain(error, document, schema)


def explain(
    error: ValidationError, document: Document, schema: type[BaseModel]
) -> tuple[Problem, ...]:
    """Every problem that a document has with its schema."""
    found = error.errors(include_url=False, include_context=False)
    return tuple(_problem(one, document, schema) for one in found)


def _problem(error: ErrorDetails, document: Document, schema: type[BaseModel]) -> Problem:
    location = error["loc"]
    return Problem(
        document.file,
        _reason(error),
        field=_field(location),
        line=document.line(location),
        hint=_hint(location, schema) if error["type"] == "extra_forbidden" else "",
    )


def _field(location: Location) -> str:
    # A key that was refused, and a member of a union, are named in the location too.
    parts = [part for part in location if part not in ("[key]", "str", "list[str]")]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def _reason(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such field"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case _:
            message = error["msg"]
            return message[:1].lower() + message[1:]


def _hint(location: Location, schema: type[BaseModel]) -> str:
    fields = _fields_at(schema, location[:-1])
    close = difflib.get_close_matches(str(location[-1]), fields, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"the fields here are {', '.join(fields)}" if fields else ""


def _fields_at(schema: type[BaseModel], location: Location) -> tuple[str, ...]:
    current: Any = schema
    for part in location:
        current = _member(current, part)
    found = _table(current)
    return tuple(sorted(found.model_fields)) if found is not None else ()


def _member(annotation: Any, part: int | str) -> Any:  # noqa: ANN401 - whatever an annotation is
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    table = _table(annotation)
    field = table.model_fields.get(str(part)) if table is not None else None
    return None if field is None else field.annotation


def _table(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - as above
    alternatives = () if get_origin(annotation) is dict else get_args(annotation)
    for one in (annotation, *alternatives):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None

"""Holds a document against its schema, and says what is wrong so that it can be mended."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from builder.overrides.documents import Document, read_document
from builder.overrides.problems import Problem
from builder.overrides.source_schema import provider_of

Schema = TypeVar("Schema", bound=BaseModel)
Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Checked(Generic[Schema]):
    """Settings, and the document that they stand in."""

    settings: Schema
    document: Document


def read_settings(
    file: Path, schema: type[Schema], *, example: str = "changelog:"
) -> Checked[Schema] | tuple[Problem, ...]:
    """Reads a settings file, or says everything that is wrong with it.

    Args:
        file: the file.
        schema: what it may say.
        example: a line of such a file, for a message.
    """
    document = read_document(file)
    if isinstance(document, Problem):
        return (document,)
    content = {} if document.content is None else document.content
    if not isinstance(content, dict):
        return (Problem(file, f"must hold fields, such as `{example}`", line=1),)
    try:
        return Checked(schema.model_validate(content), document)
    except ValidationError as error:
        return explain(error, document, schema)


def explain(
    error: ValidationError, document: Document, schema: type[BaseModel]
) -> tuple[Problem, ...]:
    """Every problem that a document has with its schema."""
    found = error.errors(include_url=False)
    return tuple(_problem(one, document, schema) for one in found)


def _problem(error: ErrorDetails, document: Document, schema: type[BaseModel]) -> Problem:
    location = (*error["loc"], *_below(error))
    return Problem(
        document.file,
        _reason(error),
        field=_field(_without_providers(location, schema)),
        line=document.line(location),
        hint=_hint(location, schema, error),
    )


def _below(error: ErrorDetails) -> Location:
    """The rest of the way to what is wrong, where the schema only knows the table around it."""
    match error["type"]:
        case "misplaced":
            return tuple(error["ctx"]["place"])
        case "union_tag_invalid":
            return ("provider",)
        case _:
            return ()


def _field(location: Location) -> str:
    # A key that was refused, and a member of a union, are named in the location too.
    parts = [part for part in location if part not in ("[key]", "str", "list[str]")]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def _reason(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such field"
        case "union_tag_invalid":
            return f"there is no provider {error['ctx']['tag']!r}"
        case "union_tag_not_found":
            return "does not say its provider"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case _:
            message = error["msg"]
            return message[:1].lower() + message[1:]


def _hint(location: Location, schema: type[BaseModel], error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return _nearest(str(location[-1]), _fields_at(schema, location[:-1]), "fields")
        case "union_tag_invalid":
            providers = _providers(_at(schema, error["loc"]))
            return _nearest(error["ctx"]["tag"], tuple(sorted(providers)), "providers")
        case "union_tag_not_found":
            return f"the providers are {', '.join(sorted(_providers(_at(schema, error['loc']))))}"
        case _:
            return ""


def _nearest(name: str, known: tuple[str, ...], what: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"the {what} here are {', '.join(known)}" if known else ""


def _fields_at(schema: type[BaseModel], location: Location) -> tuple[str, ...]:
    found = _table(_at(schema, location))
    return tuple(sorted(found.model_fields)) if found is not None else ()


def _at(schema: type[BaseModel], location: Location) -> Any:  # noqa: ANN401 - an annotation
    current: Any = schema
    for part in location:
        current = _member(current, part)
    return current


def _without_providers(location: Location, schema: type[BaseModel]) -> Location:
    """Without the names by which the schema tells the tables of providers apart."""
    return tuple(
        part
        for count, part in enumerate(location)
        if part not in _providers(_at(schema, location[:count]))
    )


def _member(annotation: Any, part: int | str) -> Any:  # noqa: ANN401 - whatever an annotation is
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    provider = _providers(annotation).get(str(part))
    if provider is not None:
        return provider
    table = _table(annotation)
    if table is not None and issubclass(table, RootModel):
        return _member(table.model_fields["root"].annotation, part)
    field = table.model_fields.get(str(part)) if table is not None else None
    return None if field is None else field.annotation


def _table(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - as above
    return next(_tables(annotation), None)


def _providers(annotation: Any) -> dict[str, type[BaseModel]]:  # noqa: ANN401 - as above
    if isinstance(annotation, type):
        return {}
    return {name: table for table in _tables(annotation) for name in provider_of(table)}


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - as above
    """The tables that may stand there: one, or one of several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, list):
        for one in get_args(annotation):
            yield from _tables(one)

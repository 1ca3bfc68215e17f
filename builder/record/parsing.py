"""Holds JSON against a type, and says where it differs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from builder.errors import InputError

Read = TypeVar("Read")


def parse_json(adapter: TypeAdapter[Read], text: str | bytes, where: str, hint: str) -> Read:
    """Reads JSON that somebody else wrote.

    Args:
        adapter: what it must be.
        text: what the file holds.
        where: how to call the file in messages.
        hint: what else to say where it is something else.

    Raises:
        InputError: the message names the place within.
    """
    try:
        return adapter.validate_python(json.loads(text))
    except ValidationError as error:
        raise InputError(f"{where}: {_in_words(error)}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: this is not JSON: {error}", hint=hint) from error


def _in_words(error: ValidationError) -> str:
    first: Mapping[str, Any] = error.errors()[0]
    path: Sequence[object] = first["loc"]
    place = ".".join(str(part) or '""' for part in path) or "the whole"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{more}"

"""Reads build-order.json as a table: what it says of each entry, in its own words."""

from dataclasses import dataclass
from typing import Annotated

from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter

from builder.record.parsing import parse_json

_HINT = "is this the build-order.json of a bootstrap?"


@dataclass(frozen=True)
class OrderEntry:
    """One entry.

    Attributes:
        kind: where its source came from; in orders of long ago, the kind of its requirement.
    """

    name: str
    version: str
    requirement: str
    kind: str
    pre_built: bool


def _name(text: str) -> str:
    canonicalize_name(text, validate=True)
    return text


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    dist: Annotated[str, AfterValidator(_name)]
    version: str
    req: str = ""
    prebuilt: bool = False
    source_url_type: str | None = None
    type: str = ""


_ORDER: TypeAdapter[list[_Entry]] = TypeAdapter(list[_Entry])


def read_order_entries(text: str | bytes, where: str) -> tuple[OrderEntry, ...]:
    """The entries of a build order, Fromager's of any age too.

    Raises:
        InputError: it is no build order; the message names the place within.
    """
    return tuple(
        OrderEntry(
            name=entry.dist,
            version=entry.version,
            requirement=entry.req,
            kind=entry.source_url_type or entry.type,
            pre_built=entry.prebuilt,
        )
        for entry in parse_json(_ORDER, text, where, _HINT)
    )

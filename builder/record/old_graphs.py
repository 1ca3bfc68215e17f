"""Reads the graphs of long ago: lists of edges, `{key: [[req_type, name, version, req], ...]}`."""

from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import TypeAdapter

from builder.domain.graph import (
    Dependency,
    DependencyGraph,
    GraphNode,
    RequirementKind,
    reachable,
)
from builder.domain.releases import Pin
from builder.errors import InputError
from builder.record.parsing import parse_json

_HINT = "only graphs that hold lists of edges have to be migrated"
_OLD: TypeAdapter[dict[str, list[tuple[str, str, str, str]]]] = TypeAdapter(
    dict[str, list[tuple[str, str, str, str]]]
)


def read_old_graph(text: str | bytes, where: str) -> DependencyGraph:
    """Reads an old graph; such a graph does not know where its sources came from.

    Args:
        text: what the file holds.
        where: how to call the file in messages.

    Raises:
        InputError: it is no such graph; the message names the place within.
    """
    lists = parse_json(_OLD, text, where, _HINT)
    if "" not in lists:
        raise InputError(f'{where}: there is no list "", which stands for the request', hint=_HINT)
    edges = [_edge(_parent(key, where), row, where) for key, rows in lists.items() for row in rows]
    walked = reachable(edges)
    pins = sorted({edge.child for edge in walked})
    return DependencyGraph({pin: GraphNode(pin, source_url="") for pin in pins}, walked)


def _parent(key: str, where: str) -> Pin | None:
    if not key:
        return None
    name, _, version = key.partition("==")
    return _pin(name, version, where)


def _edge(parent: Pin | None, row: tuple[str, str, str, str], where: str) -> Dependency:
    kind, name, version, requirement = row
    try:
        known = RequirementKind(kind.replace("_", "-"))
    except ValueError as error:
        kinds = ", ".join(one.value for one in RequirementKind)
        raise InputError(f"{where}: {kind!r} is none of {kinds}", hint=_HINT) from error
    return Dependency(parent, _pin(name, version, where), known, requirement)


def _pin(name: str, version: str, where: str) -> Pin:
    try:
        return Pin(canonicalize_name(name, validate=True), Version(version))
    except ValueError as error:
        raise InputError(f"{where}: {name!r} {version!r}: {error}", hint=_HINT) from error

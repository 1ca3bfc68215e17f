"""Which nodes of a graph are meant by a name that somebody typed."""

import difflib
from collections.abc import Collection

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.domain.graph import DependencyGraph
from builder.domain.releases import Pin
from builder.errors import InputError

_SHOWN = 3


def releases_named(
    graph: DependencyGraph, name: str, versions: Collection[str] = ()
) -> tuple[Pin, ...]:
    """The releases of a project in a graph, or those of them that are of the given versions.

    Raises:
        InputError: the graph holds none.
    """
    wanted = canonicalize_name(name)
    found = sorted(pin for pin in graph.nodes if pin.name == wanted)
    if not found:
        raise InputError(f"the graph holds no {name}", hint=_nearest(graph, wanted))
    if not versions:
        return tuple(found)
    asked = {_version(text) for text in versions}
    kept = tuple(pin for pin in found if pin.version in asked)
    if not kept:
        there = ", ".join(str(pin.version) for pin in found)
        raise InputError(
            f"the graph holds no {name} {' or '.join(versions)}", hint=f"it holds {there}"
        )
    return kept


def _nearest(graph: DependencyGraph, wanted: str) -> str:
    names = sorted({pin.name for pin in graph.nodes})
    close = difflib.get_close_matches(wanted, names, _SHOWN)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"it holds {len(names)} packages; `builder graph build-graph` names them"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise InputError(f"--version: {text!r} is no version", hint="such as 1.2.3") from error

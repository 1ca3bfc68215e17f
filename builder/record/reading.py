"""Reads graph.json and build-order.json, ours and Fromager's."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
)

from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    BuiltFor,
    BuiltIn,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    Provision,
    RequirementKind,
    reachable,
)
from builder.domain.releases import Pin, Rebuilt
from builder.errors import InputError
from builder.record.parsing import parse_json

_HINT = "is this the graph.json of a bootstrap? Older graphs: `builder graph migrate-graph`"
_OVERRIDE = "override"
_ORDER_HINT = "is this the build-order.json of a bootstrap?"


def _digest(text: object) -> object:
    return Digest(text) if isinstance(text, str) else text


def _pin(key: object) -> object:
    if not isinstance(key, str) or "==" not in key:
        raise ValueError("is not of the form name==version")
    name, _, version = key.partition("==")
    try:
        return Pin(canonicalize_name(name, validate=True), Version(version))
    except (InvalidName, InvalidVersion) as error:
        raise ValueError(str(error)) from error


_Sha256 = Annotated[Digest, BeforeValidator(_digest)]
_Key = Annotated[Pin, BeforeValidator(_pin)]


class _Model(BaseModel):
    """Keys that are not known here belong to somebody else, and are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)


class _Requires(_Model):
    system: tuple[str, ...] = ()
    backend: tuple[str, ...] = ()


class _Part(_Model):
    key: _Key
    source_sha256: _Sha256 | None = None
    wheel_sha256: _Sha256 | None = None
    provision: Provision = Provision.BUILT


class _Recipe(_Model):
    build_requires: _Requires | None = None
    build_environment: tuple[_Part, ...] | None = None


class _Rebuilt(_Model):
    sha256: _Sha256
    laid_down_sha256: _Sha256


class _Image(_Model):
    name: str
    id: str
    system_packages: tuple[str, ...] = ()


class _BuiltFor(_Model):
    variant: str
    platform: str
    image: _Image


class _Lock(_Recipe):
    source_sha256: _Sha256 | None = None
    wheel: str = ""
    wheel_sha256: _Sha256 | None = None
    requires_dist: tuple[str, ...] | None = None
    staged: _Recipe | None = None
    tainted_by: tuple[_Key, ...] = ()
    rebuilt: _Rebuilt | None = None
    built_in: _Image | None = None


class _Edge(_Model):
    key: _Key
    req_type: RequirementKind
    req: str


def _version(text: str) -> str:
    Version(text)
    return text


def _name(text: str) -> str:
    canonicalize_name(text, validate=True)
    return text


class _Node(_Lock):
    download_url: str = ""
    source_url_type: str = ""
    pre_built: bool = False
    version: str
    canonicalized_name: str
    constraint: str | None = None
    edges: tuple[_Edge, ...] = ()
    built_for: _BuiltFor | None = None


class _Entry(_Lock):
    req: str = ""
    constraint: str | None = ""
    dist: Annotated[str, AfterValidator(_name)]
    version: Annotated[str, AfterValidator(_version)]
    prebuilt: bool = False
    source_url: str = ""
    source_url_type: str = "sdist"


_GRAPH: TypeAdapter[dict[str, _Node]] = TypeAdapter(dict[str, _Node])
_ORDER: TypeAdapter[list[_Entry]] = TypeAdapter(list[_Entry])


def read_graph(text: str | bytes, where: str) -> DependencyGraph:
    """Reads a graph; nodes that no edge leads to from the top are left out, as Fromager does.

    Args:
        text: what the file holds.
        where: how to call the file in messages.

    Raises:
        InputError: it is no graph; the message names the place within.
    """
    nodes = parse_json(_GRAPH, text, where, _HINT)
    if "" not in nodes:
        raise InputError(f'{where}: there is no node "", which stands for the request', hint=_HINT)
    edges: list[Dependency] = []
    for key, node in nodes.items():
        parent = None if key == "" else _node_pin(key, where)
        edges.extend(Dependency(parent, e.key, e.req_type, e.req) for e in node.edges)
    walked = reachable(edges)
    found: dict[Pin, GraphNode] = {}
    for key, node in nodes.items():
        if key:
            pin = _node_pin(key, where)
            made = _graph_node(pin, node.download_url, node, node.constraint, node.pre_built)
            found[pin] = replace(made, by_settings=node.source_url_type == _OVERRIDE)
    for edge in walked:
        if edge.child not in found:
            raise InputError(
                f"{where}: {edge.parent or 'the request'} needs {edge.child}, "
                "and there is no such node",
                hint=_HINT,
            )
    kept = sorted({edge.child for edge in walked})
    return DependencyGraph({pin: found[pin] for pin in kept}, walked, _built_for(nodes[""]))


def read_build_order(text: str | bytes, where: str) -> tuple[GraphNode, ...]:
    """Reads a build order, from the bottom up.

    Raises:
        InputError: it is no build order; the message names the place within.
    """
    found: dict[Pin, GraphNode] = {}
    for entry in parse_json(_ORDER, text, where, _ORDER_HINT):
        pin = Pin(canonicalize_name(entry.dist), Version(entry.version))
        pre_built = entry.prebuilt or entry.source_url_type == "prebuilt"
        node = _graph_node(pin, entry.source_url, entry, entry.constraint, pre_built)
        by_settings = entry.source_url_type == _OVERRIDE
        found.setdefault(pin, replace(node, by_settings=by_settings))
    return tuple(found.values())


def _node_pin(key: str, where: str) -> Pin:
    try:
        pin = _pin(key)
    except ValueError as error:
        raise InputError(f"{where}: the node {key!r} {error}", hint=_HINT) from error
    assert isinstance(pin, Pin)  # noqa: S101 - what _pin returns
    return pin


def _graph_node(
    pin: Pin,
    url: str,
    lock: _Lock,
    constraint: str | None,
    pre_built: bool,  # noqa: FBT001
) -> GraphNode:
    return GraphNode(
        pin=pin,
        source_url=url,
        source=lock.source_sha256,
        constraint=constraint or "",
        pre_built=pre_built,
        recipe=_build_recipe(lock),
        staged=_build_recipe(lock.staged) if lock.staged else None,
        requires=lock.requires_dist,
        wheel_filename=lock.wheel,
        wheel=lock.wheel_sha256,
        tainted_by=lock.tainted_by,
        rebuilt=_rebuilt(lock),
        image=None if lock.built_in is None else _image(lock.built_in),
    )


def _built_for(top: _Node) -> BuiltFor | None:
    found = top.built_for
    if found is None:
        return None
    return BuiltFor(found.variant, _image(found.image), found.platform)


def _image(image: _Image) -> BuiltIn:
    return BuiltIn(image.name, image.id, image.system_packages)


def _rebuilt(lock: _Lock) -> Rebuilt | None:
    found = lock.rebuilt
    return None if found is None else Rebuilt(found.sha256, found.laid_down_sha256)


def _build_recipe(recipe: _Recipe) -> BuildRecipe | None:
    if recipe.build_environment is None or recipe.build_requires is None:
        return None
    return BuildRecipe(
        recipe.build_requires.system,
        recipe.build_requires.backend,
        tuple(_parts(recipe.build_environment)),
    )


def _parts(parts: Iterable[_Part]) -> Iterable[EnvironmentPart]:
    for part in parts:
        yield EnvironmentPart(part.key, part.source_sha256, part.wheel_sha256, part.provision)

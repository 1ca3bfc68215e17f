"""What changed from one graph to another, for whoever has to approve it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    Provision,
)
from builder.domain.releases import Pin
from builder.graphs.adjacency import adjacency


@dataclass(frozen=True)
class VersionChange:
    """One version of a project went, and one came."""

    name: NormalizedName
    old: Version
    new: Version

    @property
    def is_up(self) -> bool:
        return self.new > self.old


@dataclass(frozen=True)
class SourceChange:
    """The same release is made from other bytes, or nothing says any more from which.

    Attributes:
        place: what the bytes are, such as `source` or `seed`.
        new: None where the digest is gone.
    """

    pin: Pin
    place: str
    old: Digest
    new: Digest | None


@dataclass(frozen=True)
class AddressChange:
    """The same release comes from elsewhere, and no digest says that it is still the same."""

    pin: Pin
    old: str
    new: str


@dataclass(frozen=True)
class EnvironmentChange:
    """A build environment holds something else, and whose do.

    Attributes:
        old: version and provision; empty for what was not there.
        new: the same; empty for what went.
    """

    name: NormalizedName
    old: str
    new: str
    built_with: tuple[Pin, ...]


@dataclass(frozen=True)
class RequirementChange:
    """A package, or the request where it is None, asks for something else, or is given it.

    Attributes:
        leads_to: the release that it is given.
    """

    asker: Pin | None
    kind: str
    requirement: str
    leads_to: Pin
    is_new: bool


@dataclass(frozen=True)
class ProvenanceChange:
    """A package came to be pre-built or tainted, or came to be so no more."""

    pin: Pin
    old: str
    new: str


@dataclass(frozen=True)
class WheelChange:
    """The same source made another wheel.

    Attributes:
        same_tools: whether releases and bytes of the build environment are the same, too.
    """

    pin: Pin
    old: Digest
    new: Digest
    same_tools: bool


@dataclass(frozen=True)
class Difference:
    """Everything that changed; releases that are in both graphs are compared with themselves."""

    alarms: tuple[SourceChange, ...]
    addresses: tuple[AddressChange, ...]
    added: tuple[Pin, ...]
    removed: tuple[Pin, ...]
    versions: tuple[VersionChange, ...]
    provenance: tuple[ProvenanceChange, ...]
    requirements: tuple[RequirementChange, ...]
    environments: tuple[EnvironmentChange, ...]
    wheels: tuple[WheelChange, ...]

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self))


def compare(old: DependencyGraph, new: DependencyGraph) -> Difference:
    """Compares releases with themselves, and a project's one old version with its one new one."""
    versions = tuple(_version_changes(old, new))
    before = {Pin(change.name, change.old) for change in versions}
    after = {Pin(change.name, change.new) for change in versions}
    pairs = [(old.nodes[pin], new.nodes[pin]) for pin in sorted(old.nodes.keys() & new.nodes)]
    moved = [
        (old.nodes[Pin(change.name, change.old)], new.nodes[Pin(change.name, change.new)])
        for change in versions
    ]
    return Difference(
        alarms=tuple(_alarms(pairs)),
        addresses=tuple(_addresses(pairs)),
        added=tuple(sorted(new.nodes.keys() - old.nodes - after)),
        removed=tuple(sorted(old.nodes.keys() - new.nodes - before)),
        versions=versions,
        provenance=tuple(_provenance([*pairs, *moved])),
        requirements=tuple(_requirements(old, new, [*pairs, *moved])),
        environments=_environments([*pairs, *moved]),
        wheels=tuple(_wheels(pairs)),
    )


_Pairs = Sequence[tuple[GraphNode, GraphNode]]


def _version_changes(old: DependencyGraph, new: DependencyGraph) -> Iterator[VersionChange]:
    gone = _by_name(old.nodes.keys() - new.nodes)
    come = _by_name(new.nodes.keys() - old.nodes)
    for name in sorted(gone.keys() & come):
        if len(gone[name]) == len(come[name]) == 1:
            yield VersionChange(name, gone[name][0], come[name][0])


def _by_name(pins: Iterable[Pin]) -> dict[NormalizedName, list[Version]]:
    found: dict[NormalizedName, list[Version]] = {}
    for pin in pins:
        found.setdefault(pin.name, []).append(pin.version)
    return found


def _alarms(pairs: _Pairs) -> Iterator[SourceChange]:
    """Other bytes behind the same name and version, each of them once."""
    found: dict[SourceChange, None] = {}
    for old, new in pairs:
        if old.source is not None and old.source != new.source:
            place = "wheel from an index" if old.pre_built else "source"
            found[SourceChange(old.pin, place, old.source, new.source)] = None
        for change in _part_alarms(old, new):
            found[change] = None
    return iter(found)


def _part_alarms(old: GraphNode, new: GraphNode) -> Iterator[SourceChange]:
    """Wheels of build environments that are no nodes, and so are compared nowhere else."""
    before, after = _parts(old.recipe), _parts(new.recipe)
    for name in sorted(before.keys() & after):
        was, now = before[name], after[name]
        same = (was.pin, was.provision) == (now.pin, now.provision)
        foreign = same and was.provision is not Provision.BUILT
        if foreign and was.source is not None and was.source != now.source:
            yield SourceChange(was.pin, was.provision.value, was.source, now.source)


def _addresses(pairs: _Pairs) -> Iterator[AddressChange]:
    for old, new in pairs:
        unknown = old.source is None or new.source is None
        if unknown and old.source_url and new.source_url and old.source_url != new.source_url:
            yield AddressChange(old.pin, old.source_url, new.source_url)


def _provenance(pairs: _Pairs) -> Iterator[ProvenanceChange]:
    for old, new in pairs:
        was, now = origin(old), origin(new)
        if was != now:
            yield ProvenanceChange(new.pin, was, now)


def origin(node: GraphNode) -> str:
    """Whether its wheel was built, and from what that one may not be trusted."""
    made = "pre-built" if node.pre_built else "built from source"
    if node.tainted_by:
        return f"{made}, tainted by {', '.join(map(str, node.tainted_by))}"
    return made


def _requirements(
    old: DependencyGraph,
    new: DependencyGraph,
    pairs: _Pairs,
) -> Iterator[RequirementChange]:
    """Edges that went or came; that one leads to a newer version is told by the version alone."""
    moved = {was.pin: now.pin for was, now in pairs}
    before, after = adjacency(old), adjacency(new)
    yield from _asked(None, before.children(None), after.children(None), moved)
    for was, now in pairs:
        yield from _asked(now.pin, before.children(was.pin), after.children(now.pin), moved)


def _asked(
    asker: Pin | None,
    old: Iterable[Dependency],
    new: Iterable[Dependency],
    moved: Mapping[Pin, Pin],
) -> Iterator[RequirementChange]:
    went = {_facts(edge, moved.get(edge.child, edge.child)): edge.child for edge in old}
    came = {_facts(edge, edge.child): edge.child for edge in new}
    for facts in sorted(went.keys() - came):
        kind, requirement, _ = facts
        yield RequirementChange(asker, kind, requirement, went[facts], is_new=False)
    for facts in sorted(came.keys() - went):
        kind, requirement, _ = facts
        yield RequirementChange(asker, kind, requirement, came[facts], is_new=True)


def _facts(edge: Dependency, child: Pin) -> tuple[str, str, Pin]:
    return edge.kind.value, edge.requirement, child


def _environments(pairs: _Pairs) -> tuple[EnvironmentChange, ...]:
    """The same change of many environments is told once."""
    found: dict[tuple[NormalizedName, str, str], list[Pin]] = {}
    for old, new in pairs:
        if old.recipe is None or new.recipe is None:
            continue
        before, after = _parts(old.recipe), _parts(new.recipe)
        for name in before.keys() | after:
            was, now = _described(before.get(name)), _described(after.get(name))
            if was != now:
                found.setdefault((name, was, now), []).append(new.pin)
    return tuple(
        EnvironmentChange(name, was, now, tuple(sorted(pins)))
        for (name, was, now), pins in sorted(found.items())
    )


def _wheels(pairs: _Pairs) -> Iterator[WheelChange]:
    for old, new in pairs:
        known = old.source is not None and old.source == new.source
        if known and old.wheel is not None and new.wheel is not None and old.wheel != new.wheel:
            yield WheelChange(new.pin, old.wheel, new.wheel, old.recipe == new.recipe)


def _parts(recipe: BuildRecipe | None) -> Mapping[NormalizedName, EnvironmentPart]:
    return {part.pin.name: part for part in recipe.environment} if recipe else {}


def _described(part: EnvironmentPart | None) -> str:
    if part is None:
        return ""
    built = part.provision is Provision.BUILT
    return str(part.pin.version) if built else f"{part.pin.version} ({part.provision.value})"

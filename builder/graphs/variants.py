"""What the graphs of several variants have in common, and in what they differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.graph import BuiltFor, DependencyGraph, GraphNode, RequirementKind
from builder.domain.releases import Pin
from builder.graphs.adjacency import Adjacency, adjacency, installed
from builder.graphs.contrasts import Aspect, Contrast, contrasts, requirement_contrasts

INSTALLATION = "installation"
BUILDS = "builds"


@dataclass(frozen=True)
class HeldVersions:
    """The versions of a project that one variant has, ascending; none where it has no such project.

    Attributes:
        for_builds: those that no installation holds.
    """

    installed: tuple[Version, ...]
    for_builds: tuple[Version, ...]

    @property
    def all(self) -> tuple[Version, ...]:
        return tuple(sorted((*self.installed, *self.for_builds)))


@dataclass(frozen=True)
class ProjectVersions:
    """One project in all variants.

    Attributes:
        held: in the order of the variants.
        installed_agree: whether all variants that install it install the same versions.
        builds_agree: whether whatever is built in several variants is built with the same versions
            of it, and no two variants build with versions of which none is the same.
    """

    name: NormalizedName
    held: tuple[HeldVersions, ...]
    installed_agree: bool
    builds_agree: bool

    @property
    def agrees(self) -> bool:
        return self.installed_agree and self.builds_agree


@dataclass(frozen=True)
class ReleaseInVariants:
    """One release, as each variant has it.

    Attributes:
        nodes: in the order of the variants; None where a variant does not have it.
        held_for: `INSTALLATION` or `BUILDS`, in the same order; empty where it is not there.
    """

    pin: Pin
    nodes: tuple[GraphNode | None, ...]
    held_for: tuple[str, ...]
    contrasts: tuple[Contrast, ...]

    @property
    def in_several(self) -> bool:
        return sum(node is not None for node in self.nodes) > 1

    @property
    def is_bit_identical(self) -> bool:
        """Whether several variants have its wheel, and all of them the same."""
        wheels = [node.wheel for node in self.nodes if node is not None]
        return len(wheels) > 1 and None not in wheels and len(set(wheels)) == 1

    @property
    def differs_in_bytes_alone(self) -> bool:
        return [contrast.aspect for contrast in self.contrasts] == [Aspect.BYTES]


@dataclass(frozen=True)
class BuiltElsewhere:
    """Wheels of a variant that were built in another image than its own.

    Attributes:
        image: its name.
    """

    variant: str
    image: str
    pins: tuple[Pin, ...]


@dataclass(frozen=True)
class VariantsTable:
    """Every project and every release of all variants, by name.

    Attributes:
        built_for: in the order of the variants; None where nobody recorded it.
        asked: in what the requests differ.
    """

    variants: tuple[str, ...]
    built_for: tuple[BuiltFor | None, ...]
    asked: tuple[Contrast, ...]
    projects: tuple[ProjectVersions, ...]
    releases: tuple[ReleaseInVariants, ...]

    @property
    def disagreeing(self) -> tuple[ProjectVersions, ...]:
        return tuple(project for project in self.projects if not project.agrees)

    @property
    def agrees(self) -> bool:
        return not self.disagreeing

    @property
    def built_elsewhere(self) -> tuple[BuiltElsewhere, ...]:
        """By variant; what settings added to the variant's own image makes no other one of it."""
        found: dict[tuple[str, str], list[Pin]] = {}
        for place, (variant, own) in enumerate(zip(self.variants, self.built_for, strict=True)):
            for release in self.releases:
                node = release.nodes[place]
                image = node.image if node is not None else None
                if image is not None and own is not None and image.name != own.image.name:
                    found.setdefault((variant, image.name), []).append(release.pin)
        return tuple(
            BuiltElsewhere(variant, image, tuple(pins)) for (variant, image), pins in found.items()
        )


def compare(graphs: Mapping[str, DependencyGraph]) -> VariantsTable:
    """Lays the graphs of variants beside each other, in the order that they are given in."""
    views = [_view(graph) for graph in graphs.values()]
    return VariantsTable(
        variants=tuple(graphs),
        built_for=tuple(graph.built_for for graph in graphs.values()),
        asked=tuple(requirement_contrasts(Aspect.REQUIRES, [_texts(view, None) for view in views])),
        projects=tuple(_projects(views)),
        releases=tuple(_release(views, pin) for pin in _all_pins(views)),
    )


@dataclass(frozen=True)
class _View:
    """A graph with what is looked up in it again and again."""

    graph: DependencyGraph
    edges: Adjacency
    installed: set[Pin]
    built_with: Mapping[tuple[Pin | None, str], Mapping[NormalizedName, set[Version]]]

    def held_for(self, pin: Pin) -> str:
        if pin not in self.graph.nodes:
            return ""
        return INSTALLATION if pin in self.installed else BUILDS


def _view(graph: DependencyGraph) -> _View:
    edges = adjacency(graph)
    built_with: dict[tuple[Pin | None, str], dict[NormalizedName, set[Version]]] = {}
    for asker, place, pin in _given_to_builds(graph):
        versions = built_with.setdefault((asker, place), {})
        versions.setdefault(pin.name, set()).add(pin.version)
    return _View(graph, edges, installed(edges), built_with)


def _given_to_builds(graph: DependencyGraph) -> Iterator[tuple[Pin | None, str, Pin]]:
    for edge in graph.edges:
        if edge.kind.is_build:
            yield edge.parent, "built", edge.child
    for node in graph.nodes.values():
        for place, recipe in (("built", node.recipe), ("staged", node.staged)):
            for part in recipe.environment if recipe else ():
                yield node.pin, place, part.pin


def _all_pins(views: Iterable[_View]) -> list[Pin]:
    return sorted({pin for view in views for pin in view.graph.nodes})


def _projects(views: Sequence[_View]) -> Iterator[ProjectVersions]:
    held: dict[NormalizedName, list[set[Pin]]] = {}
    for place, view in enumerate(views):
        for pin in view.graph.nodes:
            held.setdefault(pin.name, [set() for _ in views])[place].add(pin)
    differently_built = _differently_built(views)
    for name in sorted(held):
        versions = tuple(
            HeldVersions(
                tuple(sorted(pin.version for pin in pins & view.installed)),
                tuple(sorted(pin.version for pin in pins - view.installed)),
            )
            for pins, view in zip(held[name], views, strict=True)
        )
        installs = {one.installed for one in versions if one.installed}
        same_builds = name not in differently_built and not _have_nothing_in_common(versions)
        yield ProjectVersions(name, versions, len(installs) <= 1, same_builds)


def _have_nothing_in_common(held: Iterable[HeldVersions]) -> bool:
    build_tools = (set(one.all) for one in held if one.for_builds)
    return any(one.isdisjoint(other) for one, other in combinations(build_tools, 2))


def _differently_built(views: Sequence[_View]) -> set[NormalizedName]:
    """Projects of which one and the same build gets other versions in another variant."""
    first: dict[tuple[Pin | None, str, NormalizedName], set[Version]] = {}
    found: set[NormalizedName] = set()
    for view in views:
        for (asker, place), by_name in view.built_with.items():
            for name, versions in by_name.items():
                if first.setdefault((asker, place, name), versions) != versions:
                    found.add(name)
    return found


def _release(views: Sequence[_View], pin: Pin) -> ReleaseInVariants:
    nodes = tuple(view.graph.nodes.get(pin) for view in views)
    held_for = tuple(view.held_for(pin) for view in views)
    asked = [None if node is None else _texts(v, pin) for v, node in zip(views, nodes, strict=True)]
    presence = (Contrast(Aspect.HELD_FOR, held_for),) if len(set(held_for)) > 1 else ()
    return ReleaseInVariants(pin, nodes, held_for, (*presence, *contrasts(nodes, asked)))


def _texts(view: _View, pin: Pin | None) -> tuple[str, ...]:
    """The requirements that led somewhere: those whose markers hold in the variant."""
    kinds = (RequirementKind.INSTALL, RequirementKind.TOPLEVEL)
    return tuple(edge.requirement for edge in view.edges.children(pin) if edge.kind in kinds)

"""What the graphs of several variants have in common, and in what they differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    Provision,
    RequirementKind,
)
from builder.domain.releases import Pin
from builder.graphs.acceptance import as_requirement
from builder.graphs.adjacency import Adjacency, adjacency, installed
from builder.graphs.difference import origin

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


class Aspect(Enum):
    """In what a release can differ from itself in another variant."""

    HELD_FOR = "there for"
    ORIGIN = "origin"
    SOURCE = "source"
    PREPARED = "prepared source"
    TAGS = "tags"
    BUILD_TAG = "build tag"
    CONSTRAINT = "constraint"
    REQUIRES = "requires"
    METADATA = "metadata requires"
    BUILD_SYSTEM = "build-system requires"
    BACKEND = "backend asks for"
    BUILT_WITH = "built with"
    STAGED_WITH = "staged with"
    BYTES = "wheel"


@dataclass(frozen=True)
class Contrast:
    """One thing that is not the same everywhere.

    Attributes:
        values: in the order of the variants; empty for nothing, and None where there is nothing to
            compare: the variant does not have the release, or nobody recorded it.
        about: the project whose requirement or version it is, where it is about one.
    """

    aspect: Aspect
    values: tuple[str | None, ...]
    about: str = ""


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
class VariantsTable:
    """Every project and every release of all variants, by name.

    Attributes:
        asked: in what the requests differ.
    """

    variants: tuple[str, ...]
    asked: tuple[Contrast, ...]
    projects: tuple[ProjectVersions, ...]
    releases: tuple[ReleaseInVariants, ...]

    @property
    def disagreeing(self) -> tuple[ProjectVersions, ...]:
        return tuple(project for project in self.projects if not project.agrees)

    @property
    def agrees(self) -> bool:
        return not self.disagreeing


def compare(graphs: Mapping[str, DependencyGraph]) -> VariantsTable:
    """Lays the graphs of variants beside each other, in the order that they are given in."""
    views = [_view(graph) for graph in graphs.values()]
    return VariantsTable(
        variants=tuple(graphs),
        asked=tuple(_requirements(Aspect.REQUIRES, [_texts(view, None) for view in views])),
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
    return ReleaseInVariants(pin, nodes, held_for, tuple(_contrasts(views, pin, nodes, held_for)))


def _contrasts(
    views: Sequence[_View],
    pin: Pin,
    nodes: Sequence[GraphNode | None],
    held_for: tuple[str, ...],
) -> Iterator[Contrast]:
    if len(set(held_for)) > 1:
        yield Contrast(Aspect.HELD_FOR, held_for)
    for aspect, value in _PLAIN.items():
        values = tuple(None if node is None else value(node) for node in nodes)
        if _differ(values):
            yield Contrast(aspect, values)
    asked = [None if node is None else _texts(v, pin) for v, node in zip(views, nodes, strict=True)]
    followed = tuple(_requirements(Aspect.REQUIRES, asked))
    yield from followed
    told = {contrast.about for contrast in followed}
    stated = [None if node is None else node.requires for node in nodes]
    for contrast in _requirements(Aspect.METADATA, stated):
        if contrast.about not in told:
            yield contrast
    recipes = [node.recipe if node else None for node in nodes]
    for aspect, part in ((Aspect.BUILD_SYSTEM, _system), (Aspect.BACKEND, _backend)):
        yield from _requirements(aspect, [part(recipe) if recipe else None for recipe in recipes])
    yield from _environments(Aspect.BUILT_WITH, recipes)
    yield from _environments(Aspect.STAGED_WITH, [node.staged if node else None for node in nodes])
    wheels = tuple(_hexadecimal(node.wheel) if node else None for node in nodes)
    if _differ(wheels):
        yield Contrast(Aspect.BYTES, wheels)


def _differ(values: Iterable[str | None]) -> bool:
    return len({value for value in values if value is not None}) > 1


def _texts(view: _View, pin: Pin | None) -> tuple[str, ...]:
    """The requirements that led somewhere: those whose markers hold in the variant."""
    kinds = (RequirementKind.INSTALL, RequirementKind.TOPLEVEL)
    return tuple(edge.requirement for edge in view.edges.children(pin) if edge.kind in kinds)


def _requirements(aspect: Aspect, texts: Sequence[Iterable[str] | None]) -> Iterator[Contrast]:
    """Each project of which not all ask the same."""
    by_name = [None if one is None else _by_name(one) for one in texts]
    for name in sorted({name for one in by_name for name in one or ()}):
        values = tuple(
            None if one is None else ", ".join(sorted(one.get(name, ()))) for one in by_name
        )
        if _differ(values):
            yield Contrast(aspect, values, name)


def _by_name(texts: Iterable[str]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text in texts:
        requirement = as_requirement(text)
        name = canonicalize_name(requirement.name) if requirement else text
        found.setdefault(name, set()).add(text)
    return found


def _system(recipe: BuildRecipe) -> tuple[str, ...]:
    return recipe.system


def _backend(recipe: BuildRecipe) -> tuple[str, ...]:
    return recipe.backend


def _environments(aspect: Aspect, recipes: Sequence[BuildRecipe | None]) -> Iterator[Contrast]:
    known = [recipe.environment for recipe in recipes if recipe is not None]
    if all(environment == known[0] for environment in known):
        return
    parts = [
        None if one is None else {part.pin.name: _described(part) for part in one.environment}
        for one in recipes
    ]
    for name in sorted({name for one in parts for name in one or ()}):
        values = tuple(None if one is None else one.get(name, "") for one in parts)
        if _differ(values):
            yield Contrast(aspect, values, name)


def _described(part: EnvironmentPart) -> str:
    built = part.provision is Provision.BUILT
    return f"{part.pin}" if built else f"{part.pin} ({part.provision.value})"


def wheel_tags(filename: str) -> str:
    """The tags in a wheel's name as they stand there; empty where there is no wheel."""
    return "-".join(filename.removesuffix(".whl").split("-")[-3:])


def build_tag(filename: str) -> str:
    """The build tag in a wheel's name; empty where it has none."""
    words = filename.removesuffix(".whl").split("-")
    return words[2] if len(words) == _WORDS_WITH_BUILD_TAG else ""


_WORDS_WITH_BUILD_TAG = 6


def _hexadecimal(digest: Digest | None) -> str | None:
    return None if digest is None else digest.sha256


def _source(node: GraphNode) -> str | None:
    """Of a pre-built release it is the wheel's, and no digest of a source."""
    return None if node.pre_built else _hexadecimal(node.source)


def _prepared(node: GraphNode) -> str | None:
    return None if node.rebuilt is None else node.rebuilt.archive.sha256


_PLAIN: Mapping[Aspect, Callable[[GraphNode], str | None]] = {
    Aspect.ORIGIN: origin,
    Aspect.SOURCE: _source,
    Aspect.PREPARED: _prepared,
    Aspect.TAGS: lambda node: wheel_tags(node.wheel_filename),
    Aspect.BUILD_TAG: lambda node: build_tag(node.wheel_filename),
    Aspect.CONSTRAINT: lambda node: node.constraint,
}

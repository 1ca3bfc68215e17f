"""The dependency graph: who needs whom, why, from which bytes, and built with what.

A graph that says all of this of every node is a lock: whoever builds from it resolves nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from builder.domain.digests import Digest
from builder.domain.releases import Pin, Rebuilt


class RequirementKind(Enum):
    """Why one package needs another. The values are those of Fromager's `req_type`."""

    TOPLEVEL = "toplevel"
    INSTALL = "install"
    BUILD_SYSTEM = "build-system"
    BUILD_BACKEND = "build-backend"
    BUILD_SDIST = "build-sdist"
    """Never found here: only read from Fromager's graphs."""

    @property
    def is_build(self) -> bool:
        return self not in (RequirementKind.TOPLEVEL, RequirementKind.INSTALL)


@dataclass(frozen=True)
class Dependency:
    """One edge. `parent` is None for what the user asked for."""

    parent: Pin | None
    child: Pin
    kind: RequirementKind
    requirement: str

    @property
    def order(self) -> tuple[str, str, str, str]:
        """A sort key that depends on nothing but the edge itself."""
        return (str(self.parent or ""), self.kind.value, str(self.child), self.requirement)


class Provision(Enum):
    """Where a wheel of a build environment came from."""

    BUILT = "built"
    """It is the graph's own wheel of that release."""
    STAGED = "staged"
    """It was built for the sake of a seeded package, before that was there itself."""
    SEED = "seed"
    """A wheel of the index, which the user named to cut a ring of builds."""


@dataclass(frozen=True)
class EnvironmentPart:
    """One wheel of a build environment.

    Attributes:
        source: digest of the source archive, or of the seed; None where nobody recorded it.
        wheel: digest of the wheel that was seen; None where it was never built.
    """

    pin: Pin
    source: Digest | None = None
    wheel: Digest | None = None
    provision: Provision = Provision.BUILT


@dataclass(frozen=True)
class BuildRecipe:
    """What a build of a release was found to need, as its hooks said.

    Attributes:
        system: `[build-system] requires`, spelled as in the source.
        backend: what the hook asked for beyond that, spelled as the backend did.
        environment: exactly the wheels that the build sees, and nothing else.
    """

    system: tuple[str, ...]
    backend: tuple[str, ...]
    environment: tuple[EnvironmentPart, ...]


@dataclass(frozen=True)
class BuiltIn:
    """An image that builds ran in.

    Attributes:
        identifier: its ID, the same in every engine.
        system_packages: what settings added to what the name stands for.
    """

    name: str
    identifier: str
    system_packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuiltFor:
    """What the wheels of a graph are for.

    Attributes:
        platform: `linux/amd64` and the like.
    """

    variant: str
    image: BuiltIn
    platform: str


@dataclass(frozen=True)
class GraphNode:
    """One release and how it came to be. What nobody recorded is empty or None.

    Attributes:
        source_url: without credentials; of the wheel, where `pre_built`.
        source: digest of what is behind `source_url`.
        constraint: on the project, as a requirement; empty for none.
        pre_built: whether its wheel was taken from an index instead of built.
        recipe: None in graphs that Fromager wrote, and for pre-built wheels.
        staged: how it was built for the sake of a seeded package, where it was.
        requires: its install requirements as its metadata states them, markers and all.
        wheel_filename: empty where no wheel was made yet.
        tainted_by: the pre-built wheels, put in place of failed builds, that took part in it.
        rebuilt: its source as it was prepared, where preparing it again would take a network.
        by_settings: whether settings said where its source is, instead of an index.
        image: the one that it was built in, where settings gave it another than the graph's.
    """

    pin: Pin
    source_url: str
    source: Digest | None = None
    constraint: str = ""
    pre_built: bool = False
    recipe: BuildRecipe | None = None
    staged: BuildRecipe | None = None
    requires: tuple[str, ...] | None = None
    wheel_filename: str = ""
    wheel: Digest | None = None
    tainted_by: tuple[Pin, ...] = ()
    rebuilt: Rebuilt | None = None
    by_settings: bool = False
    image: BuiltIn | None = None


@dataclass(frozen=True)
class DependencyGraph:
    """Nodes by pin, and edges in a fixed order.

    Attributes:
        built_for: None where nobody recorded it.
    """

    nodes: Mapping[Pin, GraphNode]
    edges: tuple[Dependency, ...]
    built_for: BuiltFor | None = None

    def children(self, parent: Pin | None) -> tuple[Dependency, ...]:
        return tuple(edge for edge in self.edges if edge.parent == parent)


def reachable(edges: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """The edges that can be walked to from the top, each once, in a fixed order."""
    by_parent: dict[Pin | None, list[Dependency]] = {}
    for edge in set(edges):
        by_parent.setdefault(edge.parent, []).append(edge)
    seen: set[Pin | None] = {None}
    stack: list[Pin | None] = [None]
    found: list[Dependency] = []
    while stack:
        for edge in by_parent.get(stack.pop(), ()):
            found.append(edge)
            if edge.child not in seen:
                seen.add(edge.child)
                stack.append(edge.child)
    return tuple(sorted(found, key=lambda edge: edge.order))

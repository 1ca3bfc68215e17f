"""What flows tell one another about packages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from packaging.requirements import Requirement

from builder.domain.builds import Wheel
from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    BuiltIn,
    Dependency,
    EnvironmentPart,
    Provision,
    RequirementKind,
)
from builder.domain.releases import Candidate, Pin, Rebuilt, RemoteFile
from builder.domain.sources import SourceTree
from builder.workflows.flows import Step

METADATA, NAMED, PLAN, SOURCE, STAGED, STATED, WHEEL = (
    "metadata",
    "named",
    "plan",
    "source",
    "staged",
    "stated",
    "wheel",
)
"""The kinds of steps that are about one release: what it requires, which release a source is that
a requirement names, what its build needs, its source, its wheel for the sake of a seeded package,
what it requires as far as that is told without running anything of it, its wheel."""


def step_of(kind: str, candidate: Candidate) -> Step:
    """The step that is about a candidate."""
    return Step(kind, candidate.pin, candidate.source)


@dataclass(frozen=True)
class ForeignWheel:
    """A wheel that an index had: the very file, and its canonical form for environments."""

    file: RemoteFile
    wheel: Wheel


@dataclass(frozen=True)
class Package:
    """What became of one release.

    Attributes:
        source_url: of the source archive, or of the wheel where `pre_built`.
        recipe: None where nothing was built.
        edges: those that led to its build environment.
        wheel: None where only its needs were found out.
        foreign: where the wheel came from, if nobody here built it.
        rebuilt: its source as it was prepared, where preparing it again would take a network.
        image: the one that it was built in, where another variant built it.
    """

    pin: Pin
    source_url: str
    source: Digest | None
    recipe: BuildRecipe | None
    edges: tuple[Dependency, ...]
    wheel: Wheel | None
    foreign: ForeignWheel | None = None
    rebuilt: Rebuilt | None = None
    image: BuiltIn | None = None

    @property
    def pre_built(self) -> bool:
        return self.foreign is not None


@dataclass(frozen=True)
class Closure:
    """A solved set of requirements, and the wheels of it as far as they were wanted."""

    edges: tuple[Dependency, ...]
    parts: tuple[EnvironmentPart, ...]
    wheels: tuple[Wheel, ...]


def from_source(
    source: SourceTree,
    words: tuple[str, ...],
    closure: Closure,
    edges: tuple[Dependency, ...],
    wheel: Wheel | None,
) -> Package:
    """A package whose needs are known; `words` are what its hook asked for beyond the system's."""
    system = tuple(str(requirement) for requirement in source.build_system.requires)
    recipe = BuildRecipe(system, words, closure.parts)
    return Package(
        source.pin, source.url, source.sdist, recipe, edges, wheel, rebuilt=source.rebuilt
    )


def from_index(foreign: ForeignWheel) -> Package:
    """A package whose wheel somebody else built."""
    digest = foreign.file.digest or foreign.wheel.digest
    return Package(foreign.wheel.pin, foreign.file.url, digest, None, (), foreign.wheel, foreign)


def part_of(package: Package, provision: Provision) -> EnvironmentPart:
    """A package as it stands in another one's environment."""
    digest = package.wheel.digest if package.wheel is not None else None
    return EnvironmentPart(package.pin, package.source, digest, provision)


def build_edges(
    pin: Pin, edges: tuple[Dependency, ...], hook: tuple[Requirement, ...]
) -> tuple[Dependency, ...]:
    """The edges of a build environment, hung below the package that is built in it."""
    from_hook = {str(requirement) for requirement in hook}
    hung = []
    for edge in edges:
        if edge.parent is None:
            backend = edge.requirement in from_hook
            kind = RequirementKind.BUILD_BACKEND if backend else RequirementKind.BUILD_SYSTEM
            hung.append(Dependency(pin, edge.child, kind, edge.requirement))
        else:
            hung.append(edge)
    return tuple(hung)


def completed(recipe: BuildRecipe, packages: Mapping[Pin, Package]) -> BuildRecipe:
    """A recipe with what became known of its parts after it was found."""
    return replace(recipe, environment=tuple(_completed(p, packages) for p in recipe.environment))


def _completed(part: EnvironmentPart, packages: Mapping[Pin, Package]) -> EnvironmentPart:
    package = packages.get(part.pin)
    if part.provision is not Provision.BUILT or package is None:
        return part
    return part_of(package, Provision.BUILT)

"""In what a release can differ from itself in another variant."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from packaging.utils import canonicalize_name

from builder.domain.digests import Digest
from builder.domain.graph import BuildRecipe, EnvironmentPart, GraphNode, Provision
from builder.graphs.acceptance import as_requirement
from builder.graphs.difference import origin

_WORDS_WITH_BUILD_TAG = 6


class Aspect(Enum):
    """In what a release can differ from itself in another variant."""

    HELD_FOR = "there for"
    ORIGIN = "origin"
    SOURCE = "source"
    PREPARED = "prepared source"
    TAGS = "tags"
    BUILD_TAG = "build tag"
    SYSTEM_PACKAGES = "system packages"
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


def contrasts(
    nodes: Sequence[GraphNode | None], asked: Sequence[Iterable[str] | None]
) -> Iterator[Contrast]:
    """In what a release differs.

    Args:
        nodes: the release in each variant; None where that does not have it.
        asked: the install requirements that count there, in the same order.
    """
    for aspect, value in _PLAIN.items():
        values = tuple(None if node is None else value(node) for node in nodes)
        if _differ(values):
            yield Contrast(aspect, values)
    followed = tuple(requirement_contrasts(Aspect.REQUIRES, asked))
    yield from followed
    told = {contrast.about for contrast in followed}
    stated = [None if node is None else node.requires for node in nodes]
    for contrast in requirement_contrasts(Aspect.METADATA, stated):
        if contrast.about not in told:
            yield contrast
    recipes = [node.recipe if node else None for node in nodes]
    for aspect, part in ((Aspect.BUILD_SYSTEM, _system), (Aspect.BACKEND, _backend)):
        yield from requirement_contrasts(
            aspect, [part(recipe) if recipe else None for recipe in recipes]
        )
    yield from _environments(Aspect.BUILT_WITH, recipes)
    yield from _environments(Aspect.STAGED_WITH, [node.staged if node else None for node in nodes])
    wheels = tuple(_hexadecimal(node.wheel) if node else None for node in nodes)
    if _differ(wheels):
        yield Contrast(Aspect.BYTES, wheels)


def requirement_contrasts(
    aspect: Aspect, texts: Sequence[Iterable[str] | None]
) -> Iterator[Contrast]:
    """Each project of which not all ask the same."""
    by_name = [None if one is None else _by_name(one) for one in texts]
    for name in sorted({name for one in by_name for name in one or ()}):
        values = tuple(
            None if one is None else ", ".join(sorted(one.get(name, ()))) for one in by_name
        )
        if _differ(values):
            yield Contrast(aspect, values, name)


def wheel_tags(filename: str) -> str:
    """The tags in a wheel's name as they stand there; empty where there is no wheel."""
    return "-".join(filename.removesuffix(".whl").split("-")[-3:])


def build_tag(filename: str) -> str:
    """The build tag in a wheel's name; empty where it has none."""
    words = filename.removesuffix(".whl").split("-")
    return words[2] if len(words) == _WORDS_WITH_BUILD_TAG else ""


def _differ(values: Iterable[str | None]) -> bool:
    return len({value for value in values if value is not None}) > 1


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
    Aspect.SYSTEM_PACKAGES: lambda node: ", ".join(
        node.image.system_packages if node.image else ()
    ),
    Aspect.CONSTRAINT: lambda node: node.constraint,
}

"""Which fields of a package's settings a build heeds, and which it would pass over."""

from collections.abc import Iterator

from pydantic import BaseModel

from builder.overrides.schema import PackageSettings

Location = tuple[str, ...]

_NOT_IN_FORCE: tuple[Location, ...] = (
    ("download_source", "url"),
    ("download_source", "destination_filename"),
    ("image",),
    ("system_packages",),
    ("resolver_dist", "include_sdists"),
    ("resolver_dist", "include_wheels"),
    ("resolver_dist", "ignore_platform"),
    ("source",),
)
_VARIANT_NOT_IN_FORCE = ("image", "source", "system_packages")
_DESCRIPTIVE: tuple[Location, ...] = (
    ("annotations",),
    ("build_options", "build_ext_parallel"),
    ("project_override", "requires_external"),
    ("purl",),
)


def fields_not_in_force(settings: PackageSettings, variant: str) -> Iterator[Location]:
    """The fields that ask for another wheel than the one that a build would make."""
    yield from (location for location in _NOT_IN_FORCE if _is_set(settings, location))
    chosen = settings.variants.get(variant)
    if chosen is not None:
        for name in _VARIANT_NOT_IN_FORCE:
            if _is_set(chosen, (name,)):
                yield "variants", variant, name


def descriptive_fields(settings: PackageSettings, variant: str) -> Iterator[Location]:
    """The fields that say something of the package, or nothing any more, and change no wheel."""
    yield from (location for location in _DESCRIPTIVE if _is_set(settings, location))
    chosen = settings.variants.get(variant)
    if chosen is not None and chosen.annotations:
        yield "variants", variant, "annotations"


def _is_set(model: BaseModel, location: Location) -> bool:
    """Whether a field says something else than it does by default."""
    first, *rest = location
    value = getattr(model, first)
    if rest:
        return _is_set(value, tuple(rest))
    return bool(value != type(model).model_fields[first].default)

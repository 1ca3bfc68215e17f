"""Which fields of a package's settings a build heeds, and which it would pass over."""

from collections.abc import Iterator

from pydantic import BaseModel

from builder.overrides.schema import PackageSettings, VersionSettings

Location = tuple[str, ...]

_NOT_IN_FORCE: tuple[Location, ...] = ()
_VARIANT_NOT_IN_FORCE: tuple[str, ...] = ()
_DEPRECATED: Location = ("build_options", "build_ext_parallel")


def fields_not_in_force(settings: PackageSettings, variant: str) -> Iterator[Location]:
    """The fields that ask for another wheel than the one that a build would make."""
    yield from (location for location in _NOT_IN_FORCE if _is_set(settings, location))
    chosen = settings.variants.get(variant)
    if chosen is not None:
        for name in _VARIANT_NOT_IN_FORCE:
            if _is_set(chosen, (name,)):
                yield "variants", variant, name


def deprecated_fields(settings: PackageSettings) -> Iterator[Location]:
    """The fields that say nothing any more."""
    for place, scope in (((), settings), *_of_versions(settings)):
        if _is_set(scope, _DEPRECATED):
            yield *place, *_DEPRECATED


def _of_versions(settings: PackageSettings) -> Iterator[tuple[Location, VersionSettings]]:
    for text, scope in settings.versions.items():
        yield ("versions", text), scope


def _is_set(model: BaseModel, location: Location) -> bool:
    """Whether a field says something else than it does by default."""
    first, *rest = location
    value = getattr(model, first)
    if rest:
        return _is_set(value, tuple(rest))
    return bool(value != type(model).model_fields[first].default)

"""Which fields of a package's settings change nothing any more."""

from collections.abc import Iterator

from pydantic import BaseModel

from builder.overrides.schema import PackageSettings, VersionSettings

Location = tuple[str, ...]

_DEPRECATED: Location = ("build_options", "build_ext_parallel")


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

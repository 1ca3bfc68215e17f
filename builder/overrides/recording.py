"""What wheels say of the settings that they were built with."""

from collections.abc import Mapping
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pydantic import BaseModel

from builder.overrides.schema import PackageSettings, VersionSettings

# How much of a machine builds take, and where releases and finished wheels are looked for: a wheel
# that was built is the same whatever they say.
_NOT_OF_THE_BUILD = frozenset(
    {"build_options", "pre_built", "pre_built_url", "resolver_dist", "wheel_server_url"}
)
_OF_SOME_RELEASES = frozenset({"changelog", "variants", "versions"})
_OTHER_RELEASES_DIGESTS = {"download_source": {"sha256"}}


def recorded(package: PackageSettings, layers: tuple[str, ...], version: Version) -> dict[str, Any]:
    """A package's settings as its file states them, without what does not count for the release.

    Templates stay what they are: what a variable of the caller held is nobody's business.
    """
    said = _scope(package, layers)
    public = Version(version.public)
    said |= _filled(
        changelog=_filled(
            **{text: it for text, it in package.changelog.items() if Version(text) == public}
        ),
        versions=_filled(
            **{
                text: _scope(scope, layers)
                for text, scope in package.versions.items()
                if SpecifierSet(text).contains(version, prereleases=True)
            }
        ),
    )
    return said


def _scope(settings: VersionSettings, layers: tuple[str, ...]) -> dict[str, Any]:
    said = _stated(settings, _NOT_OF_THE_BUILD | _OF_SOME_RELEASES)
    own = {
        name: _stated(settings.variants[name], _NOT_OF_THE_BUILD)
        for name in layers
        if name in settings.variants
    }
    said |= _filled(variants=_filled(**own))
    return said


def _stated(model: BaseModel, left_out: frozenset[str]) -> dict[str, Any]:
    exclude = dict.fromkeys(left_out, True) | _OTHER_RELEASES_DIGESTS
    return _filled(**model.model_dump(mode="json", exclude_unset=True, exclude=exclude))


def _filled(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever settings hold
    return {name: value for name, value in fields.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, Mapping | list) and not value)

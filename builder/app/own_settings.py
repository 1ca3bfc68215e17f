"""The settings of a release as text, for its wheel."""

from collections.abc import Mapping
from typing import Any

import tomlkit

from builder.domain.releases import Pin
from builder.indexes.addresses import shown
from builder.overrides.reading import Overrides
from builder.overrides.recording import recorded

_FROM_PLUGIN = "metadata-from-plugin"


def settings_text(
    overrides: Overrides, pin: Pin, from_plugin: Mapping[str, Any] | None = None
) -> str:
    """TOML; empty where nothing is laid down. The same settings give the same text.

    Logins and queries of URLs are left out: wheels are handed on.

    Args:
        overrides: what is laid down.
        pin: the release.
        from_plugin: what a plugin has to say in a table of its own.
    """
    package = overrides.packages.get(pin.name)
    said = {} if package is None else recorded(package.settings, overrides.layers, pin.version)
    if from_plugin:
        said[_FROM_PLUGIN] = dict(from_plugin)
    return tomlkit.dumps(_shown(said))


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever settings hold
    match value:
        case str():
            return shown(value)
        case Mapping():
            return {name: _shown(one) for name, one in value.items()}
        case list() | tuple():
            return [_shown(one) for one in value]
        case _:
            return value

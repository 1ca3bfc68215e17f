"""What is laid down for a release, brought to the stages that heed it."""

from dataclasses import replace

from builder.domain.builds import BuildSpec
from builder.domain.customization import ConfigSettings, Preparation
from builder.domain.releases import Pin
from builder.overrides.reading import Overrides
from builder.overrides.schema import BuildSettings


class Customization:
    """The one place where settings meet builds. Safe from several threads."""

    def __init__(self, overrides: Overrides) -> None:
        self._overrides = overrides

    def preparation(self, pin: Pin) -> Preparation:
        """How a release's source is prepared."""
        return self._overrides.preparation(pin)

    def spec(self, spec: BuildSpec) -> BuildSpec:
        """A build as it was planned, with everything that is laid down for it."""
        pin = spec.source.pin
        settings = self._overrides.in_force(pin.name, pin.version).settings
        return replace(
            spec,
            build_number=self._overrides.build_tag(pin),
            build_dir=settings.build_dir,
            config_settings=_config_settings(settings),
        )


def _config_settings(settings: BuildSettings) -> ConfigSettings:
    given = sorted(settings.config_settings.items())
    return tuple((name, one if isinstance(one, str) else tuple(one)) for name, one in given)

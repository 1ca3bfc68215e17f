"""What is laid down for a release, brought to the stages that heed it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from builder.app.own_settings import settings_text
from builder.app.variables import Variables, build_variables
from builder.build.task import fixed_variables
from builder.domain.builds import BuildSpec
from builder.domain.customization import ConfigSettings, Preparation
from builder.domain.releases import Pin
from builder.overrides.reading import Overrides
from builder.overrides.schema import BuildSettings


class Customization:
    """The one place where settings meet builds. Safe from several threads."""

    def __init__(
        self, overrides: Overrides, jobs: Callable[[Pin], int], host: Mapping[str, str]
    ) -> None:
        """Remembers what it is asked with.

        Args:
            overrides: what is laid down.
            jobs: how many jobs a release's compilers are told to run.
            host: the variables of this host; settings say which of them may be read.
        """
        self._overrides = overrides
        self._jobs = jobs
        self._host = host

    def preparation(self, pin: Pin) -> Preparation:
        """How a release's source is prepared."""
        return self._overrides.preparation(pin)

    def require_usable(self, pin: Pin) -> None:
        """Looks at what only a build would come upon, before anything is done for the release.

        Raises:
            InputError: a variable of its settings comes to nothing.
        """
        self._variables(pin, fixed_variables(0))

    def spec(self, spec: BuildSpec) -> BuildSpec:
        """A build as it was planned, with everything that is laid down for it."""
        pin = spec.source.pin
        settings = self._overrides.in_force(pin.name, pin.version).settings
        return replace(
            spec,
            build_number=self._overrides.build_tag(pin),
            build_dir=settings.build_dir,
            config_settings=_config_settings(settings),
            settings=settings_text(self._overrides, pin),
            variables=self._variables(pin, spec.variables),
        )

    def _variables(self, pin: Pin, usual: Variables) -> Variables:
        return build_variables(self._overrides, pin, usual, self._jobs(pin), self._host)


def _config_settings(settings: BuildSettings) -> ConfigSettings:
    given = sorted(settings.config_settings.items())
    return tuple((name, one if isinstance(one, str) else tuple(one)) for name, one in given)

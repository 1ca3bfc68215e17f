"""The overrides that the user's folders and installed plugins make."""

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points

from packaging.utils import NormalizedName

from builder.app.settings import Settings
from builder.domain.events import Event, Noted
from builder.overrides.names import project_of
from builder.overrides.reading import Overrides, read_overrides

PLUGIN_GROUPS = ("builder.overrides", "fromager.project_overrides")


def load_overrides(settings: Settings, notify: Callable[[Event], None]) -> Overrides:
    """Everything that is laid down for packages, for the variant that was chosen.

    What stands there and has no effect is told as a warning.

    Raises:
        InputError: a file cannot be used; every problem is named.
    """
    overrides = read_overrides(
        settings.settings_file,
        settings.settings_dir,
        settings.patches_dir,
        settings.variant,
        _by_project(installed_plugins()),
    )
    for note in overrides.notes:
        notify(Noted(note, warning=True))
    return overrides


def installed_plugins() -> tuple[EntryPoint, ...]:
    """The plugins that change how one project is built, by name; none of them is loaded."""
    found = {it for group in PLUGIN_GROUPS for it in entry_points(group=group)}
    return tuple(sorted(found, key=lambda it: (it.name, it.group, it.value)))


def _by_project(plugins: Iterable[EntryPoint]) -> dict[NormalizedName, str]:
    return {project_of(it.name): f"{it.name} = {it.value} ({it.group})" for it in plugins}

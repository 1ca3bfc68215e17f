"""The overrides that the user's folders and installed plugins make."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.events import Event, Noted
from builder.errors import InputError, StorageError
from builder.overrides.linting import Checkup, lint
from builder.overrides.listing import Row, rows
from builder.overrides.migration import migrated
from builder.overrides.plugins import (
    FOREIGN_HOOKS,
    FOREIGN_OVERRIDES,
    HOOK_GROUP,
    OVERRIDES,
    by_project,
    load_hooks,
    load_plugins,
    place_of,
)
from builder.overrides.problems import require_none
from builder.overrides.reading import Overrides, read_overrides
from builder.overrides.variants import unknown_bases
from builder.plugins.hooks import HOOKS
from builder.publish.files import publish_text

_OF_PROJECTS = (OVERRIDES, FOREIGN_OVERRIDES)
_GROUPS = (OVERRIDES, FOREIGN_OVERRIDES, HOOK_GROUP, FOREIGN_HOOKS)


def load_overrides(settings: Settings, notify: Callable[[Event], None]) -> Overrides:
    """Everything that is laid down for packages, for the variant that was chosen.

    What stands there and has no effect is told as a warning. Plugins are loaded.

    Raises:
        InputError: a file or a plugin cannot be used; every problem is named.
    """
    overrides = read_without_plugins(settings)
    for note in overrides.notes:
        notify(Noted(note, warning=True))
    entries = installed_plugins()
    decisions, wrong = load_plugins(entries)
    hooks, wrong_hooks = load_hooks(it for it in entries if it.group == HOOK_GROUP)
    require_none((*wrong, *wrong_hooks))
    for name, plugin in decisions.items():
        notify(Noted(f"plugin of {name}: {plugin.place} decides {', '.join(plugin.functions)}"))
    for event, several in hooks.items():
        notify(Noted(f"told of {event}: {', '.join(hook.place for hook in several)}"))
    for entry in entries:
        if entry.group == FOREIGN_HOOKS and entry.name in HOOKS:
            note = f"{place_of(entry)} is not called: it is written for Fromager"
            notify(Noted(note, warning=True))
    return replace(overrides, decisions=decisions, hooks=hooks)


def read_without_plugins(settings: Settings) -> Overrides:
    """The same as far as it can be told without running any plugin's code.

    Raises:
        InputError: a file cannot be used; every problem is named.
    """
    found = by_project(it for it in installed_plugins() if it.group in _OF_PROJECTS)
    return read_overrides(
        settings.settings_file,
        settings.settings_dir,
        settings.patches_dir,
        settings.variant,
        {name: place_of(entry) for name, entry in found.items()},
        based_on=settings.definition.based_on,
        environment=settings.definition.environment,
    )


def installed_plugins() -> tuple[EntryPoint, ...]:
    """The plugins and hooks, ours and Fromager's, by name; none of them is loaded."""
    found = {it for group in _GROUPS for it in entry_points(group=group)}
    return tuple(sorted(found, key=lambda it: (it.name, it.group, it.value)))


def check_overrides(settings: Settings) -> Checkup:
    """What is wrong with the overrides, as far as it can be told without a build.

    Raises:
        InputError: a folder cannot be read.
    """
    found = lint(
        settings.settings_file,
        settings.settings_dir,
        settings.patches_dir,
        settings.variants_file,
        installed_plugins(),
    )
    try:
        known = read_without_plugins(settings).variant_names
    except InputError:
        return found  # which variants there are cannot be told until that is mended
    bases = unknown_bases(settings.variants_file, {*known, *image_catalogue(settings).names()})
    return replace(found, problems=(*found.problems, *bases))


def listed_overrides(settings: Settings) -> tuple[Row, ...]:
    """A row for each package that anything is laid down for.

    Raises:
        InputError: a file cannot be used; every problem is named.
    """
    return rows(load_overrides(settings, lambda _event: None))


@dataclass(frozen=True)
class Written:
    """A settings file that a migration wrote, or left as it was because it says the same."""

    file: Path
    replaced: bool
    unchanged: bool


def migrate_overrides(
    envs_dir: Path, settings_file: Path, output_dir: Path, *, replace: bool
) -> tuple[Written, ...]:
    """Writes one settings file for each package of the layout of Fromager 0.27.

    Args:
        envs_dir: one folder for each variant, with a file of variables for each package.
        settings_file: the file that has everything else.
        output_dir: is made where it is missing.
        replace: whether files that are there and say something else may be replaced.

    Raises:
        InputError: the old layout cannot be used, or a file is in the way; nothing is written.
        StorageError: a file cannot be written.
    """
    new = {output_dir / one.file: one.text for one in migrated(envs_dir, settings_file)}
    try:
        old = {file: file.read_bytes() for file in new if file.exists()}
        differing = [file for file, content in old.items() if content != new[file].encode()]
        if differing and not replace:
            raise InputError(
                f"{', '.join(map(str, differing))}: would be replaced",
                hint="choose another --output-dir, or replace what is there with --force",
            )
        for file, text in new.items():
            if file not in old or file in differing:
                publish_text(text, file)
    except OSError as error:
        raise StorageError(f"{error.filename}: {error.strerror}") from error
    return tuple(
        Written(file, file in differing, file in old and file not in differing) for file in new
    )

"""Finds what is wrong with overrides before a build does: names, fields, and unused patches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from packaging.version import InvalidVersion, Version

from builder.errors import InputError
from builder.overrides.checking import Checked, read_settings
from builder.overrides.names import override_name, project_of
from builder.overrides.patches import SUFFIX
from builder.overrides.plugins import (
    FOREIGN_HOOKS,
    FOREIGN_OVERRIDES,
    HOOK_GROUP,
    OVERRIDES,
    PORTING,
    load_hooks,
    load_plugins,
    place_of,
)
from builder.overrides.problems import Problem
from builder.overrides.schema import PackageSettings, SettingsFile
from builder.overrides.variants import check_variants

_SETTINGS_SUFFIX = ".yaml"
_PATCHLIKE = (SUFFIX, ".diff")


@dataclass(frozen=True)
class Checkup:
    """What was looked at, in numbers, and what is wrong with it."""

    files: int
    problems: tuple[Problem, ...]


def lint(
    settings_file: Path,
    settings_dir: Path,
    patches_dir: Path,
    variants_file: Path,
    plugins: Sequence[EntryPoint],
) -> Checkup:
    """Looks at everything that can change a build. Only plugins are run, as far as to load them.

    Raises:
        InputError: a folder cannot be read.
    """
    try:
        settings = [file for file in sorted(_entries(settings_dir)) if file.is_file()]
        patches = sorted(path for path in patches_dir.rglob("*") if path.is_file())
        problems = (
            *_general_problems(settings_file),
            *_variants_problems(variants_file),
            *_settings_problems(settings),
            *patch_problems(patches_dir),
            *_plugin_problems(plugins),
            *load_plugins(plugins)[1],
            *load_hooks(it for it in plugins if it.group == HOOK_GROUP)[1],
        )
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
    single = settings_file.exists() + variants_file.exists()
    return Checkup(single + len(settings) + len(patches) + len(plugins), problems)


def patch_problems(patches_dir: Path) -> Iterator[Problem]:
    """Folders that are meant for nobody, and patches that no version could use."""
    for path in sorted(_entries(patches_dir)):
        if path.is_dir():
            wrong = _folder_problem(path)
            if wrong is not None:
                yield wrong
            yield from _unused(path, levels=2)
        elif _is_patchlike(path):
            yield Problem(path, "is in no folder of a project, so that nothing uses it")


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _general_problems(file: Path) -> Iterator[Problem]:
    if not file.exists():
        return
    found = read_settings(file, SettingsFile)
    if not isinstance(found, Checked):
        yield from found
        return
    for name in found.settings.legacy_fields:
        line = found.document.line((name,))
        hint = "builder migrate-config moves it to the settings of each package"
        yield Problem(file, "is not read here", field=name, line=line, hint=hint)


def _variants_problems(file: Path) -> Iterator[Problem]:
    found = check_variants(file)
    if not isinstance(found, Checked):
        yield from found


def _settings_problems(files: Sequence[Path]) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for file in files:
        if file.suffix not in (_SETTINGS_SUFFIX, ".yml"):
            continue
        wrong = _name_problem(file, file.stem, file.suffix)
        if wrong is not None:
            yield wrong
        if file.suffix != _SETTINGS_SUFFIX:
            hint = f"rename it to {file.stem}{_SETTINGS_SUFFIX}"
            yield Problem(file, f"is not read: settings end in {_SETTINGS_SUFFIX}", hint=hint)
        other = first.setdefault(project_of(file.stem), file)
        if other != file:
            yield Problem(file, f"{other} is for the same project")
        found = read_settings(file, PackageSettings)
        if not isinstance(found, Checked):
            yield from found


def _name_problem(place: Path | str, name: str, rest: str = "") -> Problem | None:
    proper = override_name(name)
    if proper == name:
        return None
    hint = f"call it {proper}{rest}"
    return Problem(place, f"{name!r} is not how a project is called here", hint=hint)


def _folder_problem(folder: Path) -> Problem | None:
    name, dash, version = folder.name.partition("-")
    if not dash:
        return _name_problem(folder, name)
    try:
        local = Version(version).local
    except InvalidVersion:
        text = f"{version!r} is no version, so that nothing uses it"
        return Problem(folder, text, hint=f"call it {_likely_name(folder.name)}")
    if local is not None:
        hint = f"call it {name}-{Version(version).public}"
        return Problem(folder, "is used by no version: local versions do not count", hint=hint)
    return _name_problem(folder, name, f"-{version}")


def _likely_name(folder: str) -> str:
    name, _, version = folder.rpartition("-")
    try:
        return f"{override_name(name)}-{Version(version)}"
    except InvalidVersion:
        return override_name(folder)


def _unused(folder: Path, levels: int) -> Iterator[Problem]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _unused(path, levels - 1)
        elif _is_patchlike(path):
            if levels <= 0:
                yield Problem(path, "lies too deep: in the folder of a variant at most")
            elif path.suffix != SUFFIX:
                hint = f"rename it to {path.stem}{SUFFIX}"
                yield Problem(path, f"is used by no version: patches end in {SUFFIX}", hint=hint)
            elif path.stat().st_size == 0:
                yield Problem(path, "is empty")


def _is_patchlike(path: Path) -> bool:
    return path.suffix.lower() in _PATCHLIKE


def _plugin_problems(plugins: Sequence[EntryPoint]) -> Iterator[Problem]:
    ported = {project_of(plugin.name) for plugin in plugins if plugin.group == OVERRIDES}
    for plugin in plugins:
        place = f"entry point {place_of(plugin)}"
        if plugin.group in (OVERRIDES, FOREIGN_OVERRIDES):
            wrong = _name_problem(place, plugin.name)
            if wrong is not None:
                yield wrong
        is_foreign = plugin.group in (FOREIGN_OVERRIDES, FOREIGN_HOOKS)
        if is_foreign and project_of(plugin.name) not in ported:
            yield Problem(place, "is written for Fromager, and cannot run here", hint=PORTING)

"""What settings files may say, and what those that are there say of one project."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.app.capacity import available_memory_gb
from builder.app.images import image_catalogue
from builder.app.overrides import load_overrides
from builder.app.settings import Settings
from builder.app.variables import OfImage, build_variables, place_of_builds, variables_of
from builder.build.task import fixed_variables
from builder.domain.releases import Pin
from builder.errors import InputError
from builder.overrides.json_schema import json_schema
from builder.overrides.reading import Overrides
from builder.overrides.schema import PackageSettings, SettingsFile
from builder.overrides.showing import Shown, shown
from builder.overrides.variants import VariantsFile
from builder.prepare.task import SOURCE_DATE_EPOCH
from builder.schedule.budget import Appetite, Budget


def schema_of_package() -> dict[str, Any]:
    """A JSON Schema of `settings/NAME.yaml`."""
    return {"title": "Settings of a package", **json_schema(PackageSettings)}


def schema_of_all_packages() -> dict[str, Any]:
    """A JSON Schema of `settings.yaml`."""
    return {"title": "Settings of all packages", **json_schema(SettingsFile)}


def schema_of_variants() -> dict[str, Any]:
    """A JSON Schema of `variants.yaml`."""
    return {"title": "What names of variants stand for", **json_schema(VariantsFile)}


@dataclass(frozen=True)
class ProjectSettings:
    """What is in force for a project, or for one release of it.

    Attributes:
        values: what the variables of a release come to; empty without a release.
        problem: why they come to nothing.
        versions: the specifiers of versions that have settings of their own.
        based_on: the variants whose settings count beneath those of the variant.
    """

    project: NormalizedName
    version: Version | None
    variant: str
    shown: Shown
    values: Mapping[str, str]
    problem: InputError | None
    versions: tuple[str, ...]
    based_on: tuple[str, ...]


def settings_in_force(
    settings: Settings, name: str, version: str | None, *, with_host_values: bool
) -> ProjectSettings:
    """What is laid down for a project, and what its variables come to for a release.

    Args:
        settings: what the user chose.
        name: the project.
        version: which release; None for what holds for all.
        with_host_values: whether values show what this host's variables hold, not only their names.

    Raises:
        InputError: there can be no such release, or a file cannot be used.
    """
    project, release = _project(name), None if version is None else _version(version)
    overrides = load_overrides(settings, lambda _event: None)
    values, problem = {}, None
    if release is not None:
        host = settings.variables if with_host_values else _names_alone(settings.variables)
        try:
            values = _values(overrides, Pin(project, release), settings, host)
        except InputError as error:
            problem = error
    return ProjectSettings(
        project,
        release,
        settings.variant,
        shown(overrides, project, release),
        values,
        problem,
        tuple(overrides.package(project).versions),
        overrides.based_on,
    )


def _values(
    overrides: Overrides, pin: Pin, settings: Settings, host: Mapping[str, str]
) -> dict[str, str]:
    """Only those that settings set, as a build would have them now."""
    options = overrides.build_options(pin.name, pin.version)
    appetite = Appetite(options.cpu_cores_per_job, options.memory_per_job_gb)
    budget = Budget(settings.workers, settings.jobs, available_memory_gb())
    usual = fixed_variables(SOURCE_DATE_EPOCH)
    jobs = budget.claim(appetite).jobs
    found = build_variables(overrides, pin, usual, jobs, host, _of_image(settings, overrides, pin))
    mine = {one.name for one in overrides.in_force(pin.name, pin.version).variables}
    return {name: value for name, value in found if name in mine}


def _of_image(settings: Settings, overrides: Overrides, pin: Pin) -> OfImage:
    """Settings can be looked at before there is an image."""
    catalogue = image_catalogue(settings)
    name = place_of_builds(settings, overrides, pin)
    return variables_of(catalogue, name) if name in catalogue.names() else OfImage()


def _names_alone(host: Mapping[str, str]) -> dict[str, str]:
    """What is empty stays so: templates have defaults for that."""
    return {name: f"<{name} of this host>" if value else "" for name, value in host.items()}


def _project(name: str) -> NormalizedName:
    try:
        return canonicalize_name(name, validate=True)
    except ValueError as error:
        raise InputError(f"{name!r} is no name of a project") from error


def _version(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise InputError(f"{version!r} is no version") from error

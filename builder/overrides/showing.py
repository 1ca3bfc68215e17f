"""What is in force for a project or a release, field by field, with where each was set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import NormalizedName
from packaging.version import Version
from pydantic import BaseModel

from builder.domain.releases import Pin
from builder.overrides.checking import Checked
from builder.overrides.merging import InForce, Location
from builder.overrides.reading import Overrides
from builder.overrides.schema import BuildSettings, PackageSettings

_OF_RELEASES = frozenset({"changelog", "variants", "versions", *BuildSettings.model_fields})


@dataclass(frozen=True)
class Place:
    """Where something was set."""

    file: str
    line: int | None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class ShownField:
    """A field that somebody set, as it holds once everything is merged."""

    name: str
    value: object
    place: Place


@dataclass(frozen=True)
class ShownVariable:
    """One line of an `env`, in the order in which they are expanded."""

    name: str
    template: str
    place: Place


@dataclass(frozen=True)
class Shown:
    """What is laid down.

    Attributes:
        build_tag: None where no release is asked for.
        patches: those of the release; without a release, all that there are for the variant.
        plugin: where the project's plugin is; empty where it has none.
    """

    fields: tuple[ShownField, ...]
    variables: tuple[ShownVariable, ...]
    patches: tuple[str, ...]
    build_tag: int | None
    plugin: str

    @property
    def is_empty(self) -> bool:
        return not (self.fields or self.variables or self.patches or self.plugin)


def shown(overrides: Overrides, name: NormalizedName, version: Version | None = None) -> Shown:
    """What holds for a release; without a version, for all releases of the project alike."""
    package = overrides.packages.get(name)
    in_force = overrides.in_force(name, version)
    fields: list[ShownField] = []
    variables: tuple[ShownVariable, ...] = ()
    if package is not None:
        fields = [*_merged_fields(package, in_force), *_own_fields(package, version)]
        variables = tuple(
            ShownVariable(one.name, one.template, _place(package, one.place))
            for one in in_force.variables
        )
    pin = None if version is None else Pin(name, version)
    return Shown(
        tuple(sorted(fields, key=lambda it: it.name)),
        variables,
        tuple(_patches(overrides, name, pin)),
        None if pin is None else overrides.build_tag(pin),
        overrides.plugins.get(name, ""),
    )


def _merged_fields(package: Checked[PackageSettings], in_force: InForce) -> Iterator[ShownField]:
    values = in_force.settings.model_dump(mode="json")
    for field, place in in_force.origins.items():
        value = _at(values, field)
        if field[0] != "env" and value is not None:
            yield ShownField(".".join(field), value, _place(package, place))


def _own_fields(package: Checked[PackageSettings], version: Version | None) -> Iterator[ShownField]:
    """What no version and no variant can say otherwise, and the changes of the version."""
    settings = package.settings
    for name in settings.model_fields_set - _OF_RELEASES:
        table = getattr(settings, name)
        if isinstance(table, BaseModel):
            for inner in table.model_fields_set:
                value = table.model_dump(mode="json")[inner]
                yield ShownField(f"{name}.{inner}", value, _place(package, (name, inner)))
    for text, entries in settings.changelog.items():
        if version is None or Version(text) == Version(version.public):
            place = _place(package, ("changelog", text))
            yield ShownField(f"changelog.{text}", list(entries), place)


def _at(values: Mapping[str, Any], field: Location) -> object:
    found: Any = values
    for part in field:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _patches(overrides: Overrides, name: NormalizedName, pin: Pin | None) -> Iterator[str]:
    if pin is not None:
        yield from (patch.name for patch in overrides.patches(pin).apply)
        return
    for folder in overrides.patch_folders:
        if folder.project == name:
            yield from (patch.name for patch in folder.patches(overrides.layers))


def _place(package: Checked[PackageSettings], location: Location) -> Place:
    return Place(str(package.document.file), package.document.line(location))

"""What is in force for one release: settings of a package, its versions and its variants in one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pydantic import BaseModel

from builder.overrides.checking import Checked
from builder.overrides.environment import Variable
from builder.overrides.schema import BuildSettings, PackageSettings, VariantSettings
from builder.overrides.source_schema import HookPrebuilt, PypiPrebuilt

Location = tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """One field that somebody set: where it counts, and where it stands."""

    field: Location
    value: object
    place: Location
    """Its way in the document, such as `("versions", "<2", "build_dir")`."""


@dataclass(frozen=True)
class InForce:
    """What holds for a release.

    Attributes:
        variables: what `env` says, in the order in which it is expanded; a name may come again,
            and its later value may refer to its earlier one.
        origins: where each field that somebody set was set last, by the field.
    """

    settings: BuildSettings = field(default_factory=BuildSettings)
    variables: tuple[Variable, ...] = ()
    origins: Mapping[Location, Location] = field(default_factory=dict)


def in_force(
    package: Checked[PackageSettings] | None, layers: tuple[str, ...], version: Version | None
) -> InForce:
    """Merges, from what is general to what is special: the later wins, lists and tables add up.

    The order is: the package, those of its versions that fit, its variant, the variant of its
    versions; and the latter two again for each further layer. Without a version, no settings of
    versions count.

    Args:
        package: the settings of the package; None where it has none.
        layers: the variants that count.
        version: the release.
    """
    if package is None:
        return InForce()
    merged: dict[str, Any] = {}
    origins: dict[Location, Location] = {}
    variables: list[Variable] = []
    for place, scope in scopes(package.settings, layers, version):
        if version is None and "versions" in place:
            continue
        variables.extend(
            Variable(name, text, (*place, "env", name)) for name, text in scope.env.items()
        )
        for one in _set_fields(scope, place):
            _lay(merged, one)
            origins[one.field] = one.place
    source = merged.get("source")
    if isinstance(source, PypiPrebuilt):
        merged |= {"pre_built": True, "wheel_server_url": source.index_url}
    if isinstance(source, HookPrebuilt):
        merged |= {"pre_built": True}
    if not merged.get("pre_built"):
        # Built after all: which wheel it would have been is of no interest.
        merged.pop("pre_built_url", None)
    return InForce(BuildSettings.model_validate(merged), tuple(variables), origins)


def scopes(
    settings: PackageSettings, layers: tuple[str, ...], version: Version | None = None
) -> Iterator[tuple[Location, VariantSettings]]:
    """Everything that may hold for variants, or for one version of them, from general to special.

    Args:
        settings: those of the package.
        layers: the variants that count.
        version: which one; None for whatever may hold for any.
    """
    fitting = [
        (("versions", text), one)
        for text, one in settings.versions.items()
        if version is None or SpecifierSet(text).contains(version, prereleases=True)
    ]
    yield (), settings
    yield from fitting
    for variant in layers:
        for place, scope in (((), settings), *fitting):
            if variant in scope.variants:
                yield (*place, "variants", variant), scope.variants[variant]


def _set_fields(scope: VariantSettings, place: Location) -> Iterator[Setting]:
    for name in scope.model_fields_set & BuildSettings.model_fields.keys():
        value = getattr(scope, name)
        if name == "source":
            yield Setting((name,), value, (*place, name))  # providers do not add up
        elif isinstance(value, BaseModel):
            for inner in value.model_fields_set:
                yield Setting((name, inner), getattr(value, inner), (*place, name, inner))
        elif isinstance(value, dict):
            for key, one in value.items():
                yield Setting((name, key), one, (*place, name, key))
        else:
            yield Setting((name,), value, (*place, name))


def _lay(merged: dict[str, Any], one: Setting) -> None:
    table = merged
    for part in one.field[:-1]:
        table = table.setdefault(part, {})
    name = one.field[-1]
    old = table.get(name)
    if one.field == ("system_packages",) and isinstance(one.value, Sequence):
        table[name] = list(dict.fromkeys([*(old or ()), *one.value]))
    else:
        table[name] = one.value

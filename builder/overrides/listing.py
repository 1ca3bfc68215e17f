"""What is laid down for which package, as rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.overrides.reading import Overrides
from builder.overrides.schema import PackageSettings


@dataclass(frozen=True)
class Row:
    """One package, or one version of it that has patches of its own.

    Attributes:
        version: None in the row for every version.
        patches: how many are applied because of this row, for the variant that was chosen.
        variants: what is said for each variant that any package names.
        plugin_hooks: what its plugin decides; the plugin itself where it cannot run here.
        settings: the fields that its settings give.
    """

    package: NormalizedName
    version: Version | None
    patches: int
    min_release_age: int | None
    variants: dict[str, str]
    plugin_hooks: str
    settings: tuple[str, ...]

    def fields(self) -> dict[str, object]:
        """The row by the names of its columns, in their order."""
        return {
            "package": self.package,
            "version": "" if self.version is None else str(self.version),
            "patches": self.patches,
            "min_release_age": self.min_release_age,
            **self.variants,
            "plugin_hooks": self.plugin_hooks,
            "settings": ", ".join(self.settings),
        }


def rows(overrides: Overrides) -> tuple[Row, ...]:
    """A row for each package, and for each of its versions that has patches of its own."""
    named = {name for one in overrides.packages.values() for name in one.settings.variants}
    variants = sorted({*named, *overrides.layers})
    return tuple(row for name in overrides.projects for row in _rows(overrides, name, variants))


def _rows(overrides: Overrides, name: NormalizedName, variants: list[str]) -> Iterator[Row]:
    settings = overrides.package(name)
    for version, patches in _patches(overrides, name).items():
        yield Row(
            package=name,
            version=version,
            patches=patches,
            min_release_age=overrides.min_release_age(name),
            variants={variant: _said(settings, variant) for variant in variants},
            plugin_hooks=_decided(overrides, name),
            settings=tuple(sorted(settings.model_fields_set)),
        )


def _decided(overrides: Overrides, name: NormalizedName) -> str:
    plugin = overrides.decisions.get(name)
    return overrides.plugins.get(name, "") if plugin is None else ", ".join(plugin.functions)


def _patches(overrides: Overrides, name: NormalizedName) -> dict[Version | None, int]:
    general = 0
    special: dict[Version, int] = {}
    for folder in overrides.patch_folders:
        if folder.project != name:
            continue
        count = len(folder.patches(overrides.layers))
        if folder.version is None:
            general += count
        else:
            special[folder.version] = special.get(folder.version, 0) + count
    counts: dict[Version | None, int] = {} if special and not general else {None: general}
    return counts | {version: special[version] for version in sorted(special)}


def _said(settings: PackageSettings, variant: str) -> str:
    said = settings.variants.get(variant)
    if said is None:
        return ""
    return "pre-built" if said.pre_built else ", ".join(sorted(said.model_fields_set))

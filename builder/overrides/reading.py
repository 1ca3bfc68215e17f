"""Reads everything that changes how packages are built into one value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from builder.domain.customization import Place, Preparation, RequirementChanges, Vendoring
from builder.domain.origins import Origin
from builder.domain.patches import Patches
from builder.domain.releases import Pin
from builder.domain.repositories import Submodules, is_provisional
from builder.errors import InputError
from builder.overrides.checking import Checked, read_settings
from builder.overrides.documents import Document
from builder.overrides.effects import deprecated_fields
from builder.overrides.environment import (
    VERSION,
    Known,
    UnusableVariableError,
    Variable,
    expanded,
    let_in,
)
from builder.overrides.linting import patch_problems
from builder.overrides.merging import InForce, in_force, scopes
from builder.overrides.names import project_of
from builder.overrides.origins import archive_name, origin_of, withheld
from builder.overrides.patches import PatchFolder, choose, read_patch_folders
from builder.overrides.plugins import Hook, Plugin
from builder.overrides.problems import Problem, require_none
from builder.overrides.schema import BuildOptions, PackageSettings, PreBuilt, SettingsFile
from builder.overrides.source_schema import (
    ForgeTags,
    HookPrebuilt,
    PypiDownload,
    PypiGit,
    PypiPrebuilt,
    PypiSdist,
    Source,
    Url,
    VersionmapGit,
)


@dataclass(frozen=True)
class Overrides:
    """What the user laid down for packages, for one variant.

    Attributes:
        based_on: other variants whose settings, patches and changelog count too, from general to
            special; those of the variant itself come last.
        environment: templates of variables for every build.
        notes: what stands in the files and changes no build, for a warning.
        plugins: the plugin of a project, where one is installed.
        decisions: those of them that were loaded.
        hooks: who is told what becomes of packages, by the hook's name.
    """

    variant: str
    settings: SettingsFile = field(default_factory=SettingsFile)
    packages: Mapping[NormalizedName, Checked[PackageSettings]] = field(default_factory=dict)
    patch_folders: tuple[PatchFolder, ...] = ()
    notes: tuple[str, ...] = ()
    plugins: Mapping[NormalizedName, str] = field(default_factory=dict)
    decisions: Mapping[NormalizedName, Plugin] = field(default_factory=dict)
    hooks: Mapping[str, tuple[Hook, ...]] = field(default_factory=dict)
    based_on: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """The variants that count, from general to special."""
        return (*self.based_on, self.variant)

    @property
    def projects(self) -> tuple[NormalizedName, ...]:
        """Every project that something is laid down for, sorted."""
        patched = (folder.project for folder in self.patch_folders)
        return tuple(sorted({*self.packages, *patched, *self.plugins}))

    @property
    def allowed_repositories(self) -> tuple[str, ...]:
        """How the URLs of repositories begin that packages may name."""
        return tuple(self.settings.git.allow)

    @property
    def variant_names(self) -> frozenset[str]:
        """Every variant that anything is laid down for, whichever was chosen."""
        scopes = (
            scope
            for package in self.packages.values()
            for scope in (package.settings, *package.settings.versions.values())
        )
        patched = (
            name for folder in self.patch_folders for name, found in folder.by_variant if found
        )
        named = (name for scope in scopes for name in scope.variants)
        return frozenset((*named, *patched, *self.settings.changelog))

    def package(self, name: NormalizedName) -> PackageSettings:
        """The settings of a project; defaults where it has none."""
        found = self.packages.get(name)
        return PackageSettings() if found is None else found.settings

    def in_force(self, name: NormalizedName, version: Version | None = None) -> InForce:
        """What holds for a release; without a version, what holds for all of its project."""
        return in_force(self.packages.get(name), self.layers, version)

    def build_options(self, name: NormalizedName, version: Version | None = None) -> BuildOptions:
        return self.in_force(name, version).settings.build_options

    def min_release_age(self, name: NormalizedName) -> int | None:
        """In days; None where the project follows the option of the command."""
        source = self.source(name)
        if source is not None and source.min_release_age is not None:
            return source.min_release_age
        return self.package(name).resolver_dist.min_release_age

    def source(self, name: NormalizedName) -> Source | None:
        """What tells of a project's releases, instead of an index alone."""
        return self.in_force(name).settings.source

    def withheld(self, name: NormalizedName) -> str | None:
        """Why a project cannot be had at all; None where it can."""
        return withheld(self.source(name), has_plugin=self._has_decision(name, "releases"))

    def origin(self, pin: Pin) -> Origin | None:
        """Where the settings say that a release's source is; None where they do not."""
        return origin_of(pin, self.in_force(pin.name, pin.version).settings)

    def leads(self, pin: Pin) -> bool:
        """Whether settings or a plugin say where a release's source is, instead of an index."""
        source = self.source(pin.name)
        decided = ("releases", "download_source")
        if any(self._has_decision(pin.name, decision) for decision in decided):
            return True
        return self.origin(pin) is not None or isinstance(source, ForgeTags | VersionmapGit | Url)

    def archive_name(self, pin: Pin) -> str | None:
        """What a release's source archive is to be called; None where it keeps its name."""
        return archive_name(pin, self.in_force(pin.name, pin.version).settings)

    def sdist_server_url(self, name: NormalizedName) -> str | None:
        """The only index that is asked for the project; None where it follows the command."""
        source = self.source(name)
        if isinstance(source, PypiSdist | PypiDownload | PypiGit):
            return source.index_url
        return self.package(name).resolver_dist.sdist_server_url

    def pre_built(self, pin: Pin) -> PreBuilt | None:
        """Where a release's wheel comes from if it is not built; None where it is."""
        settings = self.in_force(pin.name, pin.version).settings
        return settings if settings.pre_built else None

    def pre_built_anywhere(self, name: NormalizedName) -> tuple[PreBuilt, ...]:
        """Every way in which releases of a project are pre-built, for the variant."""
        if isinstance(self.source(name), PypiPrebuilt | HookPrebuilt):
            return (self.in_force(name).settings,)
        found = self.packages.get(name)
        every = () if found is None else scopes(found.settings, self.layers)
        return tuple(scope for _, scope in every if scope.pre_built)

    def build_tag(self, pin: Pin) -> int:
        """The number of changelog entries of the variants that count, and of the release."""
        if self.pre_built(pin) is not None:
            return 0
        package = self.package(pin.name)
        public = Version(pin.version.public)
        entries = [len(it) for text, it in package.changelog.items() if Version(text) == public]
        every = [len(self.settings.changelog.get(variant, ())) for variant in self.layers]
        return sum(every) + sum(entries)

    def patches(self, pin: Pin) -> Patches:
        """What the release's source is patched with, in order."""
        return choose(self.patch_folders, pin, self.layers)

    def preparation(self, pin: Pin) -> Preparation:
        """How the release's source is prepared."""
        settings = self.in_force(pin.name, pin.version).settings
        override, rust = settings.project_override, settings.rust
        return Preparation(
            self.patches(pin),
            settings.build_dir,
            RequirementChanges(
                tuple(map(Requirement, override.update_build_requires)),
                tuple(map(canonicalize_name, override.remove_build_requires)),
            ),
            Vendoring(
                rust.vendor,
                rust.before_patches,
                tuple(rust.manifest_paths),
                rust.resolve_without_lock,
            ),
        )

    def variables(
        self, pin: Pin, own: Mapping[str, str], host: Mapping[str, str]
    ) -> Mapping[str, str]:
        """What the variant's environment and the `env` of a release come to.

        Args:
            pin: the release.
            own: the variables that its builds have anyway.
            host: the host's, of which only those that `external_commands` lets in are read.

        Raises:
            InputError: a name means nothing, or a value is none that a variable can have.
        """
        general = tuple(Variable(name, text) for name, text in self.environment)
        variables = (*general, *self.in_force(pin.name, pin.version).variables)
        try:
            return expanded(variables, self._known(pin, own, host)) if variables else {}
        except UnusableVariableError as error:
            place = f"variant {self.variant}: environment.{error.variable.name}"
            if error.variable not in general:
                place = _place(self.packages[pin.name].document, error.variable.place)
            raise InputError(f"{place}: {error}, for {pin}", hint=error.hint) from error

    def _known(self, pin: Pin, own: Mapping[str, str], host: Mapping[str, str]) -> Known:
        commands = self.settings.external_commands
        allowed = {} if commands is None else let_in(host, commands.keep_env)
        version = {} if is_provisional(pin.version) else {VERSION: str(pin.version)}
        return Known({**own, **version}, allowed, frozenset(host) - frozenset(allowed))

    def place(self, pin: Pin) -> Place:
        """Where the release is built."""
        settings = self.in_force(pin.name, pin.version).settings
        return Place(settings.image, tuple(sorted(settings.system_packages)))

    def repair_policy(self, pin: Pin) -> str | None:
        """What the release's wheel is repaired to, once it is built; None for nothing."""
        own = self.in_force(pin.name, pin.version).settings.repair
        policy = self.settings.repair if own is None else own
        return None if policy in (None, "off") else policy

    def places_of(self, pin: Pin, *fields: str) -> tuple[str, ...]:
        """Where fields are set that hold for the release: file, line and field."""
        found = self.packages.get(pin.name)
        if found is None:
            return ()
        return tuple(
            _place(found.document, (*place, name))
            for place, scope in scopes(found.settings, self.layers, pin.version)
            for name in fields
            if name in scope.model_fields_set
        )

    def submodules(self, name: NormalizedName, version: Version | None = None) -> Submodules:
        """What is packed with a project's source, where that is a repository."""
        options = self.in_force(name, version).settings.git_options
        return Submodules(options.submodules, tuple(options.submodule_paths))

    def unheeded_plugin(self, name: NormalizedName) -> str | None:
        """The plugin of a project that was not loaded; None where there is none.

        The project must not be built then: its wheel would not be what was asked for.
        """
        return self.plugins.get(name) if name not in self.decisions else None

    def _has_decision(self, name: NormalizedName, decision: str) -> bool:
        plugin = self.decisions.get(name)
        return plugin is not None and decision in plugin.functions


def read_overrides(
    settings_file: Path,
    settings_dir: Path,
    patches_dir: Path,
    variant: str,
    plugins: Mapping[NormalizedName, str] | None = None,
    *,
    based_on: tuple[str, ...] = (),
    environment: tuple[tuple[str, str], ...] = (),
) -> Overrides:
    """Reads the settings file, the settings of packages, and which patches there are.

    A file or folder that is missing holds nothing.

    Args:
        settings_file: what holds for every package.
        settings_dir: one `.yaml` file for each package that needs one.
        patches_dir: one folder for each project, or version of a project, that has patches.
        variant: what is built for.
        plugins: where each project's plugin is, for the projects that have one.
        based_on: the variants whose settings, patches and changelog count too.
        environment: templates of variables for every build.

    Raises:
        InputError: a file cannot be used; every problem of every file is named.
    """
    general, problems = _read_settings_file(settings_file)
    packages, wrong = _read_packages(settings_dir)
    require_none((*problems, *wrong))
    return Overrides(
        variant=variant,
        settings=SettingsFile() if general is None else general.settings,
        packages=packages,
        patch_folders=read_patch_folders(patches_dir),
        notes=(
            *(() if general is None else _general_notes(general)),
            *_package_notes(packages),
            *map(str, patch_problems(patches_dir)),
        ),
        plugins=plugins or {},
        based_on=based_on,
        environment=environment,
    )


def _read_settings_file(file: Path) -> tuple[Checked[SettingsFile] | None, tuple[Problem, ...]]:
    if not file.exists():
        return None, ()
    found = read_settings(file, SettingsFile)
    return (found, ()) if isinstance(found, Checked) else (None, found)


def _read_packages(
    folder: Path,
) -> tuple[dict[NormalizedName, Checked[PackageSettings]], tuple[Problem, ...]]:
    packages: dict[NormalizedName, Checked[PackageSettings]] = {}
    problems: list[Problem] = []
    for file in settings_files(folder):
        name = project_of(file.stem)
        if name in packages:
            other = packages[name].document.file
            problems.append(Problem(file, f"{other} is for the same project"))
        found = read_settings(file, PackageSettings)
        if isinstance(found, Checked):
            packages[name] = found
        else:
            problems.extend(found)
    return packages, tuple(problems)


def settings_files(folder: Path) -> tuple[Path, ...]:
    """The files of a settings folder that are read, sorted; none where it is missing."""
    return tuple(sorted(folder.glob("*.yaml")))


def _general_notes(general: Checked[SettingsFile]) -> Iterator[str]:
    for name in general.settings.legacy_fields:
        place = _place(general.document, (name,))
        yield f"{place}: is not read here: builder migrate-config moves it to where it is"
    if general.settings.sbom is not None:
        yield f"{_place(general.document, ('sbom',))}: has no effect yet"
    commands = general.settings.external_commands
    if commands is not None and commands.delete_env:
        place = _place(general.document, ("external_commands", "delete_env"))
        yield f"{place}: changes nothing: a build sees only what keep_env names"


def _package_notes(packages: Mapping[NormalizedName, Checked[PackageSettings]]) -> Iterator[str]:
    for package in packages.values():
        for location in deprecated_fields(package.settings):
            place = _place(package.document, location)
            yield f"{place}: is deprecated and changes nothing: builds know how many jobs to run"


def _place(document: Document, location: tuple[str, ...]) -> str:
    line = document.line(location)
    file = str(document.file) if line is None else f"{document.file}:{line}"
    return f"{file}: {'.'.join(location)}"

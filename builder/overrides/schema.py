"""What settings files may say: `settings.yaml`, and one file for each package."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from builder.domain.repositories import AllowedRepositories
from builder.errors import InputError
from builder.overrides.environment import parse_template
from builder.overrides.fields import (
    AddressTemplate,
    FilenameTemplate,
    Sha256,
    VersionText,
    misplaced,
)
from builder.overrides.source_schema import Source

_RESERVED_ANNOTATION = "fromager."
_KEPT_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?")
_OF_INDEXES = ("sdist_server_url", "include_sdists", "include_wheels", "ignore_platform")
_DELETED_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?|\*")


class Table(BaseModel):
    """A mapping with known fields. A field without a value counts as not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def without_empty_fields(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        return {k: v for k, v in value.items() if v is not None or k not in cls.model_fields}


def _annotations(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if name.startswith(_RESERVED_ANNOTATION):
            raise ValueError(f"{name!r}: names that start with {_RESERVED_ANNOTATION!r} are taken")
    return value


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"{text!r} says no versions: write <2 or >=1.4,<2") from error
    if not text.strip():
        raise ValueError("name the versions, such as <2; what holds for all stands outside")
    return text


def _debian_package(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", text):
        raise ValueError(f"{text!r} is no name of a package of the image's distribution")
    return text


def _variable(value: object) -> object:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise ValueError("no variable can hold a NUL")
    text = value.strip()
    parse_template(text)
    return text


def _variable_name(text: str) -> str:
    if not text or "=" in text or "\0" in text:
        raise ValueError(f"{text!r} is no name of a variable")
    return text


def _repair(value: object) -> object:
    if value is False:  # what YAML makes of a plain `off`
        return "off"
    if value is True:
        raise ValueError("say what to repair to: auto, or a policy such as manylinux_2_28")
    return value


def _policy(text: str) -> str:
    if not re.fullmatch(r"off|auto|manylinux_\d+_\d+", text):
        raise ValueError(f"{text!r} is none of auto, off, and a policy such as manylinux_2_28")
    return text


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{text!r} must be a folder inside the source")
    return text


def _requirement(text: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"{text!r} is no requirement") from error
    return text


def _project(text: str) -> str:
    try:
        return canonicalize_name(text, validate=True)
    except ValueError as error:
        raise ValueError(f"{text!r} is no name of a project") from error


def _package_url(text: str) -> str:
    if not re.fullmatch(r"pkg:[A-Za-z][A-Za-z0-9.+-]*/\S+", text):
        raise ValueError(f"{text!r} is no package URL, such as pkg:pypi/name@1.0")
    return text


def _pattern_of(allowed: re.Pattern[str]) -> AfterValidator:
    def check(text: str) -> str:
        if not allowed.fullmatch(text):
            raise ValueError(f"{text!r} is no name of a variable, with at most a * at its end")
        return text

    return AfterValidator(check)


def _pinned_wheel(text: str) -> str:
    address, _, fragment = text.partition("#")
    if not address.endswith(".whl") or "://" not in address:
        raise ValueError(f"{text!r} is no URL of a wheel")
    if not re.fullmatch(r"sha256=[0-9a-f]{64}", fragment):
        raise ValueError(f"{text!r} must end in #sha256=… and the 64 digits of the wheel's digest")
    return text


Annotations = Annotated[dict[str, str], AfterValidator(_annotations)]
Variables = dict[
    Annotated[str, AfterValidator(_variable_name)],
    Annotated[str, BeforeValidator(_variable, json_schema_input_type=str | bool | float)],
]
WheelUrl = Annotated[str, AfterValidator(_pinned_wheel)]


Folder = Annotated[str, AfterValidator(_inside)]
SystemPackages = list[Annotated[str, AfterValidator(_debian_package)]]
ConfigSettings = dict[str, str | list[str]]
RepairPolicy = Annotated[
    str, BeforeValidator(_repair, json_schema_input_type=str | bool), AfterValidator(_policy)
]


class BuildOptions(Table):
    """How much of this machine a build takes."""

    build_ext_parallel: bool = False
    """Changes nothing: builds of extensions in parallel are unsafe."""
    cpu_cores_per_job: int = Field(default=1, ge=1)
    """The processors that one job of a compiler takes."""
    memory_per_job_gb: float = Field(default=1.0, ge=0.1, allow_inf_nan=False)
    """The memory that one job of a compiler takes, in GiB."""
    exclusive_build: bool = False
    """Whether nothing else is built meanwhile."""


class DownloadSource(Table):
    """Where the source archive comes from, instead of the index."""

    url: AddressTemplate | None = None
    """A template with `${version}` and `${canonicalized_name}`; may end in `#sha256=…`."""
    sha256: dict[VersionText, Sha256] = {}
    """What comes from there must have, by version."""
    destination_filename: FilenameTemplate | None = None
    """What it is called in `sdists-repo/downloads`."""


class GitOptions(Table):
    """Which submodules are cloned."""

    submodules: bool = False
    """Whether all of them are."""
    submodule_paths: list[str] = []
    """Those at these paths; wins over `submodules`."""


class ProjectOverride(Table):
    """What is changed in `[build-system] requires`."""

    update_build_requires: list[Annotated[str, AfterValidator(_requirement)]] = []
    """Take the place of every entry for the same project, or are added."""
    remove_build_requires: list[Annotated[str, AfterValidator(_project)]] = []
    """Names of projects whose entries go."""
    requires_external: list[str] = []
    """What is needed from outside Python; it is only recorded."""


class PackageURL(Table):
    """How the package is named in a bill of materials."""

    type: str | None = None
    """Such as `pypi`, `github` or `generic`."""
    namespace: str | None = None
    """What stands before the name, such as an owner."""
    name: str | None = None
    """The name, if not that of the project."""
    version: str | None = None
    """The version, if not that of the release."""
    repository_url: str | None = None
    """The index, if not the usual one."""
    upstream: Annotated[str, AfterValidator(_package_url)] | None = None
    """The whole package URL of what the source was made from."""


class ResolverDist(Table):
    """Where releases are looked for, and which count."""

    sdist_server_url: str | None = None
    """The only index that is asked for the project."""
    include_sdists: bool = True
    """Whether a release counts that has a source archive."""
    include_wheels: bool = False
    """Whether a release counts that has wheels."""
    ignore_platform: bool = False
    """Whether wheels of other platforms count, too; needs `include_wheels`."""
    use_pypi_org_metadata: bool | None = None
    """Changes nothing: what an index promises is held to the built wheel."""
    min_release_age: int | None = Field(default=None, ge=0)
    """Days since its upload that a release must have behind it; 0 for any."""

    @model_validator(mode="after")
    def platform_is_one_of_wheels(self) -> Self:
        if self.ignore_platform and not self.include_wheels:
            raise ValueError("ignore_platform needs include_wheels: only wheels have a platform")
        return self


class PreBuilt(Table):
    """Whether a wheel is taken from an index instead of built, and which."""

    pre_built: bool = False
    """Whether a finished wheel is taken, and nothing built."""
    pre_built_url: WheelUrl | None = None
    """One certain wheel, by its digest."""
    wheel_server_url: str | None = None
    """The only index that is asked for the wheel."""

    @model_validator(mode="after")
    def wheel_is_wanted(self) -> Self:
        if self.pre_built_url is not None and not self.pre_built:
            raise ValueError("pre_built_url needs pre_built: true")
        return self


class RustOptions(Table):
    """How the crates of a project are brought along."""

    vendor: bool = True
    """Whether they are, where the build backend is one for Rust."""
    before_patches: bool = False
    """Whether patches find `vendor/` in place, so that they can change crates."""
    manifest_paths: list[Folder] = []
    """Where the `Cargo.toml` files are, where pyproject.toml does not say."""
    resolve_without_lock: bool = False
    """Whether crates may be chosen anew where the source has no Cargo.lock."""


class VariantSettings(PreBuilt):
    """What holds for one variant of a package."""

    annotations: Annotations = {}
    """Whatever you want to note; no build depends on it."""
    config_settings: ConfigSettings = {}
    """What every hook of PEP 517 is given: a text or a list of texts by name."""
    env: Variables = {}
    """Variables that every hook sees. A value may hold `$NAME`, `${NAME:-default}` and `$$`."""
    foreign_binaries: bool = False
    """Whether its wheel may bring programs and libraries for other machines than its tag says."""
    image: str | None = None
    """The image that it is built in, instead of the variant's."""
    repair: RepairPolicy | None = None
    """Which systems its wheel is made to run on: `auto`, a policy as `manylinux_2_28`, or `off`."""
    source: Source | None = None
    """Where releases and their sources come from, instead of the index."""
    system_packages: SystemPackages = []
    """What the image is to have beside its own packages."""


class BuildSettings(VariantSettings):
    """What may differ from version to version."""

    build_dir: Folder = ""
    """The folder of the source that is built; empty for all of it."""
    build_options: BuildOptions = BuildOptions()
    """How much of this machine a build takes."""
    download_source: DownloadSource = DownloadSource()
    """Where the source archive comes from, instead of the index."""
    git_options: GitOptions = GitOptions()
    """Which submodules are cloned, where the source is a repository."""
    project_override: ProjectOverride = ProjectOverride()
    """What is changed in `[build-system] requires`."""
    rust: RustOptions = RustOptions()
    """How the crates of a Rust project are brought along."""


class VersionSettings(BuildSettings):
    """What holds for some versions of a package."""

    variants: dict[str, VariantSettings] = {}
    """What holds for one variant alone, by its name."""


def _of_every_version(settings: VersionSettings) -> VersionSettings:
    for place, one in _scopes(settings):
        if one.source is not None:
            raise misplaced("is told for all versions of a package together", *place, "source")
    return settings


class PackageSettings(VersionSettings):
    """`settings/<override name>.yaml`."""

    changelog: dict[VersionText, list[str]] = {}
    """By version, why it was built again; the number of entries is the build tag."""
    purl: PackageURL | None = None
    """How the package is named in a bill of materials."""
    resolver_dist: ResolverDist = ResolverDist()
    """Where releases are looked for, and which count."""
    versions: dict[
        Annotated[str, AfterValidator(_specifier)],
        Annotated[VersionSettings, AfterValidator(_of_every_version)],
    ] = {}
    """By specifier, such as `<2`. Where several fit, the later one wins."""

    @model_validator(mode="after")
    def source_is_told_in_one_way(self) -> Self:
        told = [(place, one) for place, one in _scopes(self) if one.source is not None]
        for place, one in told:
            if one.pre_built or (self.pre_built and "pre_built" not in one.model_fields_set):
                raise misplaced("is of no use with pre_built: take one out", *place, "source")
        if told:
            for place in _older_ways(self):
                raise misplaced("is of no use with `source`: take one of the two out", *place)
        return self


def _scopes(settings: VersionSettings) -> Iterator[tuple[tuple[str, ...], VariantSettings]]:
    yield (), settings
    for name, variant in settings.variants.items():
        yield ("variants", name), variant


def _older_ways(settings: PackageSettings) -> Iterator[tuple[str, ...]]:
    """Where else a package says where its sources come from."""
    for name in _OF_INDEXES:
        if name in settings.resolver_dist.model_fields_set:
            yield "resolver_dist", name
    if settings.download_source != DownloadSource():
        yield ("download_source",)
    for text, version in settings.versions.items():
        if version.download_source != DownloadSource():
            yield "versions", text, "download_source"


class SbomSettings(Table):
    """What is said in every bill of materials."""

    supplier: str = "NOASSERTION"
    """Who hands the wheels on."""
    namespace: str = "https://spdx.org/spdxdocs"
    """What the identifiers of documents begin with."""
    creators: list[str] = []
    """Who made the documents."""
    purl_type: str = "pypi"
    """The type of package URLs."""
    repository_url: str | None = None
    """The index that package URLs name."""


class ExternalCommands(Table):
    """Which variables of the caller a command may see."""

    keep_env: list[Annotated[str, _pattern_of(_KEPT_PATTERN)]] = []
    """Names that `env` may refer to; a `*` at the end stands for any rest."""
    delete_env: list[Annotated[str, _pattern_of(_DELETED_PATTERN)]] = []
    """Changes nothing here: what is not kept is never seen."""

    @model_validator(mode="after")
    def is_unambiguous(self) -> Self:
        if "*" in self.delete_env and len(self.delete_env) > 1:
            raise ValueError("delete_env: a bare * stands alone")
        both = {one.lower() for one in self.keep_env} & {one.lower() for one in self.delete_env}
        if both:
            raise ValueError(f"{min(both)!r} is both kept and deleted")
        return self


def _beginning(text: str) -> str:
    try:
        AllowedRepositories.parse([text])
    except InputError as error:
        raise ValueError(f"{error.message}: {error.hint}") from error
    return text


class GitPolicy(Table):
    """Which repositories packages may name in their requirements."""

    allow: list[Annotated[str, AfterValidator(_beginning)]] = []
    """How their URLs begin, such as `https://git.example/team/`."""


class SettingsFile(Table):
    """`settings.yaml`."""

    git: GitPolicy = GitPolicy()
    """Which repositories packages may name in their requirements."""
    changelog: dict[str, list[str]] = {}
    """By variant, why all its packages were built again; counts in every build tag."""
    sbom: SbomSettings | None = None
    """What is said in every bill of materials."""
    external_commands: ExternalCommands | None = None
    """Which variables of the caller settings may refer to."""
    repair: RepairPolicy | None = None
    """Which systems wheels are made to run on, where a package does not say; `off` by default."""
    pre_built: Any = None
    """Is not read here: `builder migrate-config` moves it to the files of the packages."""
    packages: Any = None
    """Is not read here: `builder migrate-config` moves it to the files of the packages."""

    @property
    def legacy_fields(self) -> tuple[str, ...]:
        fields: Mapping[str, Any] = {"packages": self.packages, "pre_built": self.pre_built}
        return tuple(name for name, value in fields.items() if value is not None)

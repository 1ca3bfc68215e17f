"""Where the releases of a package and their sources come from, told by the name of a provider."""

import re
from collections.abc import Sequence
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from builder.domain.repositories import GitReference, is_repository
from builder.errors import InputError
from builder.overrides.fields import AddressTemplate, Sha256, VersionText, address, misplaced

_FACTORY = (
    "names Python code, and settings start none: write the pattern itself, with "
    "one group around the version, as `matcher:`"
)
_LONGEST_PATTERN = 500


def _index(text: str) -> str:
    return address(text)


def _with_version(text: str) -> str:
    try:
        names = [(name, *rest) for _, name, *rest in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ValueError(f"{text!r} is no template: write a plain {{ as {{{{") from error
    if any(one != ("version", "", None) for one in names):
        raise ValueError(f"{text!r}: only {{version}} is known here")
    if not names:
        raise ValueError(f"{text!r} must hold {{version}}, or every release would be the same")
    return text


def _repository(text: str) -> str:
    if is_repository(text):
        raise ValueError("write the URL as git takes it, without `git+` before it")
    try:
        reference = GitReference.parse(f"git+{text}")
    except InputError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    if reference.ref:
        raise ValueError("the tag, branch or commit stands in a field of its own")
    if reference.login is not None:
        raise ValueError("a login has no place in settings: put it into ~/.netrc")
    return text


def _project(text: str) -> str:
    bare = _repository(text).rstrip("/").removesuffix(".git")
    if not bare.startswith(("https://", "http://")) or bare.count("/") < 4:
        raise ValueError(f"{text!r} is no project: write https://HOST/OWNER/PROJECT")
    return bare


def _ref(text: str) -> str:
    try:
        GitReference.parse(f"git+https://host/path@{text}")
    except InputError as error:
        raise ValueError(error.message) from error
    return text


def _tag(text: str) -> str:
    _ref(_with_version(text).format(version="1.0"))
    return text


def _pattern(text: str) -> str:
    try:
        pattern = re.compile(text)
    except (re.error, RecursionError) as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    if pattern.groups != 1 or len(text) > _LONGEST_PATTERN:
        raise ValueError(f"{text!r} must have one group, around the version")
    return text


IndexUrl = Annotated[str, AfterValidator(_index)]
Repository = Annotated[str, AfterValidator(_repository)]
ProjectUrl = Annotated[str, AfterValidator(_project)]
Ref = Annotated[str, AfterValidator(_ref)]
SdistKind = Literal["pep517", "tarball"]


class _Provider(BaseModel):
    """What each of them may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_release_age: int | None = Field(default=None, ge=0)
    """In days; wins over the one of `resolver_dist`."""


class _OfIndex(_Provider):
    index_url: IndexUrl | None = None
    """The index that is asked; without it, the one of the command."""


class PypiSdist(_OfIndex):
    """Source archives of an index."""

    provider: Literal["pypi-sdist"]


class PypiPrebuilt(_OfIndex):
    """Finished wheels of an index: nothing is built."""

    provider: Literal["pypi-prebuilt"]


class PypiDownload(_OfIndex):
    """Releases of an index, whose source archives lie elsewhere."""

    provider: Literal["pypi-download"]
    download_url: Annotated[str, AfterValidator(_with_version), AfterValidator(address)]
    """Where a release's archive is, with `{version}`."""
    download_kind: Literal["sdist", "tarball"] = "sdist"
    """Changes nothing here: whichever does not say what release it is gets told."""


class PypiGit(_OfIndex):
    """Releases of an index, whose sources are tags of a repository."""

    provider: Literal["pypi-git"]
    clone_url: Repository
    """The repository, as git takes it."""
    tag: Annotated[str, AfterValidator(_tag)]
    """The tag of a release, with `{version}`."""
    build_sdist: SdistKind = "pep517"
    """Changes nothing here: a source archive is always packed from the prepared source."""


class _OfForge(_Provider):
    project_url: ProjectUrl
    """Where the project is: `https://HOST/OWNER/PROJECT`."""
    matcher: Annotated[str, AfterValidator(_pattern)] = r"v?(\d.*)"
    """What a whole tag must look like; its group is the version."""
    build_sdist: SdistKind = "pep517"
    """Changes nothing here: a source archive is always packed from the prepared source."""

    @model_validator(mode="before")
    @classmethod
    def starts_no_code(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        if isinstance(value, dict) and value.get("matcher_factory") is not None:
            raise misplaced(_FACTORY, "matcher_factory")
        return value


class GithubTagGit(_OfForge):
    """Tags of a project, fetched by git."""

    provider: Literal["github-tag-git"]


class GithubTagDownload(_OfForge):
    """Tags of a project, fetched as archives."""

    provider: Literal["github-tag-download"]


class GitlabTagGit(_OfForge):
    """Tags of a project, fetched by git."""

    provider: Literal["gitlab-tag-git"]


class GitlabTagDownload(_OfForge):
    """Tags of a project, fetched as archives."""

    provider: Literal["gitlab-tag-download"]


class Git(_Provider):
    """One state of a repository, whatever version that is."""

    provider: Literal["git"]
    clone_url: Repository
    """The repository, as git takes it."""
    ref: Ref | None = None
    """A tag, a branch or a commit; without it, the default branch."""
    version: VersionText | None = None
    """Where neither files of the source nor the tag say it."""


class VersionmapGit(_Provider):
    """States of a repository that are releases."""

    provider: Literal["versionmap-git"]
    clone_url: Repository
    """The repository, as git takes it."""
    versionmap: dict[VersionText, Ref] = Field(min_length=1)
    """The tag, branch or commit of each version."""


class Url(_Provider):
    """Releases that no index has, and where their source archives lie."""

    provider: Literal["url"]
    url: AddressTemplate
    """Where a release's archive is, with `${version}` and `${canonicalized_name}`."""
    versions: dict[VersionText, Sha256 | None] = Field(min_length=1)
    """With the sha256 of each, or nothing."""


class NotAvailable(_Provider):
    """Nothing: whoever needs the package is told why."""

    provider: Literal["not-available"]
    reason: str = ""
    """Why, for whoever needs it."""


class HookSdist(_Provider):
    """What the package's plugin says; it builds."""

    provider: Literal["hook-sdist"]


class HookPrebuilt(_Provider):
    """What the package's plugin says; it has finished wheels."""

    provider: Literal["hook-prebuilt"]


ForgeTags = GithubTagGit | GithubTagDownload | GitlabTagGit | GitlabTagDownload
Source = Annotated[
    PypiSdist
    | PypiPrebuilt
    | PypiDownload
    | PypiGit
    | GithubTagGit
    | GithubTagDownload
    | GitlabTagGit
    | GitlabTagDownload
    | Git
    | VersionmapGit
    | Url
    | NotAvailable
    | HookSdist
    | HookPrebuilt,
    Field(discriminator="provider"),
]


def provider_of(model: type[BaseModel]) -> Sequence[str]:
    """The names that tell a provider's table from the others; none for any other table."""
    field = model.model_fields.get("provider")
    return () if field is None else getattr(field.annotation, "__args__", ())

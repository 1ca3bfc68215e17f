"""What an image is made of: `image.yaml`, read into a value that cannot be wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from builder.errors import InputError
from builder.images.environment import Environment, Folder

RECIPE_FILE = "image.yaml"
DEFAULT_PYTHON = "/usr/bin/python3"

ARCHITECTURES: Mapping[str, str] = {
    "linux/amd64": "amd64",
    "linux/arm64": "arm64",
    "linux/ppc64le": "ppc64el",
    "linux/riscv64": "riscv64",
    "linux/s390x": "s390x",
}
"""Platforms, and what Debian calls their architecture."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_BY_DIGEST = re.compile(r"[^\s@]+/[^\s@]+@sha256:[0-9a-f]{64}")
_MIRROR = re.compile(r"(?:(?:https?|file)://\S+|deb \S.*)")
_FIELD_HINT = "the fields of image.yaml are explained in the shipped images/cpu/image.yaml"
_DIGEST_HINT = (
    "a tag can be moved to other bytes: name the image by digest, as in"
    " registry.example/name@sha256:… (`skopeo inspect docker://IMAGE` shows the digest)"
)


@dataclass(frozen=True)
class DebianBase:
    """An image that is bootstrapped from Debian's packages."""

    suite: str
    components: tuple[str, ...]
    packages: tuple[str, ...]
    mirrors: tuple[str, ...]
    """Addresses or whole `deb …` lines; empty for mmdebstrap's own default."""


@dataclass(frozen=True)
class RegistryBase:
    """An image that an engine pulls, by digest."""

    reference: str


@dataclass(frozen=True)
class ImageRecipe:
    """One image, as its `image.yaml` describes it."""

    name: str
    description: str
    platform: str
    python: str
    base: DebianBase | RegistryBase
    folder: Path | None
    """Where `image.yaml` lies; None for a registry reference given on the command line."""
    environment: tuple[tuple[str, str], ...] = ()
    """What every build in the image gets beside the usual variables, by name. No part of the image,
    so that another value needs no other bootstrap."""
    path: tuple[str, ...] = ()
    """Folders whose programs builds find before the usual ones, the first one first."""


def read_recipe(file: Path) -> ImageRecipe:
    """Reads an `image.yaml`; the image is called as its folder is.

    Raises:
        InputError: the file cannot be read or says something that it must not.
    """
    name = file.parent.name
    if not is_image_name(name):
        raise InputError(
            f"{file}: {name!r} cannot name an image",
            hint="use lower-case letters, digits, '.', '_' and '-'",
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{file}: is not YAML: {error}", hint=_FIELD_HINT) from error
    return parse_recipe(content, name=name, file=file)


def parse_recipe(content: object, *, name: str, file: Path) -> ImageRecipe:
    """Checks what an `image.yaml` holds.

    Raises:
        InputError: it says something that it must not; every wrong field is named.
    """
    if not isinstance(content, dict):
        raise InputError(f"{file}: must hold fields, such as `base:`", hint=_FIELD_HINT)
    try:
        fields = _RecipeFile.model_validate(content)
    except ValidationError as error:
        raise InputError(_explain(error, file), hint=_hint(error)) from error
    return ImageRecipe(
        name=name,
        description=fields.description,
        platform=fields.platform,
        python=fields.python,
        base=fields.origin(),
        folder=file.parent,
        environment=tuple(sorted(fields.environment.items())),
        path=tuple(fields.path),
    )


def reference_recipe(reference: str, platform: str) -> ImageRecipe:
    """The recipe of an image that was named on the command line by its registry reference.

    Raises:
        InputError: the reference has no digest.
    """
    if not _BY_DIGEST.fullmatch(reference):
        raise InputError(f"image {reference!r} is not named by digest", hint=_DIGEST_HINT)
    return ImageRecipe(
        name=reference,
        description="given by its registry reference",
        platform=platform,
        python=DEFAULT_PYTHON,
        base=RegistryBase(reference),
        folder=None,
    )


def is_image_name(text: str) -> bool:
    """Whether this can be the name of a folder with an `image.yaml`."""
    return _NAME.fullmatch(text) is not None


def is_debian_package(text: str) -> bool:
    """Whether this can be the name of a Debian package."""
    return _DEBIAN_PACKAGE.fullmatch(text) is not None


def parse_mirrors(mirrors: tuple[str, ...]) -> tuple[str, ...]:
    """Checks mirrors that were given on the command line.

    Raises:
        InputError: one is neither an address nor a line of sources.list.
    """
    for mirror in mirrors:
        if not _MIRROR.fullmatch(mirror):
            raise InputError(f"mirror {mirror!r} is not usable", hint=_MIRROR_HINT)
    return mirrors


_MIRROR_HINT = (
    "give an address (https://mirror.example/debian) or a line as in sources.list"
    " (deb https://mirror.example/debian trixie main)"
)


def _text(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^(?:{pattern})$")


_Package = Annotated[str, _text(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+~:-]+)?")]
_Mirror = Annotated[str, _text(_MIRROR.pattern)]
_Word = Annotated[str, _text(r"[a-z][a-z0-9-]*")]


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    distribution: Literal["debian"]
    suite: _Word
    components: list[_Word] = ["main"]


class _RecipeFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    description: str = ""
    base: _Base | None = None
    registry: Annotated[str, _text(_BY_DIGEST.pattern)] | None = None
    platform: Literal["linux/amd64", "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x"]
    python: Annotated[str, _text(r"/[A-Za-z0-9._/+-]+")] = DEFAULT_PYTHON
    packages: list[_Package] = []
    mirror: _Mirror | list[_Mirror] = []
    environment: Environment = {}
    path: list[Folder] = []

    @model_validator(mode="after")
    def has_one_origin(self) -> Self:
        if (self.base is None) == (self.registry is None):
            raise ValueError("give either `base` (to bootstrap) or `registry` (to pull)")
        if self.base is None and (self.packages or self.mirror):
            raise ValueError("`packages` and `mirror` belong to `base`, not to `registry`")
        return self

    def origin(self) -> DebianBase | RegistryBase:
        if self.base is None:
            return RegistryBase(self.registry or "")
        return DebianBase(
            suite=self.base.suite,
            components=tuple(self.base.components),
            packages=tuple(self.packages),
            mirrors=(self.mirror,) if isinstance(self.mirror, str) else tuple(self.mirror),
        )


def _explain(error: ValidationError, file: Path) -> str:
    problems = error.errors(include_url=False, include_context=False)
    return "\n".join(f"{file}: {_place(problem['loc'])}{_reason(problem)}" for problem in problems)


def _place(location: tuple[int | str, ...]) -> str:
    # A union's member is named in the location too; it is no field of the file.
    names = [part for part in location if isinstance(part, int) or part.isidentifier()]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in names)
    return f"{text.removeprefix('.')}: " if text else ""


def _reason(problem: Any) -> str:  # noqa: ANN401 - pydantic's own mapping
    match problem["type"]:
        case "extra_forbidden":
            return "there is no such field"
        case "missing":
            return "is missing"
        case "string_pattern_mismatch":
            return f"{problem['input']!r} is not usable here"
        case _:
            return str(problem["msg"]).removeprefix("Value error, ")


def _hint(error: ValidationError) -> str:
    fields = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
    if "registry" in fields:
        return _DIGEST_HINT
    if "mirror" in fields:
        return _MIRROR_HINT
    return _FIELD_HINT

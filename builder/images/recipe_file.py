"""`image.yaml`: what it may say, and what that comes to with the images that it extends."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from builder.domain.images import digest_command
from builder.errors import InputError
from builder.images.environment import Environment, Folder
from builder.images.package_names import (
    ANY_NAME,
    ANY_PACKAGE,
    PackageManager,
    is_package,
)
from builder.images.recipe import (
    BY_DIGEST,
    DEFAULT_PYTHON,
    DIGEST_HINT,
    MIRROR,
    MIRROR_HINT,
    NAME,
    DebianBase,
    ImageRecipe,
    RegistryBase,
    is_image_name,
)

Find = Callable[[str], ImageRecipe]
"""Gives the recipe that a name under `extends:` stands for."""

_FIELD_HINT = "the fields of image.yaml are explained in the shipped images/cpu/image.yaml"


def read_recipe(file: Path, find: Find) -> ImageRecipe:
    """Reads an `image.yaml`; the image is called as its folder is.

    Args:
        file: the `image.yaml`.
        find: finds the image that this one extends.

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
    return parse_recipe(content, name=name, file=file, find=find)


def parse_recipe(content: object, *, name: str, file: Path, find: Find) -> ImageRecipe:
    """Checks what an `image.yaml` holds.

    Raises:
        InputError: it says something that it must not; every wrong field is named.
    """
    if not isinstance(content, dict):
        raise InputError(f"{file}: must hold fields, such as `base:`", hint=_FIELD_HINT)
    model = _Extending if "extends" in content else _Whole
    try:
        fields = model.model_validate(content)
    except ValidationError as error:
        raise InputError(_explain(error, file), hint=_hint(error)) from error
    if isinstance(fields, _Whole):
        return fields.recipe(name, file.parent)
    extended = find(fields.extends)
    try:
        return fields.applied(extended, name, file.parent)
    except _Misfit as misfit:
        raise InputError(f"{file}: {misfit}", hint=misfit.hint) from misfit


class _Misfit(ValueError):  # noqa: N818 - about two files that do not fit together
    """A field that says nothing of use for the image that is extended."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


def _text(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^(?:{pattern})$")


_Package = Annotated[str, _text(ANY_PACKAGE)]
_PackageName = Annotated[str, _text(ANY_NAME)]
_Mirror = Annotated[str, _text(MIRROR.pattern)]
_Word = Annotated[str, _text(r"[a-z][a-z0-9-]*")]
_Platform = Literal["linux/amd64", "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x"]
_Interpreter = Annotated[str, _text(r"/[A-Za-z0-9._/+-]+")]
_Files = Annotated[str, _text(r"/[A-Za-z0-9._/+*-]+")]
_Reference = Annotated[str, _text(BY_DIGEST.pattern)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Base(_Fields):
    distribution: Literal["debian"]
    suite: _Word
    components: list[_Word] = ["main"]


class _PartOfBase(_Fields):
    distribution: Literal["debian"] = "debian"
    suite: _Word | None = None
    components: list[_Word] = []


class _Common(_Fields):
    """What an image may say whether it extends another one or not."""

    description: str | None = None
    registry: _Reference | None = None
    packages: list[_Package] = []
    package_manager: PackageManager | None = None
    mirror: _Mirror | list[_Mirror] | None = None
    without_files: list[_Files] = []
    environment: Environment = {}
    path: list[Folder] = []

    @property
    def mirrors(self) -> tuple[str, ...]:
        return (self.mirror,) if isinstance(self.mirror, str) else tuple(self.mirror or ())


class _Whole(_Common):
    """An `image.yaml` that stands alone."""

    base: _Base | None = None
    platform: _Platform
    python: _Interpreter = DEFAULT_PYTHON

    @model_validator(mode="after")
    def has_one_origin(self) -> Self:
        if (self.base is None) == (self.registry is None):
            raise ValueError("give either `base` (to bootstrap) or `registry` (to pull)")
        if self.base is None and (self.mirror or self.without_files):
            raise ValueError("`mirror` and `without_files` belong to `base`, not to `registry`")
        if self.registry is None and self.package_manager:
            raise ValueError("`package_manager` belongs to `registry`, not to `base`")
        unusable = _unusable(self.packages, "apt" if self.base else self.package_manager)
        if unusable:
            raise ValueError(unusable)
        return self

    def recipe(self, name: str, folder: Path) -> ImageRecipe:
        return ImageRecipe(
            name=name,
            description=self.description or "",
            platform=self.platform,
            python=self.python,
            base=self._origin(),
            folder=folder,
            environment=tuple(sorted(self.environment.items())),
            path=tuple(self.path),
        )

    def _origin(self) -> DebianBase | RegistryBase:
        if self.base is None:
            packages = tuple(dict.fromkeys(self.packages))
            return RegistryBase(self.registry or "", packages, self.package_manager)
        return DebianBase(
            suite=self.base.suite,
            components=tuple(self.base.components),
            packages=tuple(self.packages),
            mirrors=self.mirrors,
            without_files=tuple(self.without_files),
        )


class _Extending(_Common):
    """An `image.yaml` that says how its image is unlike another one."""

    extends: Annotated[str, _text(NAME.pattern)]
    base: _PartOfBase | None = None
    platform: _Platform | None = None
    python: _Interpreter | None = None
    without: list[_PackageName] = []

    def applied(self, other: ImageRecipe, name: str, folder: Path) -> ImageRecipe:
        """The image that comes of it.

        Raises:
            _Misfit: it is unlike the other one in what that one does not have.
        """
        return ImageRecipe(
            name=name,
            description=other.description if self.description is None else self.description,
            platform=self.platform or other.platform,
            python=self.python or other.python,
            base=self._origin(other),
            folder=folder,
            environment=tuple(sorted({**dict(other.environment), **self.environment}.items())),
            path=_united(self.path, other.path),
            extends=self.extends,
        )

    def _origin(self, other: ImageRecipe) -> DebianBase | RegistryBase:
        match other.base:
            case DebianBase() as base:
                return self._debian(base)
            case RegistryBase() as base:
                return self._pulled(base)

    def _debian(self, base: DebianBase) -> DebianBase:
        if self.registry is not None:
            raise _Misfit(
                f"registry: image {self.extends!r}, which it extends, is bootstrapped",
                "leave `extends` away: nothing of a bootstrapped image is in one of a registry",
            )
        if self.package_manager is not None:
            raise _Misfit(
                f"package_manager: image {self.extends!r}, which it extends, is bootstrapped",
                "leave it away: apt installs the packages",
            )
        stated = self.base or _PartOfBase()
        return replace(
            base,
            suite=stated.suite or base.suite,
            components=_united(base.components, stated.components),
            packages=self._packages(base.packages, "apt"),
            mirrors=base.mirrors if self.mirror is None else self.mirrors,
            without_files=_united(base.without_files, self.without_files),
        )

    def _pulled(self, base: RegistryBase) -> RegistryBase:
        given = {"base": self.base, "mirror": self.mirror, "without_files": self.without_files}
        for field, value in given.items():
            if value:
                raise _Misfit(
                    f"{field}: image {self.extends!r}, which it extends, comes from a registry",
                    "such fields belong to images that are bootstrapped",
                )
        manager = self.package_manager or base.manager
        return RegistryBase(
            self.registry or base.reference, self._packages(base.packages, manager), manager
        )

    def _packages(self, others: tuple[str, ...], manager: PackageManager | None) -> tuple[str, ...]:
        if unusable := _unusable((*self.packages, *others), manager):
            raise _Misfit(unusable, _FIELD_HINT)
        there = {_unversioned(package): package for package in others}
        for place, dropped in enumerate(self.without):
            if there.pop(dropped, None) is None:
                close = get_close_matches(dropped, there, n=1)
                raise _Misfit(
                    f"without[{place}]: image {self.extends!r} does not ask for {dropped!r}",
                    f"did you mean {close[0]!r}?"
                    if close
                    else "only what it names can be left out",
                )
        there |= {_unversioned(package): package for package in self.packages}
        return tuple(there.values())


def _united(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Both, in order, each once."""
    return tuple(dict.fromkeys((*first, *second)))


def _unusable(packages: Sequence[str], manager: PackageManager | None) -> str:
    """The complaint about the first that cannot name a package; empty if all can."""
    for place, package in enumerate(packages):
        if not is_package(package, manager):
            return f"packages[{place}]: {package!r} is not usable here"
    return ""


def _unversioned(package: str) -> str:
    return package.partition("=")[0]


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
        case "extra_forbidden" if problem["loc"] == ("without",):
            return "only an image that `extends` another one can leave packages out"
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
        return f"{DIGEST_HINT} {digest_command('NAME:TAG')}"
    if "mirror" in fields:
        return MIRROR_HINT
    return _FIELD_HINT

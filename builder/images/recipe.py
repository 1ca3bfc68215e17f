"""What an image is made of: a value that cannot be wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builder.domain.images import digest_command
from builder.errors import InputError
from builder.images.package_names import PackageManager

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

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
BY_DIGEST = re.compile(r"[^\s@]+/[^\s@]+@sha256:[0-9a-f]{64}")
MIRROR = re.compile(r"(?:(?:https?|file)://\S+|deb \S.*)")
DIGEST_HINT = (
    "a tag can be moved to other bytes: name the image by digest, as in"
    " registry.example/name@sha256:…; the digest is shown by"
)
MIRROR_HINT = (
    "give an address (https://mirror.example/debian) or a line as in sources.list"
    " (deb https://mirror.example/debian trixie main)"
)


@dataclass(frozen=True)
class DebianBase:
    """An image that is bootstrapped from Debian's packages."""

    suite: str
    components: tuple[str, ...]
    packages: tuple[str, ...]
    mirrors: tuple[str, ...]
    """Addresses or whole `deb …` lines; empty for mmdebstrap's own default."""
    without_files: tuple[str, ...] = ()
    """Files of the packages that the image does without; `*` stands for any text."""


@dataclass(frozen=True)
class RegistryBase:
    """An image that an engine pulls, by digest, and that may get packages."""

    reference: str
    packages: tuple[str, ...] = ()
    """Where there are any, the image is derived from the pulled one."""
    manager: PackageManager | None = None
    """What installs them; None for the one that is found in the image."""


@dataclass(frozen=True)
class ImageRecipe:
    """One image, as its `image.yaml` and those that it extends describe it."""

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
    extends: str = ""
    """The image that this one was described by; everything of it is in this recipe already."""


def reference_recipe(reference: str, platform: str) -> ImageRecipe:
    """The recipe of an image that was named on the command line by its registry reference.

    Raises:
        InputError: the reference has no digest.
    """
    if not BY_DIGEST.fullmatch(reference):
        raise InputError(
            f"image {reference!r} is not named by digest",
            hint=f"{DIGEST_HINT} {digest_command(reference.partition('@')[0])}",
        )
    return ImageRecipe(
        name=reference,
        description="given by its registry reference",
        platform=platform,
        python=DEFAULT_PYTHON,
        base=RegistryBase(reference),
        folder=None,
    )


def differ_in_platform_alone(one: ImageRecipe, other: ImageRecipe) -> bool:
    """Whether builds see the same in two images, but for the processor."""
    return one.platform != other.platform and _without_platform(one) == _without_platform(other)


def is_image_name(text: str) -> bool:
    """Whether this can be the name of a folder with an `image.yaml`."""
    return NAME.fullmatch(text) is not None


def is_debian_package(text: str) -> bool:
    """Whether this can be the name of a Debian package."""
    return _DEBIAN_PACKAGE.fullmatch(text) is not None


def parse_mirrors(mirrors: tuple[str, ...]) -> tuple[str, ...]:
    """Checks mirrors that were given on the command line.

    Raises:
        InputError: one is neither an address nor a line of sources.list.
    """
    for mirror in mirrors:
        if not MIRROR.fullmatch(mirror):
            raise InputError(f"mirror {mirror!r} is not usable", hint=MIRROR_HINT)
    return mirrors


def _without_platform(recipe: ImageRecipe) -> ImageRecipe:
    """A recipe without what says nothing about what its builds see, and without its platform."""
    return replace(
        recipe,
        name="",
        description="",
        platform="",
        base=_in_order(recipe.base),
        folder=None,
        extends="",
    )


def _in_order(base: DebianBase | RegistryBase) -> DebianBase | RegistryBase:
    match base:
        case DebianBase():
            packages, components = sorted(base.packages), sorted(base.components)
            return replace(base, packages=tuple(packages), components=tuple(components))
        case RegistryBase():
            return replace(base, packages=tuple(sorted(base.packages)))

"""An image with more packages: derived from a bootstrapped one, as one more layer on top."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from builder.domain.digests import Digest
from builder.errors import ImageError
from builder.images.layout import blob_path
from builder.images.mmdebstrap import extension_digest
from builder.images.recipe import DebianBase, ImageRecipe
from builder.images.state import Derived, ImageState

MARK = "+"
"""Stands in the names of derived images, and in those of no others."""


@dataclass(frozen=True)
class Extension:
    """What an image gets beside its own packages.

    Attributes:
        base: the image, as it is in the cache.
        added: names of packages that it does not have, sorted.
    """

    recipe: ImageRecipe
    debian: DebianBase
    base: ImageState
    added: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the derived image is called: the same for the same packages."""
        listed = hashlib.sha256(" ".join(self.added).encode()).hexdigest()
        return f"{self.recipe.name}{MARK}{listed[:8]}"

    @property
    def digest(self) -> Digest:
        """Names the derived image in the cache."""
        return extension_digest(self.base.layout.config, self.debian, self.added)

    @property
    def derived(self) -> Derived:
        return Derived(self.recipe.name, self.base.layout.config, self.added)

    @property
    def command(self) -> str:
        """Makes the derived image."""
        return build_command(self.recipe.name, self.added)


def build_command(name: str, added: tuple[str, ...]) -> str:
    """What a user runs to have an image, with more packages or as it is."""
    return " ".join(["builder image build", name, *(f"--with {one}" for one in added)])


def missing(base: ImageState, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Which packages an image does not have, sorted."""
    there = {package.name for package in base.packages}
    return tuple(sorted({*wanted} - there))


def require_unchanged(base: ImageState) -> None:
    """Checks the layer that a derived image will stand on.

    Raises:
        ImageError: it is not what it was when it was written.
    """
    layer = blob_path(base.placed.folder, base.layout.diff_id)
    if Digest.of_file(layer) != base.layout.diff_id:
        raise ImageError(
            f"the layer {layer} is not what its name says",
            hint=f"bootstrap the image again: builder image build {base.name} --force",
        )


def replaced_packages(base: ImageState, derived: ImageState) -> tuple[str, ...]:
    """Packages that the base has in other versions, in words: the archive has moved since."""
    return tuple(_replaced(base, derived))


def _replaced(base: ImageState, derived: ImageState) -> Iterator[str]:
    now = {(package.name, package.architecture): package.version for package in derived.packages}
    for package in base.packages:
        version = now.get((package.name, package.architecture), "is missing")
        if version != package.version:
            yield f"{package.name} {version} instead of {package.version}"

"""Base images: bootstrapped, listed, shown, locked."""

import os
import platform
import time
from dataclasses import dataclass

from builder.app.settings import Settings
from builder.images.catalogue import ImageCatalogue
from builder.images.mmdebstrap import Host
from builder.images.recipe import DebianBase, RegistryBase
from builder.shipped import shipped_folder

_PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


def image_catalogue(settings: Settings) -> ImageCatalogue:
    """The images that the user and the program itself bring."""
    host = Host(os.getuid() == 0, settings.variables, settings.cache / "scratch")
    return ImageCatalogue(
        (*settings.images_folders, shipped_folder("images")),
        settings.cache,
        _PLATFORMS.get(platform.machine(), f"linux/{platform.machine()}"),
        host,
        time.monotonic,
    )


@dataclass(frozen=True)
class ImageSummary:
    """One image, as far as it can be told without an engine."""

    name: str
    description: str
    platform: str
    python: str
    origin: str
    """The suite that it is bootstrapped from, or the registry's reference."""
    built: bool
    config: str
    """The image ID, empty where it is not known yet."""
    packages: tuple[str, ...]
    seconds: float


def summary(catalogue: ImageCatalogue, name: str) -> ImageSummary:
    """What is known of an image.

    Raises:
        InputError: there is no such image.
    """
    recipe = catalogue.recipe(name)
    state = catalogue.state(name)
    return ImageSummary(
        name=name,
        description=recipe.description,
        platform=recipe.platform,
        python=recipe.python,
        origin=_origin(recipe.base),
        built=state is not None,
        config=str(state.layout.config) if state else "",
        packages=tuple(str(package) for package in state.packages) if state else (),
        seconds=state.seconds if state else 0.0,
    )


def _origin(base: DebianBase | RegistryBase) -> str:
    match base:
        case DebianBase(suite):
            return f"debian {suite}"
        case RegistryBase(reference):
            return reference

"""Base images: bootstrapped, listed, shown, locked."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from builder.app.settings import Settings
from builder.engines.discovery import open_engine
from builder.engines.emulation import (
    Emulated,
    Execution,
    Native,
    NotRunnable,
    execution,
    native_platform,
    require_runnable,
)
from builder.errors import InputError
from builder.images.catalogue import BuiltImage, ImageCatalogue
from builder.images.mmdebstrap import Host
from builder.images.recipe import DebianBase, ImageRecipe, RegistryBase
from builder.images.state import ImageState
from builder.shipped import shipped_folder


def image_catalogue(settings: Settings) -> ImageCatalogue:
    """The images that the user and the program itself bring."""
    host = Host(os.getuid() == 0, settings.variables, settings.cache / "scratch")
    return ImageCatalogue(
        (*settings.images_folders, shipped_folder("images")),
        settings.cache,
        native_platform(),
        host,
        time.monotonic,
        lambda: open_engine(settings.engine, settings.engine_variables),
    )


@dataclass(frozen=True)
class MadeImage:
    """An image that can be used now."""

    name: str
    config: str
    """Its ID."""
    how: str
    """How it came here, in words."""
    replaced: tuple[str, ...] = ()
    """What a derived image has in other versions than the one below it, in words."""


def chosen_recipe(settings: Settings) -> ImageRecipe:
    """The recipe of the image that a run was asked to take.

    Raises:
        InputError: there is none, or it is wrong; where the variant stands for it, that is said.
    """
    catalogue, name = image_catalogue(settings), settings.image_name
    try:
        return catalogue.recipe(name)
    except InputError as error:
        if settings.image is not None or name in catalogue.names():
            raise
        raise _without_image(settings, error) from error


def _without_image(settings: Settings, error: InputError) -> InputError:
    """The error, with where it comes from that this image was looked for."""
    file = settings.variants_file
    if settings.definition.image:
        message = f"variant {settings.variant!r} ({file}): {error.message}"
        return InputError(message, hint=error.hint)
    other = f"`image:` in {file} gives variant {settings.variant!r} an image of another name"
    return InputError(error.message, hint=f"{error.hint}; {other}")


def build_image(
    settings: Settings,
    name: str,
    packages: tuple[str, ...],
    progress: Callable[[str], None],
    *,
    mirrors: tuple[str, ...] = (),
    force: bool = False,
) -> tuple[MadeImage, ...]:
    """Makes an image, and derives another from it where further packages are wanted.

    Images are bootstrapped, or pulled; those of a registry that are to have packages are pulled and
    get them.

    Args:
        settings: where images are, and which engine pulls them.
        name: the image.
        packages: what the derived image is to have beside the packages of the image.
        progress: takes lines about what is going on.
        mirrors: instead of those of its recipe.
        force: make it even where it is there; where packages are wanted, the derived image alone.

    Raises:
        BuilderError: it cannot be had.
    """
    catalogue = image_catalogue(settings)
    require_runnable(catalogue.recipe(name).platform)
    pulled = catalogue.as_pulled(name)
    if pulled is not None and not packages:
        progress(f"{pulled.reference} is pulled where it is missing")
        with open_engine(settings.engine, settings.engine_variables) as engine:
            return (MadeImage(name, engine.ensure_image(pulled), "pulled"),)
    if not packages:
        return (_made(catalogue.build(name, progress, mirrors=mirrors, force=force)),)
    return (
        _made(catalogue.build(name, progress, mirrors=mirrors)),
        _made(catalogue.extend(name, packages, progress, mirrors=mirrors, force=force)),
    )


def _made(built: BuiltImage) -> MadeImage:
    how = "was there" if built.was_there else f"built in {built.state.seconds:.0f} s"
    return MadeImage(built.state.name, str(built.image.config), how, built.replaced)


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
    pulled: bool
    """Whether it is a registry's as it is, so that only an engine knows whether it is there."""
    config: str
    """The image ID, empty where it is not known yet."""
    packages: tuple[str, ...]
    seconds: float
    """How long it took to make."""
    size: int
    """Bytes of its layers, which is what it takes in the cache and, unpacked, in an engine."""
    emulated: bool
    """Whether this host's processor is another than the image's."""
    runs: str
    """How its containers run here, in words."""
    extends: str = ""
    components: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    """The packages that the recipe names, those of the image that it extends among them."""
    without_files: tuple[str, ...] = ()
    """Files of the packages that are left out."""
    environment: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()


def summary(catalogue: ImageCatalogue, name: str) -> ImageSummary:
    """What is known of an image.

    Raises:
        InputError: there is no such image.
    """
    recipe = catalogue.recipe(name)
    state = catalogue.state(name)
    debian = recipe.base if isinstance(recipe.base, DebianBase) else None
    return ImageSummary(
        name=name,
        description=recipe.description,
        platform=recipe.platform,
        python=recipe.python,
        origin=_origin(recipe.base),
        built=state is not None,
        pulled=catalogue.as_pulled(name) is not None,
        config=str(state.layout.config) if state else "",
        packages=tuple(str(package) for package in state.packages) if state else (),
        seconds=state.seconds if state else 0.0,
        size=_size(state) if state else 0,
        emulated=recipe.platform != native_platform(),
        runs=_in_words(execution(recipe.platform)),
        extends=recipe.extends,
        components=debian.components if debian else (),
        mirrors=debian.mirrors if debian else (),
        asked=recipe.base.packages,
        without_files=debian.without_files if debian else (),
        environment=dict(recipe.environment),
        path=recipe.path,
    )


def derived_summaries(catalogue: ImageCatalogue) -> tuple[ImageSummary, ...]:
    """What is known of the images that were derived from others."""
    return tuple(_derived_summary(state) for state in catalogue.derived())


def _derived_summary(state: ImageState) -> ImageSummary:
    below = state.derived
    name, added = (below.name, below.added) if below is not None else ("", ())
    return ImageSummary(
        name=state.name,
        description=f"{name} with {', '.join(added)}",
        platform=state.platform,
        python="",
        origin=f"image {name}",
        built=True,
        pulled=False,
        config=str(state.layout.config),
        packages=tuple(str(package) for package in state.packages),
        seconds=state.seconds,
        size=_size(state),
        emulated=state.platform != native_platform(),
        runs=_in_words(execution(state.platform)),
        extends=name,
    )


def _size(state: ImageState) -> int:
    return sum(layer.size for layer in state.layout.layers)


def _in_words(found: Execution) -> str:
    match found:
        case Native():
            return "natively"
        case Emulated(interpreter):
            return f"emulated by {interpreter}"
        case NotRunnable(reason):
            return f"not here: {reason}"


def _origin(base: DebianBase | RegistryBase) -> str:
    match base:
        case DebianBase(suite):
            return f"debian {suite}"
        case RegistryBase(reference):
            return reference

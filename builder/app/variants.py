"""The variants that can be named: what each stands for, and what of it is there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from builder.app.images import image_catalogue
from builder.app.overrides import read_without_plugins
from builder.app.settings import Settings
from builder.domain.variants import Variant
from builder.engines.emulation import native_platform
from builder.errors import InputError
from builder.images.catalogue import ImageCatalogue
from builder.images.recipe import ImageRecipe, RegistryBase
from builder.overrides.variants import read_variants


def defined_variants(file: Path) -> Mapping[str, Variant]:
    """Every variant that a file defines, by name; a missing file defines none.

    Raises:
        InputError: the file cannot be used; every problem is named.
    """
    return read_variants(file)


class ImageState(Enum):
    """Whether an image can be had now."""

    BUILT = "built"
    NOT_BUILT = "not built"
    OF_REGISTRY = "of a registry"
    MISSING = "no such image"


@dataclass(frozen=True)
class KnownVariant:
    """A variant, with its image as far as it can be told without an engine.

    Attributes:
        defined: whether the file of variants has it.
        platform: empty where there is no such image.
        emulated: whether this host's processor is another than the image's.
    """

    variant: Variant
    defined: bool
    image: str
    state: ImageState
    platform: str
    emulated: bool


def known_variants(settings: Settings) -> tuple[KnownVariant, ...]:
    """Every variant that has an image, a definition, or settings of its own; by name.

    Raises:
        InputError: a file cannot be used; every problem is named.
    """
    catalogue = image_catalogue(settings)
    named = read_without_plugins(settings).variant_names
    names = sorted({*catalogue.names(), *settings.variants, *named, settings.variant})
    return tuple(_known(settings, name, catalogue) for name in names)


def known_variant(settings: Settings, name: str) -> KnownVariant:
    """What a name stands for; any name may be one of a variant.

    Raises:
        InputError: the image's recipe is wrong.
    """
    return _known(settings, name, image_catalogue(settings))


def _known(settings: Settings, name: str, catalogue: ImageCatalogue) -> KnownVariant:
    own = replace(settings, variant=name)
    recipe = _recipe(catalogue, own.image_name)
    platform = "" if recipe is None else recipe.platform
    return KnownVariant(
        variant=own.definition,
        defined=name in settings.variants,
        image=own.image_name,
        state=_state(catalogue, recipe),
        platform=platform,
        emulated=platform not in ("", native_platform()),
    )


def _recipe(catalogue: ImageCatalogue, name: str) -> ImageRecipe | None:
    """None where there is no such image.

    Raises:
        InputError: it is there, and wrong.
    """
    try:
        return catalogue.recipe(name)
    except InputError:
        if name in catalogue.names():
            raise
        return None


def _state(catalogue: ImageCatalogue, recipe: ImageRecipe | None) -> ImageState:
    if recipe is None:
        return ImageState.MISSING
    if isinstance(recipe.base, RegistryBase):
        return ImageState.OF_REGISTRY
    there = catalogue.state(recipe.name) is not None
    return ImageState.BUILT if there else ImageState.NOT_BUILT

"""The variants that can be named: what each stands for, and what of it is there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from builder.app.images import ImageSummary, image_catalogue, summary
from builder.app.overrides import read_without_plugins
from builder.app.settings import Settings
from builder.domain.variants import Variant
from builder.errors import InputError
from builder.images.catalogue import ImageCatalogue
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
        image: how its image is called.
        found: what is known of that; None where there is no such image.
    """

    variant: Variant
    defined: bool
    image: str
    found: ImageSummary | None

    @property
    def state(self) -> ImageState:
        if self.found is None:
            return ImageState.MISSING
        if self.found.pulled:
            return ImageState.OF_REGISTRY
        return ImageState.BUILT if self.found.built else ImageState.NOT_BUILT


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
    image = own.image_name
    return KnownVariant(
        variant=own.definition,
        defined=name in settings.variants,
        image=image,
        found=_summary(catalogue, image),
    )


def _summary(catalogue: ImageCatalogue, image: str) -> ImageSummary | None:
    """None where there is no such image.

    Raises:
        InputError: it is there, and wrong.
    """
    try:
        return summary(catalogue, image)
    except InputError:
        if image in catalogue.names():
            raise
        return None

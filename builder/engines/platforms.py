"""What an image has to be before anything runs from it."""

from builder.domain.images import Image, LayoutImage, RegistryImage
from builder.errors import ImageError


def check_reference(image: RegistryImage) -> None:
    """A tag may be another image tomorrow.

    Raises:
        ImageError: the reference names no digest.
    """
    if "@sha256:" not in image.reference:
        raise ImageError(
            f"the image {image.reference} is not named by digest",
            hint=f"write it as {image.reference.split('@')[0]}@sha256:…",
        )


def check_platform(image: Image, system: str, architecture: str) -> None:
    """Compares what an engine has with what was asked for.

    Raises:
        ImageError: it is another platform's image.
    """
    found = f"{system}/{architecture}"
    if image.platform.split("/")[:2] != [system, architecture]:
        shown = image.config if isinstance(image, LayoutImage) else image.reference
        raise ImageError(f"the image {shown} is for {found}, not for {image.platform}")

"""What an image has to be before anything runs from it."""

from builder.domain.digests import Digest
from builder.domain.images import Image, LayoutImage, RegistryImage, digest_command
from builder.engines.pulls import name_of, wrong_platform
from builder.errors import ImageError


def check_reference(image: RegistryImage) -> None:
    """A tag may be another image tomorrow.

    Raises:
        ImageError: the reference names no digest.
    """
    if "@sha256:" not in image.reference:
        raise ImageError(
            f"the image {image.reference} is not named by digest",
            hint=(
                f"write it as {name_of(image.reference)}@sha256:…; the digest that it has now:"
                f" {digest_command(image.reference)}"
            ),
        )


def check_platform(engine: str, image: Image, found: str) -> None:
    """Compares what an engine has with what was asked for.

    Args:
        engine: `Podman` or `Docker`.
        image: what was asked for.
        found: the platform of what it has.

    Raises:
        ImageError: it is another platform's image.
    """
    if is_for(found, image.platform):
        return
    match image:
        case RegistryImage():
            raise wrong_platform(image, found, engine)
        case LayoutImage(config=config):
            raise ImageError(
                f"the image {config} is for {found}, not for {image.platform}",
                hint=f"builder image build {image.name} --force",
            )


def kept_name(image: RegistryImage) -> str:
    """What a pulled image is called in an engine, so that it stays and is found again.

    The reference alone does not do: that of an index stands for an image of each platform.
    """
    named = Digest.of_bytes(f"{image.reference}\n{image.platform}".encode())
    return f"localhost/builder/pulled:{named.sha256[:24]}"


def is_for(found: str, wanted: str) -> bool:
    """Whether an image of the one platform is one of the other, whose variant engines choose."""
    return found.split("/")[:2] == wanted.split("/")[:2]

"""Images that an engine makes from others, by a Containerfile."""

from dataclasses import dataclass

from builder.domain.images import Image

BASE_ARGUMENT = "BASE"
"""The argument of a Containerfile that names the image below: `FROM ${BASE}`."""


@dataclass(frozen=True)
class Derivation:
    """What an engine needs to make an image from another one."""

    below: Image
    containerfile: str
    """Its `FROM` is the argument `BASE`, for which the engine gives its own ID of `below`."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Further arguments, such as a proxy's address. They do not become part of the image."""

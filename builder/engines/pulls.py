"""What an engine says when it does not pull an image, told as what happened and what mends it."""

import re
from collections.abc import Callable

from builder.domain.images import RegistryImage, digest_command
from builder.errors import ImageDigestError, ImageError

_OTHER_BYTES = re.compile(
    r"does not match provided manifest digest|does not match expected sha256"
    r"|digest did not match|verification failed for digest",
    re.IGNORECASE,
)
_OTHER_PLATFORM = re.compile(
    r"no image found in (?:manifest list|image index)|no matching manifest"
    r"|does not match the specified platform",
    re.IGNORECASE,
)
_ACTUAL = re.compile(r"actual: (?P<platform>[a-z0-9/]+)")
_MISSING = re.compile(
    r"manifest unknown|name unknown|StatusCode: 404|HTTP 404|not found", re.IGNORECASE
)
_CLOSED = re.compile(
    r"unauthorized|authentication required|no basic auth|access to the resource is denied"
    r"|StatusCode: 40[13]|HTTP 40[13]",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"server gave HTTP response to HTTPS client", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"connection refused|no such host|i/o timeout|network is unreachable|deadline exceeded"
    r"|connection reset|server misbehaving",
    re.IGNORECASE,
)


def refused_pull(engine: str, image: RegistryImage, said: str) -> ImageError:
    """The error to raise for a pull that an engine refused.

    Args:
        engine: `Podman` or `Docker`.
        image: what was asked for.
        said: what the engine said.
    """
    said = said.strip()
    for symptom, explain in _SYMPTOMS:
        if symptom.search(said):
            return explain(engine, image, said)
    return ImageError(f"{engine} does not pull {image.reference}: {said}")


def wrong_platform(image: RegistryImage, found: str, engine: str) -> ImageError:
    """The error to raise for an image of another platform.

    Args:
        image: what was asked for.
        found: the platform that it is for.
        engine: `Podman` or `Docker`.
    """
    return ImageError(
        f"the image {image.reference} is for {found}, not for {image.platform}",
        hint=_other_digest(engine, image),
    )


def name_of(reference: str) -> str:
    """The name in a reference, without its digest and tag."""
    name, _, _ = reference.partition("@")
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _other_bytes(engine: str, image: RegistryImage, said: str) -> ImageError:
    return ImageDigestError(
        f"what the registry gives as {image.reference} is not what that digest names;"
        f" {engine} took none of it: {said}",
        hint=(
            "run this again; if it stays so, the registry or something on the way to it changes"
            f" what it gives: ask whoever runs it. The digest that it has now:"
            f" {digest_command(f'{name_of(image.reference)}:TAG')}"
        ),
    )


def _no_such_platform(engine: str, image: RegistryImage, said: str) -> ImageError:
    if actual := _ACTUAL.search(said):
        return wrong_platform(image, actual["platform"], engine)
    return ImageError(
        f"the image {image.reference} is for several platforms, and {image.platform} is not one",
        hint=_other_digest(engine, image),
    )


def _other_digest(engine: str, image: RegistryImage) -> str:
    command = f"{engine.lower()} manifest inspect {name_of(image.reference)}:TAG"
    return (
        f"the digest of the image for each platform: {command}; or name an index of several"
        f" platforms by its digest: {digest_command(f'{name_of(image.reference)}:TAG')}"
    )


def _missing(_: str, image: RegistryImage, said: str) -> ImageError:
    return ImageError(
        f"the registry has no image {image.reference}: {said}",
        hint=(
            "check its name, and whether it was removed; the digest that the registry has now:"
            f" {digest_command(f'{name_of(image.reference)}:TAG')}"
        ),
    )


def _closed(engine: str, image: RegistryImage, said: str) -> ImageError:
    return ImageError(
        f"the registry does not give out {image.reference}: {said}",
        hint=f"{engine.lower()} login {image.reference.partition('/')[0]}",
    )


def _plain(engine: str, image: RegistryImage, said: str) -> ImageError:
    host = image.reference.partition("/")[0]
    place = (
        "registries.conf (`insecure = true`)"
        if engine == "Podman"
        else "daemon.json (`insecure-registries`)"
    )
    return ImageError(
        f"the registry of {image.reference} speaks without TLS: {said}",
        hint=f"where that is meant to be, name {host} in {place}",
    )


def _unreachable(_: str, image: RegistryImage, said: str) -> ImageError:
    return ImageError(
        f"the registry of {image.reference} does not answer: {said}",
        hint=(
            "check the network; where there is none, take an image along as a file, or one that is"
            " bootstrapped (`builder image list`)"
        ),
    )


_SYMPTOMS: tuple[tuple[re.Pattern[str], Callable[[str, RegistryImage, str], ImageError]], ...] = (
    (_OTHER_BYTES, _other_bytes),
    (_OTHER_PLATFORM, _no_such_platform),
    (_CLOSED, _closed),
    (_PLAIN, _plain),
    (_UNREACHABLE, _unreachable),
    (_MISSING, _missing),
)

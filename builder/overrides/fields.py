"""What settings are made of, wherever in a file they stand."""

import re
from string import Template
from typing import Annotated
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

SOURCE_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
"""What a source archive may end in."""

_TEMPLATE_NAMES = frozenset({"version", "canonicalized_name"})
_FRAGMENT = re.compile(r"sha256=[0-9a-f]{64}")
_SCHEMES = ("https", "http", "file")


def misplaced(reason: str, *place: str) -> PydanticCustomError:
    """The error for a field that is at odds with others, with its place below the table."""
    return PydanticCustomError("misplaced", "{reason}", {"reason": reason, "place": place})


def _version(text: str) -> str:
    try:
        Version(text)
    except InvalidVersion as error:
        raise ValueError(f"{text!r} is no version") from error
    return text


def _template(text: str) -> str:
    template = Template(text)
    if not template.is_valid():
        raise ValueError(f"{text!r} is no template: write a plain $ as $$")
    unknown = sorted(set(template.get_identifiers()) - _TEMPLATE_NAMES)
    if unknown:
        names = " and ".join(f"${{{name}}}" for name in sorted(_TEMPLATE_NAMES))
        raise ValueError(f"${{{unknown[0]}}} is not known here, only {names}")
    return text


def address(text: str) -> str:
    """Holds the address of a file to what may be asked.

    Raises:
        ValueError: it is none, or holds what would not stay secret.
    """
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no URL") from error
    if parts.scheme not in _SCHEMES or bool(parts.netloc) == (parts.scheme == "file"):
        raise ValueError(f"{text!r} is no URL: write https://HOST/PATH")
    if "@" in parts.netloc:
        raise ValueError("a login has no place in settings: put it into ~/.netrc")
    if parts.fragment and not _FRAGMENT.fullmatch(parts.fragment):
        raise ValueError(f"{text!r} may end in #sha256=… with 64 digits, and in nothing else")
    return text


def _filename(text: str) -> str:
    if not text.endswith(SOURCE_SUFFIXES):
        raise ValueError(f"{text!r} must end in one of {', '.join(SOURCE_SUFFIXES)}")
    is_plain = text.isascii() and text.isprintable() and not re.search(r"[/\\:\s]", text)
    if not is_plain or text.startswith((".", "-")):
        raise ValueError(f"{text!r} must be a plain file name")
    return text


def _sha256(text: str) -> str:
    digits = text.removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError(f"{text!r} is no sha256 of 64 digits")
    return digits


VersionText = Annotated[str, AfterValidator(_version)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
AddressTemplate = Annotated[str, AfterValidator(_template), AfterValidator(address)]
"""With `${version}` and `${canonicalized_name}`, and `$$` for a plain `$`."""
FilenameTemplate = Annotated[str, AfterValidator(_template), AfterValidator(_filename)]

"""Reads requirements from core metadata and from `[project]` tables, forgiving but not silent."""

from collections.abc import Iterable, Mapping
from typing import Any

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Pin

MAX_REQUIREMENTS = 5000
_FIRST_STATIC_VERSION = Version("2.2")


class UnusableMetadataError(ValueError):
    """Metadata that says something impossible, or speaks of another release."""


def parse_requirements(texts: Iterable[str]) -> tuple[Requirement, ...]:
    """Parses PEP 508 requirements; nothing else passes, so that no option can be smuggled in.

    What names a URL passes: whether it may be followed is for whoever needs it to find out.

    Raises:
        UnusableMetadataError: a text is no requirement, or there are too many.
    """
    parsed: list[Requirement] = []
    for text in texts:
        if len(parsed) >= MAX_REQUIREMENTS:
            raise UnusableMetadataError(f"more than {MAX_REQUIREMENTS} requirements")
        try:
            parsed.append(Requirement(text))
        except InvalidRequirement as error:
            raise UnusableMetadataError(f"{text[:200]!r} is no requirement") from error
    return tuple(parsed)


def pin_of(text: bytes | str) -> Pin:
    """The release that a METADATA file is of.

    Raises:
        UnusableMetadataError: its name or its version is not valid.
    """
    raw, _ = parse_email(text)
    name, version = raw.get("name"), raw.get("version")
    try:
        return Pin(canonicalize_name(name or "", validate=True), Version(version or ""))
    except (InvalidName, InvalidVersion) as error:
        raise _invalid_identity(name, version) from error


def from_core_metadata(text: bytes | str, pin: Pin, origin: MetadataOrigin) -> ReleaseMetadata:
    """Reads a METADATA or PKG-INFO file.

    Raises:
        UnusableMetadataError: it is of another project or version, or states what cannot be parsed.
    """
    raw, _ = parse_email(text)
    _check_identity(raw.get("name"), raw.get("version"), pin)
    requires = parse_requirements(raw.get("requires_dist") or ())
    return ReleaseMetadata(pin, requires, origin)


def from_pkg_info(text: str, pin: Pin) -> ReleaseMetadata | None:
    """Requirements from an sdist's PKG-INFO, where they are promised to be final.

    That is so from Metadata 2.2 on, unless `Requires-Dist` is declared dynamic (PEP 643).
    """
    raw, _ = parse_email(text)
    try:
        version = Version(raw.get("metadata_version") or "1.0")
    except InvalidVersion:
        return None
    dynamic = {field.lower() for field in raw.get("dynamic") or ()}
    if version < _FIRST_STATIC_VERSION or "requires-dist" in dynamic:
        return None
    return from_core_metadata(text, pin, MetadataOrigin.PKG_INFO)


def from_project_table(pyproject: Mapping[str, Any], pin: Pin) -> ReleaseMetadata | None:
    """Requirements from `[project]` (PEP 621), where they are not declared dynamic."""
    project = pyproject.get("project")
    if not isinstance(project, Mapping):
        return None
    dynamic = _strings(project.get("dynamic", []))
    if "dependencies" in dynamic or "optional-dependencies" in dynamic:
        return None
    if canonicalize_name(str(project.get("name", ""))) != pin.name:
        return None
    requires = list(parse_requirements(_strings(project.get("dependencies", []))))
    extras = project.get("optional-dependencies", {})
    if not isinstance(extras, Mapping):
        raise UnusableMetadataError("[project.optional-dependencies] is no table")
    for extra, texts in extras.items():
        name = _extra_name(extra)
        requires.extend(_for_extra(one, name) for one in parse_requirements(_strings(texts)))
    return ReleaseMetadata(pin, tuple(requires), MetadataOrigin.PYPROJECT)


def _extra_name(extra: object) -> str:
    try:
        return canonicalize_name(str(extra), validate=True)
    except InvalidName as error:
        raise UnusableMetadataError(f"{extra!r} is no name of an extra") from error


def _for_extra(requirement: Requirement, extra: str) -> Requirement:
    marker = f'extra == "{extra}"'
    if requirement.marker is not None:
        marker = f"({requirement.marker}) and {marker}"
    bare = Requirement(str(requirement))
    bare.marker = None
    return Requirement(f"{bare} ; {marker}")


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UnusableMetadataError(
            "[project] has something else where a list of strings should be"
        )
    return value


def _check_identity(name: str | None, version: str | None, pin: Pin) -> None:
    try:
        same_name = canonicalize_name(name or "", validate=True) == pin.name
        same_version = Version(version or "") == pin.version
    except (InvalidName, InvalidVersion) as error:
        raise _invalid_identity(name, version) from error
    if not same_name or not same_version:
        raise UnusableMetadataError(f"it is of {name} {version}, not of {pin}")


def _invalid_identity(name: str | None, version: str | None) -> UnusableMetadataError:
    return UnusableMetadataError(f"its name or version is not valid: {name!r} {version!r}")

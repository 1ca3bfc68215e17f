"""From what settings say of a release's source to where that is."""

from string import Template

from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.origins import AtAddress, AtState, Origin
from builder.domain.releases import Pin
from builder.domain.repositories import GitReference
from builder.overrides.schema import BuildSettings, DownloadSource
from builder.overrides.source_schema import (
    HookPrebuilt,
    HookSdist,
    NotAvailable,
    PypiDownload,
    PypiGit,
    Source,
    Url,
)


def origin_of(pin: Pin, settings: BuildSettings) -> Origin | None:
    """Where the source of a release is; None where whoever told of the release says it.

    Args:
        pin: the release.
        settings: what holds for it.
    """
    match settings.source:
        case PypiDownload(download_url=url):
            return _at(url.format(version=pin.version), None)
        case PypiGit(clone_url=url, tag=tag):
            return AtState(repository(url, tag.format(version=pin.version)))
        case _:
            return _downloaded(pin, settings.download_source)


def releases_at(pin: Pin, source: Url) -> AtAddress:
    """Where a release is that no index has."""
    return _at(expanded(source.url, pin), _of_version(pin, source.versions))


def archive_name(pin: Pin, settings: BuildSettings) -> str | None:
    """What the source archive is called; None where it keeps its name."""
    template = settings.download_source.destination_filename
    return None if template is None else expanded(template, pin)


def withheld(source: Source | None, *, has_plugin: bool) -> str | None:
    """Why a package cannot be had at all; None where it can."""
    match source:
        case NotAvailable(reason=reason):
            return f"the settings say that it is not available{f': {reason}' if reason else ''}"
        case HookSdist(provider=name) | HookPrebuilt(provider=name) if not has_plugin:
            return f"the settings leave it to a plugin ({name}), and none decides its releases"
        case _:
            return None


def repository(url: str, ref: str = "") -> GitReference:
    """A state of a repository that a provider names."""
    return GitReference.parse(f"git+{url}@{ref}" if ref else f"git+{url}")


def expanded(template: str, pin: Pin) -> str:
    """A template with what is known of a release."""
    return Template(template).substitute(version=pin.version, canonicalized_name=pin.name)


def _downloaded(pin: Pin, source: DownloadSource) -> AtAddress | None:
    if source.url is None:
        return None
    return _at(expanded(source.url, pin), _of_version(pin, source.sha256))


def _at(url: str, digest: Digest | None) -> AtAddress:
    """What stands behind the address wins over what stands beside it: it is nearer."""
    address, _, fragment = url.partition("#")
    stated = fragment.removeprefix("sha256=")
    return AtAddress(address, Digest(stated) if stated else digest)


def _of_version(pin: Pin, stated: dict[str, str] | dict[str, str | None]) -> Digest | None:
    for text, digest in stated.items():
        if Version(text) == pin.version and digest is not None:
            return Digest(digest)
    return None

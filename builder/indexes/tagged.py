"""From the tags of a project, and from what the user lists, to releases."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from builder.domain.releases import Candidate, Pin, ProjectPage, RemoteFile
from builder.domain.repositories import PREFIX
from builder.indexes.forges import Tag

_LONGEST_TAG = 250
_MOST_EXAMPLES = 3


class Forge(Protocol):
    """A project that has tags."""

    @property
    def clone_url(self) -> str: ...

    def tags(self) -> tuple[Tag, ...]: ...

    def dated(self, tags: tuple[Tag, ...]) -> tuple[Tag, ...]: ...

    def archive_url(self, commit: str) -> str: ...


def releases_of_tags(
    name: NormalizedName, forge: Forge, matcher: str, *, by_git: bool, dated: bool
) -> ProjectPage:
    """A release for each tag that names a version, the newest first.

    A version that two tags name, at two commits, is none: nobody can tell which one is meant.

    Args:
        name: the project.
        forge: whose tags.
        matcher: what a whole tag must look like; its group is the version.
        by_git: whether sources are fetched as commits, else as archives.
        dated: whether it matters how old a release is.
    """
    found: dict[Version, Tag] = {}
    twice: dict[Version, str] = {}
    others: list[str] = []
    pattern = re.compile(matcher)
    for tag in sorted(forge.tags(), key=lambda one: one.name):
        version = _version(pattern, tag.name)
        if version is None:
            others.append(tag.name)
        elif found.setdefault(version, tag).commit != tag.commit:
            twice[version] = f"{found[version].name} and {tag.name} are both {version}"
    kept = sorted(found.keys() - twice.keys(), reverse=True)
    tags = tuple(found[version] for version in kept)
    tags = forge.dated(tags) if dated else tags
    candidates = [
        release(
            Pin(name, version),
            f"{PREFIX}{forge.clone_url}@{tag.commit}" if by_git else forge.archive_url(tag.commit),
            forge.clone_url,
            tag,
        )
        for version, tag in zip(kept, tags, strict=True)
    ]
    return ProjectPage(name, tuple(candidates), (*_notes(others), *twice.values()))


def release(pin: Pin, url: str, where: str, tag: Tag | None = None) -> Candidate:
    """A release that no index lists."""
    name = f"{pin.name.replace('-', '_')}-{pin.version}.tar.gz"
    file = RemoteFile(name, url, None, upload_time=tag.time if tag is not None else None)
    return Candidate(pin, file, (), SpecifierSet(), None, where, by_settings=True)


def releases_at_refs(
    name: NormalizedName, clone_url: str, refs: Mapping[Version, str]
) -> ProjectPage:
    """A release for each ref that the user names, the newest first."""
    newest_first = sorted(refs, reverse=True)
    candidates = (
        release(Pin(name, version), f"{PREFIX}{clone_url}@{refs[version]}", clone_url)
        for version in newest_first
    )
    return ProjectPage(name, tuple(candidates))


def _version(pattern: re.Pattern[str], tag: str) -> Version | None:
    found = pattern.fullmatch(tag) if len(tag) <= _LONGEST_TAG else None
    try:
        return Version(found[1] or "") if found is not None else None
    except InvalidVersion:
        return None


def _notes(others: Iterable[str]) -> Iterable[str]:
    names = [ascii(name)[1:-1] for name in others]
    if names:
        shown = ", ".join(names[:_MOST_EXAMPLES]) + ", …" * (len(names) > _MOST_EXAMPLES)
        yield f"{len(names)} tags that name no version: {shown}"

"""From the links of a project page to the releases that can be built."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, Pin, ProjectPage, RemoteFile
from builder.indexes.addresses import without_credentials
from builder.indexes.pages import Link

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
"""Best first: of several sdists of one release the first kind is taken."""

_EXAMPLES = 3


def list_releases(
    name: NormalizedName,
    links: Iterable[Link],
    index_url: str,
    refusal: Callable[[str], str | None],
) -> ProjectPage:
    """Picks one sdist for each release, newest release first; the page's order does not matter.

    Args:
        name: whose page it is; files with another name are left out.
        links: what the page lists.
        index_url: without credentials.
        refusal: says why a URL may not be followed, None where it may.
    """
    listing = _Listing(name, index_url, refusal)
    for link in links:
        listing.add(link)
    return listing.page()


@dataclass
class _LeftOut:
    """What was left out for one reason: how often, and the first few."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            is_clear = example.isascii() and example.isprintable()
            self.examples.append(example if is_clear else ascii(example))

    def __str__(self) -> str:
        return ", ".join(it[:100] for it in self.examples) + (
            ", …" if self.count > len(self.examples) else ""
        )


class _Listing:
    def __init__(
        self, name: NormalizedName, index_url: str, refusal: Callable[[str], str | None]
    ) -> None:
        self._name = name
        self._index_url = index_url
        self._refusal = refusal
        self._sdists: dict[Version, Link] = {}
        self._wheels: dict[Version, list[Link]] = {}
        self._versions: dict[str, Version | None] = {}
        self._left_out: dict[str, _LeftOut] = {}

    def add(self, link: Link) -> None:
        suffix = _suffix(link.filename)
        if suffix is None:
            self._leave_out("neither an sdist nor a wheel", link.filename)
        elif not _is_plain(link.filename):
            self._leave_out("with a name that is not a plain file name", link.filename)
        elif (text := _version_text(link.filename, suffix, self._name)) is None:
            self._leave_out(f"with a name that is not one of {self._name}", link.filename)
        elif (version := self._version(text)) is None:
            self._leave_out("without a valid version", link.filename)
        elif reason := self._refusal(link.url):
            self._leave_out(f"at a refused address ({reason})", link.filename)
        elif suffix == ".whl":
            self._wheels.setdefault(version, []).append(link)
        elif version not in self._sdists or _rank(link) < _rank(self._sdists[version]):
            self._sdists[version] = link

    def page(self) -> ProjectPage:
        specifiers = _Specifiers()
        wheels = {it: self._remote_wheels(it) for it in sorted(self._wheels, reverse=True)}
        candidates = tuple(
            self._candidate(version, wheels.get(version, ()), specifiers)
            for version in sorted(self._sdists, reverse=True)
        )
        return ProjectPage(self._name, candidates, tuple(self._notes(specifiers)), wheels)

    def _candidate(
        self, version: Version, wheels: Iterable[RemoteFile], specifiers: "_Specifiers"
    ) -> Candidate:
        sdist = self._sdists[version]
        return Candidate(
            pin=Pin(self._name, version),
            sdist=_remote(sdist),
            wheels=tuple(wheels),
            requires_python=specifiers.read(sdist),
            yanked=sdist.yanked,
            index_url=self._index_url,
        )

    def _remote_wheels(self, version: Version) -> tuple[RemoteFile, ...]:
        links = sorted(self._wheels[version], key=lambda it: it.filename)
        return tuple(_remote(link) for link in links)

    def _notes(self, specifiers: "_Specifiers") -> Iterable[str]:
        without_sdist = _LeftOut()
        for version in sorted(self._wheels.keys() - self._sdists.keys(), reverse=True):
            without_sdist.add(str(version))
        if without_sdist.count:
            yield f"{without_sdist.count} releases with wheels but no sdist: {without_sdist}"
        for reason in sorted(self._left_out):
            yield f"{self._left_out[reason].count} files {reason}: {self._left_out[reason]}"
        if specifiers.invalid.count:
            count = specifiers.invalid.count
            yield f"{count} files with an invalid requires-python, ignored: {specifiers.invalid}"

    def _version(self, text: str) -> Version | None:
        if text not in self._versions:
            try:
                self._versions[text] = Version(text)
            except InvalidVersion:
                self._versions[text] = None
        return self._versions[text]

    def _leave_out(self, reason: str, filename: str) -> None:
        self._left_out.setdefault(reason, _LeftOut()).add(filename)


class _Specifiers:
    """Reads requires-python leniently; few texts occur on many files."""

    def __init__(self) -> None:
        self.invalid = _LeftOut()
        self._known: dict[str, SpecifierSet | None] = {"": SpecifierSet()}

    def read(self, link: Link) -> SpecifierSet:
        text = link.requires_python
        if text not in self._known:
            try:
                self._known[text] = SpecifierSet(text)
            except InvalidSpecifier:
                self._known[text] = None
        specifier = self._known[text]
        if specifier is None:
            self.invalid.add(f"{link.filename} ({text})")
            return SpecifierSet()
        return specifier


def _suffix(filename: str) -> str | None:
    lower = filename.lower()
    return next((it for it in (".whl", *SDIST_SUFFIXES) if lower.endswith(it)), None)


def _is_plain(filename: str) -> bool:
    return (
        filename.isascii()
        and filename.isprintable()
        and len(filename) <= 255
        and not filename.startswith((".", "-"))
        and not any(it in filename for it in "/\\:")
    )


def _version_text(filename: str, suffix: str, name: NormalizedName) -> str | None:
    """What follows the project's name, however the name is spelled; None for another's file."""
    stem = filename[: -len(suffix)]
    at = stem.find("-")
    while at > 0:
        if canonicalize_name(stem[:at]) == name:
            rest = stem[at + 1 :]
            return rest.partition("-")[0] if suffix == ".whl" else rest
        at = stem.find("-", at + 1)
    return None


def _rank(link: Link) -> tuple[bool, bool, int, str]:
    suffix = _suffix(link.filename) or ""
    kind = SDIST_SUFFIXES.index(suffix)
    return link.yanked is not None, link.sha256 is None, kind, link.filename


def _remote(link: Link) -> RemoteFile:
    return RemoteFile(
        filename=link.filename,
        url=without_credentials(link.url),
        digest=Digest(link.sha256) if link.sha256 else None,
        metadata_digest=Digest(link.metadata_sha256) if link.metadata_sha256 else None,
        upload_time=_time(link.upload_time),
        yanked=link.yanked,
    )


def _time(text: str) -> datetime | None:
    """A moment; None where nobody can tell which one is meant, for lack of a time zone too."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None

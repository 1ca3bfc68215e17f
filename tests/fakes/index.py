"""An Index of plain values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.errors import DigestMismatchError, IndexUnreachableError, InputError

INDEX_URL = "https://index.example/simple/"
_FILES_URL = "https://files.index.example/"


@dataclass(frozen=True)
class FakeRelease:
    """One release, as little of it as a test needs.

    Attributes:
        requires: what the metadata of its wheel says; None for a release without any metadata.
        sdist: the bytes of the source archive.
    """

    name: str
    version: str
    requires: tuple[str, ...] | None = ()
    requires_python: str = ""
    yanked: str | None = None
    sdist: bytes = b"sdist"
    upload_time: datetime | None = None

    @property
    def candidate(self) -> Candidate:
        """As the index offers it."""
        stem = f"{canonicalize_name(self.name).replace('-', '_')}-{self.version}"
        sdist = RemoteFile(
            f"{stem}.tar.gz",
            f"{_FILES_URL}{stem}.tar.gz",
            Digest.of_bytes(self.sdist),
            upload_time=self.upload_time,
            yanked=self.yanked,
        )
        wheel = RemoteFile(
            f"{stem}-py3-none-any.whl",
            f"{_FILES_URL}{stem}-py3-none-any.whl",
            Digest.of_bytes(b"wheel"),
            Digest.of_bytes(self.metadata),
            upload_time=self.upload_time,
            yanked=self.yanked,
        )
        return Candidate(
            pin=Pin(canonicalize_name(self.name), Version(self.version)),
            sdist=sdist,
            wheels=(wheel,) if self.requires is not None else (),
            requires_python=SpecifierSet(self.requires_python),
            yanked=self.yanked,
            index_url=INDEX_URL,
        )

    @property
    def metadata(self) -> bytes:
        """What is behind the wheel's PEP 658 address."""
        lines = ["Metadata-Version: 2.2", f"Name: {self.name}", f"Version: {self.version}"]
        lines += [f"Requires-Python: {self.requires_python}"] * bool(self.requires_python)
        lines += [f"Requires-Dist: {it}" for it in self.requires or ()]
        return "\n".join([*lines, ""]).encode()


class FakeIndex:
    """Serves releases from memory, newest first, and remembers what it was asked.

    Attributes:
        asked: the name of each project that was asked for.
        fetched: the name of each file that was fetched.
        read: the name of each file whose metadata was read.
    """

    def __init__(self, releases: Iterable[FakeRelease] = ()) -> None:
        self.asked: list[NormalizedName] = []
        self.fetched: list[str] = []
        self.read: list[str] = []
        self._pages: dict[NormalizedName, list[Candidate]] = {}
        self._contents: dict[str, bytes] = {}
        self._metadata: dict[str, bytes] = {}
        for release in releases:
            candidate = release.candidate
            self._pages.setdefault(candidate.pin.name, []).append(candidate)
            self._contents[candidate.sdist.url] = release.sdist
            self._metadata |= {it.url: release.metadata for it in candidate.wheels}

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        self.asked.append(name)
        if name not in self._pages:
            return NoSuchProject(name, (INDEX_URL,))
        newest_first = sorted(self._pages[name], key=lambda it: it.pin.version, reverse=True)
        wheels = {it.pin.version: it.wheels for it in newest_first if it.wheels}
        return ProjectPage(name, tuple(newest_first), wheels=wheels)

    def metadata(self, file: RemoteFile) -> bytes:
        self.read.append(file.filename)
        if file.metadata_digest is None:
            raise InputError(f"no metadata for {file.filename}")
        return _checked(self._metadata.get(file.url), file.metadata_digest, file)

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        self.fetched.append(file.filename)
        if file.digest is None:
            raise InputError(f"no digest for {file.filename}", hint="use --hash")
        content = _checked(self._contents.get(file.url), file.digest, file)
        target.write_bytes(content)
        progress(len(content))
        return file.digest


def _checked(content: bytes | None, expected: Digest, file: RemoteFile) -> bytes:
    if content is None:
        raise IndexUnreachableError(f"{file.url} answered with status 404")
    if Digest.of_bytes(content) != expected:
        raise DigestMismatchError(f"{file.filename} is not the promised file")
    return content

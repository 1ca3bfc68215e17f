"""Releases and the files that an index offers for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.repositories import is_repository


@dataclass(frozen=True, order=True)
class Pin:
    """One release of one project."""

    name: NormalizedName
    version: Version

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class RemoteFile:
    """A file that an index links to, with what the index promises about its bytes."""

    filename: str
    url: str
    """Never holds credentials."""
    digest: Digest | None
    """None where the index gives no sha256; such a file is refused unless the user gave one."""
    metadata_digest: Digest | None = None
    """sha256 of the PEP 658 metadata at `url + ".metadata"`; None where there is none."""
    upload_time: datetime | None = None
    """With its time zone; None where the index does not say (PEP 700)."""
    yanked: str | None = None
    """The reason; None for a file that is not yanked."""


@dataclass(frozen=True)
class Rebuilt:
    """A source as it was prepared, where preparing it again would take a network.

    Attributes:
        archive: what was left in sdists-repo.
        laid_down: digest of what was done to the source, and of the source.
    """

    archive: Digest
    laid_down: Digest


@dataclass(frozen=True)
class Candidate:
    """A release that can be built from source.

    Attributes:
        sdist: the source archive.
        wheels: those the index has of the same release; of them only the names are read, and
            PEP 658 metadata where there is any.
        requires_python: what the index says, empty where it says nothing.
        yanked: the reason, empty string for a yank without one, None for a release that is not.
        index_url: the index that answered for the project.
        rebuilt: how its source was prepared before, where that is to be taken up.
        by_settings: whether the settings of the project say where its source is. Nobody may have
            said what that must be, then.
    """

    pin: Pin
    sdist: RemoteFile
    wheels: tuple[RemoteFile, ...]
    requires_python: SpecifierSet
    yanked: str | None
    index_url: str
    by_settings: bool = False
    rebuilt: Rebuilt | None = None

    @property
    def source(self) -> str:
        """The commit that it is, as a URL; empty for a release that an index has.

        Both may have the same name and version, and are not the same.
        """
        return self.sdist.url if is_repository(self.sdist.url) else ""


@dataclass(frozen=True)
class ProjectPage:
    """What one index says of one project: every release with an sdist, and why others fell out."""

    name: NormalizedName
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()
    """Why files were left out, for the message when nothing is left."""
    wheels: Mapping[Version, tuple[RemoteFile, ...]] = field(default_factory=dict)
    """Every wheel that may be fetched, those of releases without an sdist too."""


@dataclass(frozen=True)
class NoSuchProject:
    """No index that was asked knows the project."""

    name: NormalizedName
    asked: tuple[str, ...]
    """The indexes that were asked, in order."""

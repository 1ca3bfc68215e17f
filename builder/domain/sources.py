"""Source archives and prepared source trees."""

from dataclasses import dataclass

from packaging.requirements import Requirement

from builder.domain.digests import Digest
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Pin, Rebuilt


@dataclass(frozen=True)
class BuildSystem:
    """The `[build-system]` table of PEP 518, with its defaults filled in."""

    requires: tuple[Requirement, ...]
    backend: str
    backend_path: tuple[str, ...]


@dataclass(frozen=True)
class SourceTree:
    """A prepared source: unpacked, checked, packed again deterministically.

    Attributes:
        archive: digest of the rebuilt sdist, which is what every later container unpacks.
        sdist: digest of the archive as it was fetched.
        static_metadata: None where the source declares its requirements as dynamic.
        rebuilt: for whoever builds from a lock, where preparing it again would take a network.
    """

    pin: Pin
    archive: Digest
    sdist: Digest
    url: str
    build_system: BuildSystem
    static_metadata: ReleaseMetadata | None
    rebuilt: Rebuilt | None = None

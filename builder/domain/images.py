"""Base images, and the Python that lives in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import Tag

from builder.domain.digests import Digest


@dataclass(frozen=True)
class LayoutImage:
    """An image that was bootstrapped here and lies as an OCI image layout in a folder.

    Its ID in every engine is `config`: the digest of its configuration.
    """

    name: str
    layout: Path
    config: Digest
    diff_id: Digest
    """Digest of the uppermost layer, uncompressed as all of them."""
    platform: str
    """`linux/amd64` and the like."""
    below: tuple[Digest, ...] = ()
    """Digests of the layers under it, from the bottom up."""


@dataclass(frozen=True)
class RegistryImage:
    """An image that an engine pulls, named by digest: `registry.example/name@sha256:…`."""

    name: str
    reference: str
    platform: str


Image = LayoutImage | RegistryImage


def digest_command(name: str) -> str:
    """Shows the digest of what a registry has under a name and a tag, for all its platforms."""
    return f"skopeo inspect --format '{{{{.Digest}}}}' docker://{name}"


@dataclass(frozen=True)
class TargetPython:
    """The interpreter of an image, as found by asking it: what wheels are built for."""

    executable: str
    version: str
    """`major.minor.micro`."""
    markers: Mapping[str, str]
    """All eleven environment markers of PEP 508."""
    tags: frozenset[Tag]
    cache_tag: str
    """What the interpreter puts into the names of bytecode files, such as `cpython-311`."""

    @property
    def minor_version(self) -> str:
        return ".".join(self.version.split(".")[:2])

"""Which Debian packages a root file system holds, read from its tar."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

from builder.errors import ImageError

_STATUS = "./var/lib/dpkg/status"


@dataclass(frozen=True, order=True)
class DebianPackage:
    """An installed package."""

    name: str
    version: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.name}={self.version}={self.architecture}"

    @classmethod
    def parse(cls, text: str) -> "DebianPackage":
        """Reads `name=version=architecture`.

        Raises:
            ValueError: `text` is something else.
        """
        name, version, architecture = text.split("=")
        return cls(name, version, architecture)


def read_packages(layer: Path) -> tuple[DebianPackage, ...]:
    """The installed packages, sorted.

    Raises:
        ImageError: the tar is not a Debian root file system, or is cut short.
    """
    try:
        with tarfile.open(layer, "r:") as tar:
            member = tar.extractfile(_STATUS)
            status = member.read().decode() if member else ""
    except (tarfile.TarError, KeyError, UnicodeDecodeError) as error:
        raise ImageError(f"{layer}: is no root file system: {error}") from error
    packages = parse_status(status)
    if not packages:
        raise ImageError(f"{layer}: has no installed packages")
    return packages


def parse_status(status: str) -> tuple[DebianPackage, ...]:
    """The installed packages of dpkg's status file, sorted."""
    paragraphs = (_fields(paragraph) for paragraph in status.split("\n\n"))
    return tuple(
        sorted(
            DebianPackage(fields["Package"], fields["Version"], fields["Architecture"])
            for fields in paragraphs
            if fields.get("Status", "").endswith(" installed")
        )
    )


def _fields(paragraph: str) -> dict[str, str]:
    lines = (line for line in paragraph.splitlines() if line[:1].strip())
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}

"""The plain values that plugins are given, and give back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from packaging.version import Version


@dataclass(frozen=True)
class Package:
    """The release that a decision is about.

    Attributes:
        name: normalized, such as `pytest-asyncio`.
        variant: what is built for, such as `cpu`.
    """

    name: str
    version: Version
    variant: str


@dataclass(frozen=True)
class SourceFile:
    """A file to fetch.

    Attributes:
        url: `https:`, or `file:` for a file of this machine.
        sha256: of its bytes, in hexadecimal digits; what comes with another one is refused. None
            where the index promises none, which only a `--hash` of the user makes good.
        filename: what it is called here; empty for `NAME-VERSION` and the ending of the URL.
    """

    url: str
    sha256: str | None
    filename: str = ""


@dataclass(frozen=True)
class Release:
    """A version of a project, and the file that it can be had from: a source archive, or a wheel.

    Attributes:
        requires_python: which versions of Python it is for, such as `>=3.10`; empty for all.
        upload_time: with its time zone; where it is missing, a minimum age keeps the release out.
        yanked: why it was taken back; None where it was not.
    """

    version: Version
    file: SourceFile
    requires_python: str = ""
    upload_time: datetime | None = None
    yanked: str | None = None


class Source(Protocol):
    """The prepared source of a release: patched, and everything else done. It can only be read."""

    def files(self) -> tuple[str, ...]:
        """The paths of all regular files, sorted, such as `src/package/__init__.py`."""
        ...

    def read_text(self, path: str) -> str | None:
        """What a regular file holds, as UTF-8; None where there is none."""
        ...


class Commands(Protocol):
    """Takes down what is to be done inside the container; nothing is done while it is told.

    Everything is done in order, in one container without a network. Paths lead from the folder
    that is built, and never out of it. The first command that fails ends the build.
    """

    def run(self, *words: str, folder: str = "", env: Mapping[str, str] | None = None) -> None:
        """Runs a program of the image, or one in the source (`./configure`), without a shell."""
        ...

    def write(self, path: str, text: str, *, executable: bool = False) -> None:
        """Writes a file, over whatever is there, and makes its folder where that is missing."""
        ...


class BuildCommands(Commands, Protocol):
    """The same where a wheel is built: with the build requirements, and the source's own backend.

    In the end, one wheel must lie in the folder that the variable `BUILDER_WHEELS` names.
    """

    def build_as_usual(self) -> None:
        """Has the backend build the wheel, as it would without a plugin."""
        ...


@dataclass(frozen=True)
class BuiltFile:
    """A file that is finished and lies where it stays."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class FinishedPackage:
    """A release that is done with.

    Attributes:
        sdist: the rebuilt source archive; None where nothing was prepared from source.
        wheel: None where only its needs were found out (`bootstrap --sdist-only`).
    """

    package: Package
    sdist: BuiltFile | None
    wheel: BuiltFile | None


@dataclass(frozen=True)
class BuiltWheel:
    """A release whose wheel was built in this run.

    Attributes:
        sdist: the rebuilt source archive.
    """

    package: Package
    sdist: BuiltFile | None
    wheel: BuiltFile


@dataclass(frozen=True)
class PreBuiltWheel:
    """A release whose wheel somebody else built, and that was taken as it is."""

    package: Package
    wheel: BuiltFile

"""The seams: what workflows need from the outside, at most four methods each."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Protocol, runtime_checkable

from packaging.utils import NormalizedName

from builder.domain.containers import ContainerExit, ContainerSpec, EngineFacts
from builder.domain.derivations import Derivation
from builder.domain.digests import Digest
from builder.domain.images import Image
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.domain.repositories import NO_SUBMODULES, GitReference, Submodules


class Engine(Protocol):
    """Runs containers. Safe to call from several threads at once."""

    @property
    def facts(self) -> EngineFacts: ...

    def ensure_image(self, image: Image) -> str:
        """Loads or pulls the image where it is missing, and returns its ID (`sha256:…`).

        The first container of an image may cost a copy of it under the user mapping in use; that
        copy is made here.

        Raises:
            ImageError: it cannot be had, is another platform's, or has another ID than promised.
        """
        ...

    def run(
        self, spec: ContainerSpec, output: Callable[[bytes], None], stop: Event
    ) -> ContainerExit:
        """Runs one container from start to removal.

        Args:
            spec: what to run.
            output: takes what the container prints, both streams, as it comes.
            stop: once set, the container is killed at once.

        Raises:
            EngineError: the engine refused the container or went away.
        """
        ...

    def remove_leftovers(self, is_abandoned: Callable[[dict[str, str]], bool]) -> int:
        """Removes this tool's containers whose labels `is_abandoned` accepts; says how many."""
        ...


@runtime_checkable
class ImageMaker(Protocol):
    """Makes images from others by a Containerfile, with the host's network.

    For a distribution's packages, and never for anything that a build would bring.
    """

    def derive(self, derivation: Derivation, told: Callable[[str], None]) -> Digest:
        """Builds an image; returns its ID.

        Args:
            derivation: from what, and how.
            told: takes each line that the build prints.

        Raises:
            EngineError: the engine went away.
            ImageError: the image below cannot be had, or the build failed.
        """
        ...

    def save(self, image: Digest, target: Path) -> None:
        """Writes an image as a docker-archive.

        Raises:
            EngineError: the engine went away.
            StorageError: the file cannot be written.
        """
        ...


class Index(Protocol):
    """Lists releases and hands out files, from the network. Safe from several threads."""

    def project(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        """Every release of a project, from the first index in order that knows the project.

        One snapshot: asking twice gives the same answer for the life of this object.

        Raises:
            IndexUnreachableError: an index that comes first in order did not answer properly.
        """
        ...

    def metadata(self, file: RemoteFile) -> bytes:
        """The PEP 658 metadata of a file, checked against its digest.

        Raises:
            DigestMismatchError: other bytes came.
            IndexUnreachableError: none came.
        """
        ...

    def fetch(self, file: RemoteFile, target: Path, progress: Callable[[int], None]) -> Digest:
        """Downloads a file to a new path, resuming after interruptions.

        Args:
            file: what to fetch; its digest is checked where it has one.
            target: a path that does not exist yet; it appears whole or not at all.
            progress: is called with the number of bytes that came.

        Raises:
            DigestMismatchError: the bytes are not the promised ones; nothing is left at `target`.
            IndexUnreachableError: the file could not be had.
            StorageError: the disk is full or cannot be written.
        """
        ...


class Repositories(Protocol):
    """Gets states of git repositories, as data: nothing of them is run. Safe from several threads.

    Every method raises GitMissingError where this host has no git, and StorageError where the
    cache cannot be written.
    """

    def fetch(self, reference: GitReference) -> GitReference:
        """Gets a state, and says which commit it is; a commit that was fetched before is not asked.

        Raises:
            InputError: the repository has no such tag, branch or commit.
            IndexUnreachableError: it could not be had.
        """
        ...

    def archive(
        self,
        reference: GitReference,
        top: str,
        target: Path,
        submodules: Submodules = NO_SUBMODULES,
    ) -> Digest:
        """Packs all files of a commit, as they are, into a .tar.gz that is always the same.

        Args:
            reference: a commit.
            top: the one folder in the archive.
            target: a path that does not exist yet; it appears whole or not at all.
            submodules: which of them are packed with it; folders of others are empty.

        Raises:
            InputError: the repository has no such commit, or no such submodule.
            IndexUnreachableError: it could not be had.
        """
        ...

    def has_submodules(self, reference: GitReference) -> bool:
        """Whether a commit leans on other repositories, which no archive of it holds."""
        ...


class Store(Protocol):
    """Content-addressed files, and what each build key led to. Safe with two runs on one folder."""

    def put(self, file: Path) -> Digest:
        """Takes a copy (a hard link where it can) of a finished file under its digest."""
        ...

    def path(self, digest: Digest) -> Path | None:
        """The stored file, verified against its digest; None where there is none.

        A file that no longer matches is removed and counts as missing.
        """
        ...

    def result(self, key: Digest) -> bytes | None:
        """What was recorded for a build key."""
        ...

    def record(self, key: Digest, result: bytes) -> None:
        """Remembers what a build key led to, by an atomic rename."""
        ...

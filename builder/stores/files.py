"""A content-addressed store in a folder. There is no other state: a killed run resumes from it."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from builder.domain.digests import Digest
from builder.errors import StorageError


class FileStore:
    """Files under the digest of their bytes, results under their build key.

    Everything appears by an atomic rename after fsync, so that two runs on one folder, and a run
    that is killed at any moment, never see or leave half of anything. What is read is verified,
    once in the life of this object.
    """

    def __init__(self, root: Path, *, reuse: bool = True) -> None:
        """Opens a store.

        Args:
            root: its folder.
            reuse: whether results of earlier runs count; those of this object always do.
        """
        self._reuse = reuse
        self._recorded: set[Digest] = set()
        self._files = root / "files"
        self._results = root / "results"
        self._verified: set[Digest] = set()
        self._lock = threading.Lock()

    def put(self, file: Path) -> Digest:
        digest = Digest.of_file(file)
        if self.path(digest) is None:
            with _appearing(_place(self._files, digest)) as writer, file.open("rb") as reader:
                shutil.copyfileobj(reader, writer, 1 << 20)
        return digest

    def path(self, digest: Digest) -> Path | None:
        place = _place(self._files, digest)
        with self._lock:
            if digest in self._verified and place.is_file():
                return place
        if not place.is_file():
            return None
        if Digest.of_file(place) != digest:
            place.unlink(missing_ok=True)
            return None
        with self._lock:
            self._verified.add(digest)
        return place

    def result(self, key: Digest) -> bytes | None:
        if not self._reuse and key not in self._recorded:
            return None
        try:
            return _place(self._results, key).read_bytes()
        except FileNotFoundError:
            return None

    def record(self, key: Digest, result: bytes) -> None:
        with _appearing(_place(self._results, key)) as writer:
            writer.write(result)
        self._recorded.add(key)


def _place(root: Path, digest: Digest) -> Path:
    return root / digest.sha256[:2] / digest.sha256


@contextmanager
def _appearing(place: Path) -> Iterator[BinaryIO]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".")
    except OSError as error:
        raise _storage_error(place, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as writer:
            yield writer
            writer.flush()
            os.fsync(writer.fileno())
        # Readable to the user inside a container, writable to nobody.
        temporary.chmod(0o444)
        temporary.rename(place)
        _sync_folder(place.parent)
    except OSError as error:
        raise _storage_error(place, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(place: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the store cannot be written: {place.parent}: {error.strerror}",
        hint="free some space, or choose another folder with --cache-dir",
    )

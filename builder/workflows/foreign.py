"""Wheels that somebody else built: seeds, stand-ins for failed builds, and pre-built ones.

They are fetched by digest, examined like any wheel, and kept twice: as they came, for whoever wants
the very file, and in canonical form, for build environments.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag

from builder.domain.builds import Failure, Phase, Wheel
from builder.domain.digests import Digest
from builder.domain.images import TargetPython
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import NoSuchProject, Pin, RemoteFile
from builder.errors import StorageError
from builder.inspect.collect import RefusedOutput
from builder.inspect.wheel import canonicalize
from builder.ports import Index, Store
from builder.resolve.wheel_choice import fitting_wheels
from builder.workflows.packages import ForeignWheel

_FORMAT = "foreign wheel 1"


class ForeignWheels:
    """Takes wheels from an index. Safe from several threads."""

    def __init__(self, index: Index, store: Store, target: TargetPython, scratch: Path) -> None:
        self._index = index
        self._store = store
        self._target = target
        self._scratch = scratch

    def of_release(self, pin: Pin, purpose: str) -> ForeignWheel | Failure:
        """The best wheel that the index has of a release.

        Raises:
            DigestMismatchError: other bytes came than were promised.
            IndexUnreachableError: none came.
        """
        page = self._index.project(pin.name)
        if isinstance(page, NoSuchProject):
            return _none(pin, purpose, "no index knows the project")
        files = page.wheels.get(pin.version, ())
        usable = fitting_wheels(files, self._target.tags)
        if not usable:
            had = f"it has {len(files)} for other targets" if files else "it has none"
            return _none(pin, purpose, had)
        trusted = [file for file in usable if file.digest is not None]
        if not trusted:
            return _none(pin, purpose, "it gives no sha256 for it")
        return self.of_file(pin, trusted[0])

    def of_file(self, pin: Pin, file: RemoteFile, build_number: int = 0) -> ForeignWheel | Failure:
        """A certain wheel, whose digest must be known; its canonical form gets the build tag.

        Raises:
            DigestMismatchError: other bytes came than were promised.
            IndexUnreachableError: none came.
        """
        known = self._known(pin, file, build_number)
        if known is not None:
            return known

        def bring(came: Path) -> None:
            self._index.fetch(file, came, lambda _count: None)

        taken = self._take(pin, file.filename, build_number, bring)
        if isinstance(taken, Failure):
            return taken
        original, wheel = taken
        self._store.record(self._key(original, file, build_number), _to_json(wheel))
        return ForeignWheel(file, wheel)

    def of_folder(self, pin: Pin, path: Path, build_number: int) -> Wheel | Failure:
        """A wheel that lies on this disk, in its canonical form."""

        def bring(came: Path) -> None:
            shutil.copyfile(path, came)

        taken = self._take(pin, path.name, build_number, bring)
        return taken if isinstance(taken, Failure) else taken[1]

    def _take(
        self, pin: Pin, filename: str, build_number: int, bring: Callable[[Path], None]
    ) -> tuple[Digest, Wheel] | Failure:
        """Examines a wheel; its digest as it came, and the canonical form, both in the store."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._scratch, prefix="wheel-"))
        try:
            came = folder / "came.whl"
            bring(came)
            made = canonicalize(came, filename, pin, self._target.tags, build_number, folder)
            original = self._store.put(came)
            digest = self._store.put(folder / made.filename)
        except RefusedOutput as refused:
            return Failure(pin, Phase.INSPECT, f"{filename}, which was not built here: {refused}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return original, Wheel(pin, made.filename, digest, made.metadata)

    @property
    def tags(self) -> frozenset[Tag]:
        return self._target.tags

    def original(self, foreign_digest: Digest) -> Path:
        """The file as it came.

        Raises:
            StorageError: it is gone.
        """
        path = self._store.path(foreign_digest)
        if path is None:
            raise StorageError(f"a wheel of the index vanished from the store: {foreign_digest}")
        return path

    def _known(self, pin: Pin, file: RemoteFile, build_number: int) -> ForeignWheel | None:
        if file.digest is None:
            return None
        recorded = self._store.result(self._key(file.digest, file, build_number))
        if recorded is None or self._store.path(file.digest) is None:
            return None
        wheel = _from_json(recorded, pin)
        if self._store.path(wheel.digest) is None:
            return None
        return ForeignWheel(file, wheel)

    def _key(self, digest: Digest, file: RemoteFile, build_number: int) -> Digest:
        tags = sorted(str(tag) for tag in self._target.tags)
        fields = (_FORMAT, digest.sha256, file.filename, str(build_number), *tags)
        return Digest.of_bytes("\n".join(fields).encode())


def _none(pin: Pin, purpose: str, why: str) -> Failure:
    return Failure(
        pin,
        Phase.FETCH,
        f"the index has no wheel of {pin} that could serve {purpose}: {why}",
        "name another release, or an index that has wheels of it",
    )


def _to_json(wheel: Wheel) -> bytes:
    fields = {
        "filename": wheel.filename,
        "sha256": wheel.digest.sha256,
        "requires": [str(requirement) for requirement in wheel.metadata.requires],
    }
    return json.dumps(fields).encode()


def _from_json(recorded: bytes, pin: Pin) -> Wheel:
    fields = json.loads(recorded)
    requires = tuple(Requirement(text) for text in fields["requires"])
    metadata = ReleaseMetadata(pin, requires, MetadataOrigin.WHEEL)
    return Wheel(pin, fields["filename"], Digest(fields["sha256"]), metadata)

"""From a candidate to a prepared source tree: fetched, checked, unpacked, packed again."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from builder.domain.builds import Failure, Phase
from builder.domain.customization import Preparation
from builder.domain.digests import Digest
from builder.domain.events import Event, Noted, PackageMoved, Stage
from builder.domain.patches import Patch
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import is_provisional, is_repository
from builder.domain.sources import SourceTree
from builder.errors import InputError, StorageError
from builder.fetch.sources import FetchedSource, fetch_source
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.ports import Index, Store
from builder.prepare.task import (
    MAX_ARCHIVE_BYTES,
    PREPARED_ARCHIVE,
    UnusablePatch,
    UnusableSource,
    prepare_task,
    read_answer,
    top_folder,
)
from builder.publish.files import publish_copy
from builder.workflows.logs import appending_to, log_path, tail
from builder.workflows.sandbox import RESULT, Finished, Sandbox, Task, in_words


@dataclass(frozen=True)
class SourceFolders:
    """Where sources are kept for the user, and logs."""

    downloads: Path
    builds: Path
    logs: Path


@dataclass(frozen=True)
class _Fixed:
    """A patch whose bytes can change no more. `name` is what people call it."""

    name: str
    digest: Digest
    path: Path


def _as_it_is(_pin: Pin) -> Preparation:
    return Preparation()


class Sources:
    """Fetches, patches and prepares sources. Safe from several threads."""

    def __init__(
        self,
        index: Index,
        store: Store,
        sandbox: Sandbox,
        folders: SourceFolders,
        hashes: Mapping[NormalizedName, tuple[Digest, ...]],
        notify: Callable[[Event], None],
        preparation: Callable[[Pin], Preparation] = _as_it_is,
    ) -> None:
        self._preparation = preparation
        self._index = index
        self._store = store
        self._sandbox = sandbox
        self._folders = folders
        self._hashes = hashes
        self._notify = notify

    def source(self, candidate: Candidate) -> SourceTree | Failure:
        """Fetches and prepares one candidate; what upstream did wrong is a Failure.

        Raises:
            DigestMismatchError: the archive is not the one that was promised.
            IndexUnreachableError: it cannot be fetched.
            InputError: a patch cannot be read.
            StorageError: there is no place for it.
        """
        pin = candidate.pin
        self._notify(PackageMoved(pin, Stage.FETCHING))
        required = self._hashes.get(pin.name, ())
        fetched = fetch_source(self._index, candidate, self._folders.downloads, required)
        patches = self._fixed(self._wanted_patches(pin))
        try:
            archive, answer = self._prepared(fetched, patches)
            system, metadata = read_answer(answer, pin, _names(patches))
        except (UnusableSource, RefusedOutput) as unusable:
            return self._failure(fetched, unusable)
        stored = self._store.path(archive)
        if stored is not None:
            publish_copy(stored, self._folders.builds / f"{top_folder(pin)}.tar.gz")
        return SourceTree(pin, archive, fetched.digest, fetched.url, system, metadata)

    def _failure(self, fetched: FetchedSource, unusable: ValueError) -> Failure:
        log = log_path(self._folders.logs, fetched.pin)
        shown = tail(log) if log.is_file() else ()
        phase = Phase.PATCH if isinstance(unusable, UnusablePatch) else Phase.PREPARE
        return Failure(
            fetched.pin, phase, f"{fetched.path.name}: {unusable}", log=log, log_tail=shown
        )

    def _wanted_patches(self, pin: Pin) -> tuple[Patch, ...]:
        patches = self._preparation(pin).patches
        for patch in patches.passed_over:
            text = f"{pin}: {patch.name} is not applied: it is for another version"
            self._notify(Noted(text, warning=True))
        return patches.apply

    def _fixed(self, patches: Sequence[Patch]) -> tuple[_Fixed, ...]:
        """What is applied and what the key names are the same bytes, whoever edits the file."""
        return tuple(self._fixed_patch(patch) for patch in patches)

    def _fixed_patch(self, patch: Patch) -> _Fixed:
        try:
            digest = self._store.put(patch.path)
        except OSError as error:
            raise InputError(f"{patch.path}: cannot be read: {error.strerror}") from error
        path = self._store.path(digest)
        if path is None:
            raise StorageError(
                f"{patch.path} changed while it was read", hint="run the same command again"
            )
        return _Fixed(patch.name, digest, path)

    def _prepared(self, fetched: FetchedSource, patches: Sequence[_Fixed]) -> tuple[Digest, bytes]:
        key = self._key(fetched, patches)
        recorded = self._store.result(key)
        if recorded is not None:
            fields = json.loads(recorded)
            archive = Digest(fields["archive"])
            if self._store.path(archive) is not None:
                return archive, fields["answer"].encode()
        self._notify(PackageMoved(fetched.pin, Stage.PREPARING))
        archive, answer = self._prepare(fetched, patches)
        fields = {"archive": archive.sha256, "answer": answer.decode()}
        self._store.record(key, json.dumps(fields).encode())
        return archive, answer

    def _key(self, fetched: FetchedSource, patches: Sequence[_Fixed]) -> Digest:
        fields = ["prepare 2", str(fetched.pin), fetched.digest.sha256, self._sandbox.image]
        fields += [self._sandbox.agent.digest.sha256, *(it.digest.sha256 for it in patches)]
        fields += ["stating release"] * _is_to_state_release(fetched)
        return Digest.of_bytes("\n".join(fields).encode())

    def _prepare(self, fetched: FetchedSource, patches: Sequence[_Fixed]) -> tuple[Digest, bytes]:
        name = "sdist" + "".join(fetched.path.suffixes[-2:])
        files = {f"{n:03}-{it.name.rpartition('/')[2]}": it.path for n, it in enumerate(patches, 1)}
        task = Task(
            name="prepare",
            order=prepare_task(
                fetched.pin, name, tuple(files), stating_release=_is_to_state_release(fetched)
            ),
            inputs={name: fetched.path, **files},
        )
        log = log_path(self._folders.logs, fetched.pin)
        log.unlink(missing_ok=True)
        with appending_to(log) as output, self._sandbox.run(task, output) as finished:
            return self._collect(finished, fetched.pin, patches)

    def _collect(
        self, finished: Finished, pin: Pin, patches: Sequence[_Fixed]
    ) -> tuple[Digest, bytes]:
        if not finished.exit.succeeded:
            raise UnusableSource(f"could not be unpacked: {in_words(finished.exit)}")
        answer = read_small(finished.out, RESULT)
        read_answer(answer, pin, _names(patches))
        collected = finished.out.parent / PREPARED_ARCHIVE
        take(finished.out, PREPARED_ARCHIVE, collected, MAX_ARCHIVE_BYTES)
        return self._store.put(collected), answer


def _is_to_state_release(fetched: FetchedSource) -> bool:
    """Whether backends have to be told what a release's archive says by itself, once that is known.

    Where it is not, what is told would be taken for the answer.
    """
    return is_repository(fetched.url) and not is_provisional(fetched.pin.version)


def _names(patches: Sequence[_Fixed]) -> tuple[str, ...]:
    return tuple(patch.name for patch in patches)

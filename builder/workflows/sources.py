"""From a candidate to a prepared source tree: fetched, checked, unpacked, packed again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from builder.domain.builds import Failure, Phase
from builder.domain.digests import Digest
from builder.domain.events import Event, PackageMoved, Stage
from builder.domain.releases import Candidate, Pin
from builder.domain.sources import SourceTree
from builder.fetch.sources import FetchedSource, fetch_source
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.ports import Index, Store
from builder.prepare.task import (
    MAX_ARCHIVE_BYTES,
    PREPARED_ARCHIVE,
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


class Sources:
    """Fetches and prepares sources. Safe from several threads."""

    def __init__(
        self,
        index: Index,
        store: Store,
        sandbox: Sandbox,
        folders: SourceFolders,
        hashes: Mapping[NormalizedName, tuple[Digest, ...]],
        notify: Callable[[Event], None],
    ) -> None:
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
            StorageError: there is no place for it.
        """
        pin = candidate.pin
        self._notify(PackageMoved(pin, Stage.FETCHING))
        required = self._hashes.get(pin.name, ())
        fetched = fetch_source(self._index, candidate, self._folders.downloads, required)
        try:
            archive, answer = self._prepared(fetched)
            system, metadata = read_answer(answer, pin)
        except (UnusableSource, RefusedOutput) as unusable:
            log = log_path(self._folders.logs, pin)
            shown = tail(log) if log.is_file() else ()
            return Failure(pin, Phase.PREPARE, f"{fetched.path.name}: {unusable}", "", log, shown)
        stored = self._store.path(archive)
        if stored is not None:
            publish_copy(stored, self._folders.builds / f"{top_folder(pin)}.tar.gz")
        return SourceTree(pin, archive, fetched.digest, fetched.url, system, metadata)

    def _prepared(self, fetched: FetchedSource) -> tuple[Digest, bytes]:
        key = self._key(fetched)
        recorded = self._store.result(key)
        if recorded is not None:
            fields = json.loads(recorded)
            archive = Digest(fields["archive"])
            if self._store.path(archive) is not None:
                return archive, fields["answer"].encode()
        self._notify(PackageMoved(fetched.pin, Stage.PREPARING))
        archive, answer = self._prepare(fetched)
        fields = {"archive": archive.sha256, "answer": answer.decode()}
        self._store.record(key, json.dumps(fields).encode())
        return archive, answer

    def _key(self, fetched: FetchedSource) -> Digest:
        fields = ("prepare 1", str(fetched.pin), fetched.digest.sha256, self._sandbox.image)
        return Digest.of_bytes("\n".join([*fields, self._sandbox.agent.digest.sha256]).encode())

    def _prepare(self, fetched: FetchedSource) -> tuple[Digest, bytes]:
        name = "sdist" + "".join(fetched.path.suffixes[-2:])
        task = Task(
            name="prepare",
            order=prepare_task(fetched.pin, name),
            inputs={name: fetched.path},
        )
        log = log_path(self._folders.logs, fetched.pin)
        log.unlink(missing_ok=True)
        with appending_to(log) as output, self._sandbox.run(task, output) as finished:
            return self._collect(finished, fetched.pin)

    def _collect(self, finished: Finished, pin: Pin) -> tuple[Digest, bytes]:
        if not finished.exit.succeeded:
            raise UnusableSource(f"could not be unpacked: {in_words(finished.exit)}")
        answer = read_small(finished.out, RESULT)
        read_answer(answer, pin)
        collected = finished.out.parent / PREPARED_ARCHIVE
        take(finished.out, PREPARED_ARCHIVE, collected, MAX_ARCHIVE_BYTES)
        return self._store.put(collected), answer

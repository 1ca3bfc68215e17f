"""From a candidate to a prepared source tree: fetched, checked, unpacked, packed again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from packaging.utils import NormalizedName

from builder.build.task import fixed_variables
from builder.domain.builds import Failure, Phase
from builder.domain.customization import Preparation
from builder.domain.digests import Digest
from builder.domain.events import Event, Noted, PackageMoved, Stage
from builder.domain.patches import Patch
from builder.domain.releases import Candidate, Pin, Rebuilt
from builder.domain.sources import SourceTree
from builder.errors import EngineError, InputError, StorageError
from builder.fetch.sources import FetchedSource, fetch_source
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.ports import Index, Store
from builder.prepare.crates import UnusableCrates
from builder.prepare.task import (
    MAX_ARCHIVE_BYTES,
    PREPARED_ARCHIVE,
    SOURCE_DATE_EPOCH,
    PreparedSource,
    UnfitSetting,
    UnusablePatch,
    UnusableSource,
    prepare_task,
    read_answer,
    top_folder,
)
from builder.publish.files import publish_copy
from builder.workflows.logs import appending_to, harmless, log_path, tail
from builder.workflows.sandbox import RESULT, Finished, Interior, Sandbox, Task, in_words

_COMPILED_SHOWN = 5


@dataclass(frozen=True)
class SourceFolders:
    """Where sources are kept for the user, and logs."""

    downloads: Path
    builds: Path
    logs: Path


@dataclass(frozen=True)
class CommandRooms:
    """Where the commands of plugins run, when a source is prepared.

    Attributes:
        image: the one that a release is built in; None for the image of the run.
        ready: makes an image ready for upstream code, and sees to it that the sandbox holds there.
    """

    image: Callable[[Pin], str | None]
    ready: Callable[[str], Interior]


@dataclass(frozen=True)
class _Fixed:
    """A patch whose bytes can change no more, under its name below /in."""

    name: str
    digest: Digest
    path: Path


@dataclass(frozen=True)
class _Work:
    """What is done to one source."""

    fetched: FetchedSource
    preparation: Preparation
    patches: tuple[_Fixed, ...]

    @property
    def laid_down(self) -> Digest:
        """Names what is done to which source, on whatever host and in whatever image."""
        order = {name: it for name, it in self.order.items() if name not in ("archive", "epoch")}
        fields = [self.fetched.digest.sha256, json.dumps(order, sort_keys=True)]
        fields += [repr(self.preparation.vendoring), *(it.digest.sha256 for it in self.patches)]
        return Digest.of_bytes("\n".join(fields).encode())

    @property
    def pin(self) -> Pin:
        return self.fetched.pin

    @property
    def archive(self) -> str:
        """The name of the source archive below /in."""
        return "sdist" + "".join(self.fetched.path.suffixes[-2:])

    @property
    def order(self) -> dict[str, object]:
        names = [patch.name for patch in self.patches]
        return prepare_task(self.pin, self.archive, self.preparation, names)


def _as_it_is(_pin: Pin) -> Preparation:
    return Preparation()


WithCrates = Callable[[Pin, Digest, str | None, Preparation], Digest | None]
"""From a prepared source and its pyproject.toml to the same with its crates; None for no Rust."""


def _no_rust(_pin: Pin, _archive: Digest, _pyproject: str | None, _as: Preparation) -> None:
    return None


class Sources:
    """Fetches, patches and prepares sources. Safe from several threads."""

    def __init__(  # noqa: PLR0913 - each is one thing that sources need
        self,
        index: Index,
        store: Store,
        sandbox: Sandbox,
        folders: SourceFolders,
        hashes: Mapping[NormalizedName, tuple[Digest, ...]],
        notify: Callable[[Event], None],
        preparation: Callable[[Pin], Preparation] = _as_it_is,
        *,
        rooms: CommandRooms | None = None,
        with_crates: WithCrates = _no_rust,
    ) -> None:
        """Takes what is prepared, where, and how.

        Args:
            index: where archives are fetched from.
            store: where results are kept.
            sandbox: where sources are prepared.
            folders: where the user finds them.
            hashes: what the user allows archives to be.
            notify: hears of what happens.
            preparation: how a release's source is prepared.
            rooms: where a plugin's commands run; without it, nowhere.
            with_crates: brings the crates of Rust projects along.
        """
        self._rooms = rooms
        self._with_crates = with_crates
        self._preparation = preparation
        self._index = index
        self._store = store
        self._sandbox = sandbox
        self._folders = folders
        self._hashes = hashes
        self._notify = notify
        self._lock = Lock()
        self._busy: dict[Pin, Lock] = {}
        self._seen: dict[Pin, set[str]] = {}

    def came_from_several_places(self, pin: Pin) -> bool:
        """Whether the files that are kept of a release may be those of another one of its name."""
        return len(self._seen.get(pin, ())) > 1

    def source(self, candidate: Candidate) -> SourceTree | Failure:
        """Fetches and prepares one candidate; what upstream did wrong is a Failure.

        A commit and a release of an index may have one name, and so one file: each in its turn.

        Raises:
            DigestMismatchError: the archive is not the one that was promised.
            IndexUnreachableError: it cannot be fetched.
            InputError: a patch cannot be read.
            StorageError: there is no place for it.
        """
        pin = candidate.pin
        with self._lock:
            self._seen.setdefault(pin, set()).add(candidate.source)
            busy = self._busy.setdefault(pin, Lock())
        with busy:
            return self._source(candidate)

    def _source(self, candidate: Candidate) -> SourceTree | Failure:
        pin = candidate.pin
        self._notify(PackageMoved(pin, Stage.FETCHING))
        kept = self._kept(candidate)
        if kept is not None:
            return self._made(*kept)
        required = self._hashes.get(pin.name, ())
        fetched = fetch_source(self._index, candidate, self._folders.downloads, required)
        work = self._work(fetched)
        return self._made(work, work)

    def _kept(self, candidate: Candidate) -> tuple[_Work, _Work] | None:
        """What an earlier run left of a source, if that was prepared as it would be now.

        Gives what was done to the source, and what is left to do to what was kept.
        """
        pin, known, promised = candidate.pin, candidate.rebuilt, candidate.sdist.digest
        path = self._folders.builds / f"{top_folder(pin)}.tar.gz"
        if known is None or promised is None or pin.name in self._hashes:
            return None
        if path.is_symlink() or not path.is_file() or self._store.put(path) != known.archive:
            return None
        stored = self._store.path(known.archive)
        fetched = FetchedSource(pin, path, promised, candidate.sdist.url, reused=True)
        work = self._work(fetched)
        if stored is None or work.laid_down != known.laid_down:
            return None
        fetched = replace(fetched, path=stored, digest=known.archive)
        return work, _Work(fetched, Preparation(build_dir=work.preparation.build_dir), ())

    def _made(self, work: _Work, left: _Work) -> SourceTree | Failure:
        """A prepared source.

        Args:
            work: what is done to the source as it was released.
            left: what of it is left to be done, and to what.
        """
        pin = work.pin
        try:
            if left.preparation.vendoring.before_patches:
                vendored, left = self._on_crates(left)
                archive, answer = self._prepared(left)
            else:
                archive, answer = self._prepared(left)
                vendored = self._vendored(work, archive, answer)
                archive = vendored or archive
            found = read_answer(answer, pin, work.preparation)
        except (UnusableSource, RefusedOutput) as unusable:
            return self._failure(work.fetched, unusable)
        self._tell_compiled(pin, found)
        stored = self._store.path(archive)
        if stored is not None:
            publish_copy(stored, self._folders.builds / f"{top_folder(pin)}.tar.gz")
        return SourceTree(
            pin,
            archive,
            work.fetched.digest,
            work.fetched.url,
            found.build_system,
            found.metadata,
            None if vendored is None else Rebuilt(archive, work.laid_down),
        )

    def _on_crates(self, work: _Work) -> tuple[Digest | None, _Work]:
        """The same work on a source that has its crates: so patches can change them."""
        plain = _Work(work.fetched, Preparation(build_dir=work.preparation.build_dir), ())
        archive = self._vendored(work, *self._prepared(plain))
        if archive is None:
            return None, work
        path = self._store.path(archive)
        if path is None:
            raise StorageError(
                f"the source of {work.pin} changed while it was read",
                hint="run the same command again",
            )
        return archive, replace(work, fetched=replace(work.fetched, path=path, digest=archive))

    def _vendored(self, work: _Work, archive: Digest, answer: bytes) -> Digest | None:
        pyproject = json.loads(answer)["pyproject"]
        return self._with_crates(work.pin, archive, pyproject, work.preparation)

    def _failure(self, fetched: FetchedSource, unusable: ValueError) -> Failure:
        log = log_path(self._folders.logs, fetched.pin)
        shown = tail(log) if log.is_file() else ()
        phase = Phase.PATCH if isinstance(unusable, UnusablePatch) else Phase.PREPARE
        hint = ""
        if isinstance(unusable, UnfitSetting):
            hint = f"change it in the settings of {fetched.pin.name}, or for this version of it"
        if isinstance(unusable, UnusableCrates):
            hint = unusable.hint
        reason = harmless(f"{fetched.path.name}: {unusable}")
        return Failure(fetched.pin, phase, reason, hint, log=log, log_tail=shown)

    def _work(self, fetched: FetchedSource) -> _Work:
        preparation = self._preparation(fetched.pin)
        for patch in preparation.patches.passed_over:
            text = f"{fetched.pin}: {patch.name} is not applied: it is for {patch.version}"
            self._notify(Noted(text, warning=True))
        fixed = (self._fixed(number, it) for number, it in enumerate(preparation.patches.apply, 1))
        return _Work(fetched, preparation, tuple(fixed))

    def _fixed(self, number: int, patch: Patch) -> _Fixed:
        """What is applied and what the key names are the same bytes, whoever edits the file."""
        try:
            digest = self._store.put(patch.path)
        except OSError as error:
            raise InputError(f"{patch.path}: cannot be read: {error.strerror}") from error
        path = self._store.path(digest)
        if path is None:
            raise StorageError(
                f"{patch.path} changed while it was read", hint="run the same command again"
            )
        return _Fixed(f"{number:03}-{patch.path.name}", digest, path)

    def _tell_compiled(self, pin: Pin, found: PreparedSource) -> None:
        if not found.compiled:
            return
        names = ", ".join(harmless(name) for name in found.compiled[:_COMPILED_SHOWN])
        more = found.compiled_count - _COMPILED_SHOWN
        names += f" and {more} more" if more > 0 else ""
        self._notify(Noted(f"{pin}: its source holds compiled files: {names}", warning=True))

    def _prepared(self, work: _Work) -> tuple[Digest, bytes]:
        key = self._key(work)
        recorded = self._store.result(key)
        if recorded is not None:
            fields = json.loads(recorded)
            archive = Digest(fields["archive"])
            if self._store.path(archive) is not None:
                return archive, fields["answer"].encode()
        self._notify(PackageMoved(work.pin, Stage.PREPARING))
        archive, answer = self._prepare(work)
        fields = {"archive": archive.sha256, "answer": answer.decode()}
        self._store.record(key, json.dumps(fields).encode())
        return archive, answer

    def _key(self, work: _Work) -> Digest:
        """Everything that the prepared source comes from."""
        fields = ["prepare 3", str(work.pin), work.fetched.digest.sha256, self._image(work)]
        fields += [self._sandbox.agent.digest.sha256, *(it.digest.sha256 for it in work.patches)]
        fields += [json.dumps(work.order, sort_keys=True)]
        return Digest.of_bytes("\n".join(fields).encode())

    def _prepare(self, work: _Work) -> tuple[Digest, bytes]:
        files = {patch.name: patch.path for patch in work.patches}
        inputs = {work.archive: work.fetched.path, **files}
        task = Task(name="prepare", order=work.order, inputs=inputs)
        if work.preparation.instructions:
            variables = fixed_variables(SOURCE_DATE_EPOCH)
            interior = self._commands_in.ready(self._image(work))
            task = replace(task, variables=variables, interior=interior)
        log = log_path(self._folders.logs, work.pin)
        log.unlink(missing_ok=True)
        with appending_to(log) as output, self._sandbox.run(task, output) as finished:
            return self._collect(finished, work)

    def _image(self, work: _Work) -> str:
        """Only where commands run does it matter what a package is built in."""
        usual = self._sandbox.image
        if not work.preparation.instructions:
            return usual
        return self._commands_in.image(work.pin) or usual

    @property
    def _commands_in(self) -> CommandRooms:
        if self._rooms is None:
            raise EngineError("commands of plugins run nowhere here")
        return self._rooms

    def _collect(self, finished: Finished, work: _Work) -> tuple[Digest, bytes]:
        if not finished.exit.succeeded:
            raise UnusableSource(f"could not be unpacked: {in_words(finished.exit)}")
        answer = read_small(finished.out, RESULT)
        read_answer(answer, work.pin, work.preparation)
        collected = finished.out.parent / PREPARED_ARCHIVE
        take(finished.out, PREPARED_ARCHIVE, collected, MAX_ARCHIVE_BYTES)
        return self._store.put(collected), answer

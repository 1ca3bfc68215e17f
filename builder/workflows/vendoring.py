"""From a prepared Rust source to one that holds its crates: looked at, fetched, checked, packed.

Only the fetching has a network, and only cargo runs there. What it brings is held to the lock in a
container without one. A source that has its crates already is held to its lock in the same way.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from builder.domain.containers import GIB, Limits, Network
from builder.domain.customization import Preparation
from builder.domain.digests import Digest
from builder.domain.events import Event, Noted
from builder.domain.releases import Pin
from builder.inspect.collect import read_small, take
from builder.ports import Store
from builder.prepare.cargo_configuration import (
    BUNDLE,
    CargoAccess,
    fetching_variables,
    is_offline,
    names_sources,
    offline_configuration,
)
from builder.prepare.crates import (
    FOLDER,
    OTHER_FOLDER,
    Crate,
    Fetched,
    Manifests,
    Settled,
    Surveyed,
    UnusableCrates,
    crates_of,
    is_laid,
    read_fetched,
    read_settled,
    read_survey,
    wanted_manifests,
)
from builder.prepare.task import (
    MAX_ARCHIVE_BYTES,
    PREPARED_ARCHIVE,
    SOURCE_DATE_EPOCH,
    top_folder,
)
from builder.workflows.logs import appending_to, harmless, log_path
from builder.workflows.sandbox import RESULT, Finished, Interior, Sandbox, Task, in_words
from builder.workflows.stored import stored

_Read = TypeVar("_Read")

_CRATES = "crates.tar.gz"
_CONFIG = ".cargo/config.toml"
_PATHS = (("PATH", "/usr/local/bin:/usr/bin:/bin"), ("CARGO_HOME", "/tmp/cargo"))  # noqa: S108
_LIMITS = Limits(memory_bytes=4 * GIB, processes=256, wall_seconds=1800.0)
_SHOWN = 5


@dataclass(frozen=True)
class _Project:
    """A prepared source of Rust, and what is known of it."""

    pin: Pin
    archive: Digest
    path: Path
    preparation: Preparation
    manifests: Manifests
    interior: Interior | None

    @property
    def order(self) -> dict[str, object]:
        return {
            "build_dir": self.preparation.build_dir,
            "top": top_folder(self.pin),
            "epoch": SOURCE_DATE_EPOCH,
        }


@dataclass(frozen=True)
class _Laid:
    """What the crates of a source are to be.

    Attributes:
        files: what is written beside them, by path below the source's top.
        fetched: the archive of those that were fetched; None where the source has them.
    """

    crates: tuple[Crate, ...]
    folder: str
    files: Mapping[str, str]
    fetched: Path | None = None


class CrateVendor:
    """Brings the crates of Rust projects along. Safe from several threads."""

    def __init__(
        self,
        store: Store,
        sandbox: Sandbox,
        logs: Path,
        access: Callable[[], CargoAccess],
        notify: Callable[[Event], None],
        interior: Callable[[Pin], Interior | None] = lambda _pin: None,
    ) -> None:
        """Takes what crates are fetched with.

        Args:
            store: where results are kept.
            sandbox: where everything is done.
            logs: the folder of them.
            access: how cargo reaches registries from here.
            notify: hears of what happens.
            interior: the image whose cargo a release is for; None for that of the run.
        """
        self._interior = interior
        self._store = store
        self._sandbox = sandbox
        self._logs = logs
        self._access = access
        self._notify = notify

    def with_crates(
        self, pin: Pin, archive: Digest, pyproject: str | None, preparation: Preparation
    ) -> Digest | None:
        """A source with its crates; None where the project is not of Rust.

        Args:
            pin: the release.
            archive: of the prepared source.
            pyproject: the text of its pyproject.toml.
            preparation: what is laid down for it.

        Raises:
            InputError: the operator's own configuration of cargo cannot be used.
            StorageError: the disk is full, or the store lost the source.
            UnusableCrates: its crates cannot be had, or are not those of its lock.
            UnusableSource: its pyproject.toml cannot be used.
        """
        manifests = wanted_manifests(pyproject, preparation.vendoring)
        if manifests is None:
            return None
        interior = self._interior(pin)
        image = self._sandbox.image if interior is None else interior.image
        key = self._key(pin, archive, preparation, manifests, image)
        recorded = self._store.result(key)
        if recorded is not None:
            found = Digest(json.loads(recorded)["archive"])
            if self._store.path(found) is not None:
                return found
        path = stored(self._store, archive, f"the prepared source of {pin}", "prepared")
        project = _Project(pin, archive, path, preparation, manifests, interior)
        found = self._vendored(project)
        self._store.record(key, json.dumps({"archive": found.sha256}).encode())
        return found

    def _key(
        self,
        pin: Pin,
        archive: Digest,
        preparation: Preparation,
        manifests: Manifests,
        image: str,
    ) -> Digest:
        fields = ["crates 1", str(pin), archive.sha256, image]
        fields += [self._sandbox.agent.digest.sha256, preparation.build_dir]
        fields += [str(preparation.vendoring.resolve_without_lock), repr(manifests)]
        return Digest.of_bytes("\n".join(fields).encode())

    def _vendored(self, project: _Project) -> Digest:
        survey = self._survey(project)
        if not survey.manifests:
            text = f"{project.pin}: its build requires Rust, and it has no Cargo.toml where usual"
            self._notify(Noted(f"{text}: no crates are fetched", warning=True))
            return project.archive
        locks = {path: text for path, text in survey.locks.items() if text is not None}
        crates = crates_of(locks)
        has_locks = len(locks) == len(survey.locks)
        for folder, found in survey.vendor.items():
            laid = has_locks and is_laid(crates, found.crates)
            if laid and is_offline(survey.config, crates, folder):
                return self._settle(project, _Laid(crates, folder, {}))
        if not has_locks and not project.preparation.vendoring.resolve_without_lock:
            missing = sorted(path for path, text in survey.locks.items() if text is None)
            raise UnusableCrates(
                f"it has no {missing[0]}, which would say what its crates are",
                "add a patch that brings one, or let cargo choose them with "
                f"`rust: {{resolve_without_lock: true}}` in the settings of {project.pin.name}",
            )
        return self._fetched(project, survey, locked=has_locks)

    def _survey(self, project: _Project) -> Surveyed:
        order: dict[str, object] = {
            "action": "survey crates",
            "named": list(project.manifests.named),
            "usual": list(project.manifests.usual),
        }
        task = Task(
            "survey-crates",
            {**order, **project.order},
            _inputs(project),
            variables=_PATHS,
            interior=project.interior,
        )
        return self._run(project.pin, task, lambda done: read_survey(_answer(done)))

    def _fetched(self, project: _Project, survey: Surveyed, *, locked: bool) -> Digest:
        access = self._access()
        order: dict[str, object] = {
            "action": "fetch crates",
            "manifests": survey.manifests,
            "locks": list(survey.locks),
            "locked": locked,
            "config": access.configuration,
        }
        inputs = _inputs(project)
        if access.bundle is not None:
            inputs[BUNDLE] = access.bundle
        task = Task(
            "fetch-crates",
            {**order, **project.order},
            inputs,
            variables=fetching_variables(access),
            limits=_LIMITS,
            interior=project.interior,
            network=Network.HOST,
        )
        self._notify(Noted(f"{project.pin}: fetching its crates"))
        return self._run(project.pin, task, lambda done: self._took(project, survey, done))

    def _took(self, project: _Project, survey: Surveyed, done: Finished) -> Digest:
        fetched = read_fetched(_answer(done))
        collected = done.out.parent / _CRATES
        take(done.out, _CRATES, collected, MAX_ARCHIVE_BYTES)
        files = _new_locks(survey, fetched)
        locks = {path: text for path, text in {**survey.locks, **files}.items() if text is not None}
        crates = crates_of(locks)
        folder = OTHER_FOLDER if survey.vendor[FOLDER].state == "other" else FOLDER
        config = offline_configuration(fetched.config, crates, survey.config, folder)
        build_dir = project.preparation.build_dir
        files[f"{build_dir}/{_CONFIG}" if build_dir else _CONFIG] = config
        if names_sources(survey.config):
            text = f"{project.pin}: [source] of its own {_CONFIG} gives way to its crates"
            self._notify(Noted(text, warning=True))
        return self._settle(project, _Laid(crates, folder, files, collected))

    def _settle(self, project: _Project, laid: _Laid) -> Digest:
        order: dict[str, object] = {
            "action": "settle crates",
            "crates": [
                {"name": it.name, "version": it.version, "checksum": it.checksum}
                for it in laid.crates
            ],
            "folder": laid.folder,
            "files": dict(laid.files),
            "fetched": laid.fetched is not None,
        }
        inputs = _inputs(project)
        if laid.fetched is not None:
            inputs[_CRATES] = laid.fetched
        task = Task("settle-crates", {**order, **project.order}, inputs)
        return self._run(project.pin, task, lambda done: self._packed(project.pin, done))

    def _packed(self, pin: Pin, done: Finished) -> Digest:
        settled = read_settled(_answer(done))
        self._tell(pin, settled)
        collected = done.out.parent / PREPARED_ARCHIVE
        take(done.out, PREPARED_ARCHIVE, collected, MAX_ARCHIVE_BYTES)
        return self._store.put(collected)

    def _tell(self, pin: Pin, settled: Settled) -> None:
        if settled.emptied:
            text = f"{pin}: compiled libraries of its crates were emptied: "
            self._notify(Noted(text + _listed(settled.emptied, len(settled.emptied))))
        if settled.changed:
            text = f"{pin}: files of its crates are not as they were released: "
            listed = _listed(settled.changed, len(settled.changed))
            self._notify(Noted(text + listed, warning=True))
        if settled.compiled:
            text = f"{pin}: its crates hold compiled files: "
            listed = _listed(settled.compiled, settled.compiled_count)
            self._notify(Noted(text + listed, warning=True))

    def _run(self, pin: Pin, task: Task, read: Callable[[Finished], _Read]) -> _Read:
        with (
            appending_to(log_path(self._logs, pin)) as output,
            self._sandbox.run(task, output) as finished,
        ):
            return read(finished)


def _inputs(project: _Project) -> dict[str, Path]:
    return {PREPARED_ARCHIVE: project.path}


def _answer(finished: Finished) -> bytes:
    if not finished.exit.succeeded:
        raise UnusableCrates(f"its crates cannot be had: {in_words(finished.exit)}")
    return read_small(finished.out, RESULT)


def _new_locks(survey: Surveyed, fetched: Fetched) -> dict[str, str]:
    """The locks that cargo made because there were none."""
    made = {}
    for path, text in survey.locks.items():
        new = fetched.locks.get(path)
        if text is None:
            if new is None:
                raise UnusableCrates(f"cargo made no {path}")
            made[path] = new
    return made


def _listed(names: list[str], count: int) -> str:
    shown = ", ".join(harmless(name) for name in names[:_SHOWN])
    more = count - _SHOWN
    return shown + (f" and {more} more" if more > 0 else "")

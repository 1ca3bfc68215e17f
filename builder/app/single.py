"""One package at a time: built with the wheels that are on hand, whole or step by step."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from builder.app.decisions import Decisions
from builder.app.locked_world import FOLDERS, LockedWorld
from builder.app.overrides import load_overrides
from builder.app.requested import open_index
from builder.app.settings import Settings
from builder.app.sourcing import Sourcing
from builder.app.workshop import Notify, open_workshop
from builder.app.world import Place, full_disk
from builder.domain.builds import Failure
from builder.domain.digests import Digest
from builder.domain.graph import GraphNode
from builder.domain.releases import Candidate, NoSuchProject, Pin
from builder.domain.sources import SourceTree
from builder.errors import ImpossibleError, InputError
from builder.fetch.sources import fetch_source
from builder.indexes.simple import SimpleIndex
from builder.ports import Index
from builder.prepare.task import top_folder
from builder.publish.files import publish_copy, publish_text
from builder.workflows.locked import LockedBuild
from builder.workflows.locks import LockBuilt, LockRequest
from builder.workflows.packages import Package
from builder.workflows.stored import stored


@dataclass(frozen=True)
class Single:
    """How one package ended.

    Attributes:
        wheel: where its wheel is; None where it failed, or was not built.
    """

    result: LockBuilt
    wheel: Path | None = None


def release(name: str, version: str) -> Pin:
    """The release that a command line names.

    Raises:
        InputError: it is none.
    """
    try:
        return Pin(canonicalize_name(name, validate=True), Version(version))
    except (InvalidVersion, ValueError) as error:
        raise InputError(f"{name} {version} names no release: {error}") from error


def download(settings: Settings, pin: Pin, notify: Notify) -> Path:
    """Fetches a release's source archive into sdists-repo/downloads.

    Raises:
        ImpossibleError: there is no such release.
        BuilderError: it cannot be had.
    """
    overrides = load_overrides(settings, notify)
    index = open_index(settings, overrides)
    with full_disk():
        decisions = Decisions(overrides.decisions, overrides.variant)
        candidate = _candidate(index, Sourcing(settings, overrides, notify), decisions, pin)
        fetched = fetch_source(index, candidate, settings.sdists_repo / "downloads")
        _write_meta(settings, _node(candidate), fetched.path)
    return fetched.path


def prepare(settings: Settings, pin: Pin, notify: Notify, stop: Event) -> SourceTree | Failure:
    """Unpacks, patches and packs a downloaded source again, in a container."""
    node = _downloaded(settings, pin)
    overrides = load_overrides(settings, notify)
    index = open_index(settings, overrides)
    with open_workshop(settings, stop, notify) as shop:
        world = LockedWorld(Place(settings, index, shop, overrides, notify), force=True)
        return world.locked_source(node)


def prepared_archive(settings: Settings, pin: Pin) -> Path:
    """Where the rebuilt sdist of a release lies."""
    return settings.sdists_repo / "builds" / f"{top_folder(pin)}.tar.gz"


def plan_one(settings: Settings, pin: Pin, notify: Notify, stop: Event) -> Single:
    """Finds out what a downloaded source's build needs, and whether it is on hand.

    Leaves `build-system-requirements.txt` and `build-backend-requirements.txt` in the package's
    own work folder.
    """
    node = _downloaded(settings, pin)
    result = _run(settings, node, notify, stop, plan_only=True)
    package = result.packages.get(pin)
    if package is not None and package.recipe is not None:
        folder = settings.work_dir / top_folder(pin)
        with full_disk():
            for kind, words in (
                ("system", package.recipe.system),
                ("backend", package.recipe.backend),
            ):
                text = "".join(f"{word}\n" for word in words)
                publish_text(text, folder / f"build-{kind}-requirements.txt")
    return Single(result)


def build_downloaded(settings: Settings, pin: Pin, notify: Notify, stop: Event) -> Single:
    """Builds a downloaded source, and leaves the wheel in wheels-repo/build."""
    return _build(settings, _downloaded(settings, pin), notify, stop, "build")


def build_one(settings: Settings, pin: Pin, notify: Notify, stop: Event) -> Single:
    """Builds a release from the index, and publishes its wheel."""
    overrides = load_overrides(settings, lambda _told_later: None)
    with full_disk():
        sourcing = Sourcing(settings, overrides, notify)
        decisions = Decisions(overrides.decisions, overrides.variant)
        candidate = _candidate(open_index(settings, overrides), sourcing, decisions, pin)
    return _build(settings, _node(candidate), notify, stop, "downloads")


class _SingleWorld(LockedWorld):
    """A world where finished wheels of wheels-repo and of wheel servers are on hand."""

    def __init__(self, place: Place, wanted: Pin, folder: str) -> None:
        super().__init__(place, force=False)
        self._wanted = wanted
        self._folder = folder
        self._servers = (
            SimpleIndex(place.settings.wheel_server_urls)
            if place.settings.wheel_server_urls
            else None
        )

    def finished(self, node: GraphNode) -> Package | Failure | None:
        """Whatever is on hand, but for the package itself: that one is always built."""
        return None if node.pin == self._wanted else super().finished(node)

    def offered(self, name: NormalizedName) -> tuple[GraphNode, ...]:
        """The wheels of a project on this disk, then those of the servers."""
        found = {node.pin: node for node in self._on_servers(name)}
        found |= {node.pin: node for node in self._on_disk(name)}
        return tuple(found[pin] for pin in sorted(found) if pin != self._wanted)

    def publish(self, package: Package) -> None:
        """Only the package itself: what was on hand is where it was."""
        if package.pin == self._wanted:
            super().publish(package)

    def _visible(self, package: Package) -> Path | None:
        if self._folder == "downloads" or package.wheel is None:
            return super()._visible(package)
        target = self._settings.wheels_repo / self._folder / package.wheel.filename
        publish_copy(stored(self._store, package.wheel.digest, package.wheel.filename), target)
        return target

    def _on_disk(self, name: NormalizedName) -> Iterator[GraphNode]:
        for folder in FOLDERS:
            for path in sorted((self._settings.wheels_repo / folder).glob("*.whl")):
                pin = _wheel_pin(path.name)
                if pin is not None and pin.name == name:
                    yield GraphNode(pin, "", wheel_filename=path.name, wheel=Digest.of_file(path))

    def _on_servers(self, name: NormalizedName) -> Iterator[GraphNode]:
        page = self._servers.project(name) if self._servers is not None else None
        if page is None or isinstance(page, NoSuchProject):
            return
        for version, files in page.wheels.items():
            for file in files:
                if file.digest is not None:
                    yield GraphNode(
                        Pin(name, version), "", wheel_filename=file.filename, wheel=file.digest
                    )


def _build(settings: Settings, node: GraphNode, notify: Notify, stop: Event, folder: str) -> Single:
    result = _run(settings, node, notify, stop, folder=folder)
    package = result.packages.get(node.pin)
    if package is None or package.wheel is None:
        return Single(result)
    return Single(result, settings.wheels_repo / folder / package.wheel.filename)


def _run(
    settings: Settings,
    node: GraphNode,
    notify: Notify,
    stop: Event,
    *,
    folder: str = "downloads",
    plan_only: bool = False,
) -> LockBuilt:
    overrides = load_overrides(settings, notify)
    index = open_index(settings, overrides)
    with open_workshop(settings, stop, notify) as shop:
        place = Place(settings, index, shop, overrides, notify)
        world = _SingleWorld(place, node.pin, folder)
        request = LockRequest(
            {node.pin: node},
            {},
            (node.pin,),
            shop.target,
            shop.sandbox.image,
            shop.sandbox.agent.digest,
            world.budget,
            plan_only=plan_only,
        )
        return LockedBuild(request, world, world, stop).run()


def _candidate(index: Index, sourcing: Sourcing, decisions: Decisions, pin: Pin) -> Candidate:
    page = sourcing.page(index.project(pin.name))
    if isinstance(page, NoSuchProject):
        raise ImpossibleError(
            f"no index knows a project named {pin.name}", hint="check the name and the index's URL"
        )
    for candidate in page.candidates:
        if candidate.pin == pin:
            settled = sourcing.settled(decisions.located(candidate))
            if isinstance(settled, Failure):
                raise ImpossibleError(f"{pin}: {settled.reason}", hint=settled.hint)
            return settled
    raise ImpossibleError(
        f"the index has no source archive of {pin}{''.join(f'; {it}' for it in page.notes[:3])}",
        hint=f"`builder package list-versions {pin.name}` shows what it has",
    )


def _node(candidate: Candidate) -> GraphNode:
    """A release as a lock has it, to be built from."""
    file = candidate.sdist
    return GraphNode(candidate.pin, file.url, file.digest, by_settings=candidate.by_settings)


def _downloaded(settings: Settings, pin: Pin) -> GraphNode:
    """The release as it was downloaded before, with the digest that was checked then."""
    meta = _meta_path(settings, pin)
    try:
        fields = json.loads(meta.read_text())
        return GraphNode(pin, fields["source-url"], Digest(fields["source-sha256"]))
    except FileNotFoundError:
        return _found(settings, pin)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{meta} is not what `step download-source-archive` leaves: {error}",
            hint="run that step again",
        ) from error


def _found(settings: Settings, pin: Pin) -> GraphNode:
    """A release whose archive somebody else put into sdists-repo/downloads."""
    folder = settings.sdists_repo / "downloads"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _sdist_pin(path.name) == pin and path.is_file() and not path.is_symlink():
            return GraphNode(pin, path.absolute().as_uri(), Digest.of_file(path))
    raise InputError(
        f"there is no source archive of {pin} in {folder}",
        hint=f"builder step download-source-archive {pin.name} {pin.version}",
    )


def _write_meta(settings: Settings, node: GraphNode, path: Path) -> None:
    fields = {
        "req": str(node.pin),
        "source-filename": str(path.absolute()),
        "version": str(node.pin.version),
        "source-url": node.source_url,
        "source-sha256": node.source.sha256 if node.source is not None else "",
    }
    publish_text(json.dumps(fields, indent=2) + "\n", _meta_path(settings, node.pin))


def _meta_path(settings: Settings, pin: Pin) -> Path:
    return settings.work_dir / top_folder(pin) / "build-meta.json"


def _sdist_pin(filename: str) -> Pin | None:
    try:
        return Pin(*parse_sdist_filename(filename))
    except InvalidSdistFilename:
        return None


def _wheel_pin(filename: str) -> Pin | None:
    try:
        return Pin(*parse_wheel_filename(filename)[:2])
    except InvalidWheelFilename:
        return None

"""Wires one bootstrap run together."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from packaging.utils import NormalizedName, canonicalize_name

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.app.workshop import Notify, Workshop, open_workshop
from builder.domain.builds import BuildOutcome, BuildSpec, BuildSucceeded, Failure, Wheel
from builder.domain.core_metadata import UnusableMetadataError, from_core_metadata
from builder.domain.digests import Digest
from builder.domain.events import Noted, PackageFailed, PackageMoved, Stage
from builder.domain.graph import DependencyGraph
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.domain.sources import SourceTree
from builder.errors import InputError, StorageError
from builder.indexes.documents import read_document
from builder.indexes.simple import DEFAULT_INDEX_URL, SimpleIndex
from builder.ports import Index
from builder.publish.files import publish_text
from builder.publish.wheels import WheelsRepository
from builder.record.files import build_order_json, constraints_text, graph_json
from builder.resolve.closure import Asked
from builder.resolve.constraints import merge_constraints
from builder.resolve.requirements_file import (
    ParsedRequirements,
    parse_requirement,
    read_requirements,
)
from builder.workflows.bootstrap import Bootstrap, Bootstrapped, Request
from builder.workflows.builds import BuildRules, Builds
from builder.workflows.environments import Environments
from builder.workflows.posture import Posture
from builder.workflows.sources import SourceFolders, Sources


@dataclass(frozen=True)
class Wanted:
    """What a bootstrap is asked for: command line, requirements files, constraints files."""

    requirements: tuple[str, ...]
    files: tuple[str, ...]
    constraint_files: tuple[str, ...]


def bootstrap(settings: Settings, wanted: Wanted, notify: Notify, stop: Event) -> Bootstrapped:
    """Rebuilds everything that is wanted, and writes the files that describe it.

    Raises:
        BuilderError: it could not be done at all; failed builds are in the result instead.
    """
    parsed = _read(wanted, settings.variables)
    asked = _asked(wanted, parsed)
    index = SimpleIndex(_index_urls(settings, parsed))
    catalogue = image_catalogue(settings)
    image = catalogue.open(settings.image_name)
    interpreter = catalogue.recipe(settings.image_name).python
    with open_workshop(settings, image, interpreter, stop, notify) as shop:
        request = Request(
            asked=asked,
            constraints=merge_constraints(parsed.constraints, shop.target.markers),
            target=shop.target,
            image=shop.sandbox.image,
            sandbox=shop.sandbox.agent.digest,
            workers=settings.workers,
        )
        hashes = _hashes(parsed)
        world = _World(settings, index, shop, hashes, notify)
        result = Bootstrap(request, world, world, stop).run()
    if result.graph is not None and not result.failures:
        _write_records(settings.work_dir, result.graph, result)
    return result


class _World:
    """The effects of a bootstrap, each of them one call of a stage's workflow; and its watcher."""

    def __init__(
        self,
        settings: Settings,
        index: Index,
        shop: Workshop,
        hashes: Mapping[NormalizedName, tuple[Digest, ...]],
        notify: Notify,
    ) -> None:
        logs = settings.work_dir / "logs"
        sdists = settings.sdists_repo
        folders = SourceFolders(sdists / "downloads", sdists / "builds", logs)
        environments = Environments(settings.cache, shop.store, shop.sandbox, shop.target)
        rules = BuildRules(logs, settings.jobs, settings.limits)
        self._index = index
        self._store = shop.store
        self._notify = notify
        self._sources = Sources(index, shop.store, shop.sandbox, folders, hashes, notify)
        self._builds = Builds(
            shop.store,
            shop.sandbox,
            environments,
            Posture(shop.sandbox),
            shop.target,
            rules,
            notify,
        )
        self._wheels = WheelsRepository(settings.wheels_repo)

    def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        return self._index.project(name)

    def index_metadata(self, candidate: Candidate) -> ReleaseMetadata | None:
        for wheel in candidate.wheels:
            if wheel.metadata_digest is None:
                continue
            try:
                text = self._index.metadata(wheel)
                return from_core_metadata(text, candidate.pin, MetadataOrigin.INDEX)
            except UnusableMetadataError as error:
                self._notify(Noted(f"{wheel.filename}: unusable metadata: {error}", warning=True))
        return None

    def source(self, candidate: Candidate) -> SourceTree | Failure:
        with _full_disk():
            return self._sources.source(candidate)

    def build(self, spec: BuildSpec) -> BuildOutcome:
        with _full_disk():
            outcome = self._builds.build(spec)
            if isinstance(outcome, BuildSucceeded):
                stored = self._store.path(outcome.wheel.digest)
                if stored is None:
                    raise StorageError(f"{outcome.wheel.filename} vanished from the store")
                self._wheels.publish(outcome.wheel, stored)
            return outcome

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None:
        self._notify(PackageMoved(pin, Stage.WAITING, waits_for=needs))

    def failed(self, failure: Failure) -> None:
        self._notify(PackageFailed(failure))

    def built(self, wheel: Wheel) -> None:
        self._notify(PackageMoved(wheel.pin, Stage.BUILT))


@contextmanager
def _full_disk() -> Iterator[None]:
    """Whatever file it was: a disk that is full or read-only ends the run with a clear word."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {error.filename or 'a file'}: {error.strerror}",
            hint="free some space, or choose other folders with -O and --cache-dir",
        ) from error


def _read(wanted: Wanted, variables: Mapping[str, str]) -> ParsedRequirements:
    return read_requirements(wanted.files, wanted.constraint_files, variables, read_document)


def _asked(wanted: Wanted, parsed: ParsedRequirements) -> tuple[Asked, ...]:
    asked = [
        Asked(parse_requirement(text, "command line"), "the command line")
        for text in wanted.requirements
    ]
    asked.extend(Asked(line.requirement, line.origin) for line in parsed.requirements)
    if not asked:
        raise InputError(
            "nothing was asked for",
            hint="name requirements, or a file of them with -r requirements.txt",
        )
    if parsed.require_hashes:
        _check_hashes(wanted, parsed)
    for one in asked:
        if one.requirement.url is not None:
            raise InputError(
                f"{one.origin}: {one.requirement} names a URL",
                hint="name a release that an index has, such as name==1.2",
            )
    return tuple(asked)


def _check_hashes(wanted: Wanted, parsed: ParsedRequirements) -> None:
    bare = [f"{text} on the command line" for text in wanted.requirements]
    bare += [f"{one.requirement} ({one.origin})" for one in parsed.requirements if not one.hashes]
    if bare:
        raise InputError(
            f"--require-hashes is set, and there is no --hash for {bare[0]}",
            hint="give the sha256 of its source archive, or take --require-hashes out",
        )


def _hashes(parsed: ParsedRequirements) -> dict[NormalizedName, tuple[Digest, ...]]:
    hashes: dict[NormalizedName, tuple[Digest, ...]] = {}
    for line in (*parsed.requirements, *parsed.constraints):
        if line.hashes:
            name = canonicalize_name(line.requirement.name)
            hashes[name] = (*hashes.get(name, ()), *line.hashes)
    return hashes


def _index_urls(settings: Settings, parsed: ParsedRequirements) -> tuple[str, ...]:
    """The indexes to ask, in order: options, then requirements files, then pip's variables.

    Extra indexes come before the main one, so that a project of one's own hides a public one.
    """
    if settings.index_urls:
        return settings.index_urls
    variables = settings.variables
    main = parsed.index_url or variables.get("PIP_INDEX_URL") or DEFAULT_INDEX_URL
    extra = parsed.extra_index_urls or tuple(variables.get("PIP_EXTRA_INDEX_URL", "").split())
    return (*extra, main)


def _write_records(folder: Path, graph: DependencyGraph, result: Bootstrapped) -> None:
    with _full_disk():
        publish_text(graph_json(graph), folder / "graph.json")
        publish_text(build_order_json(graph), folder / "build-order.json")
        constraints = constraints_text(result.install_edges, graph)
        publish_text(constraints, folder / "constraints.txt")

"""The effects of a run, each of them one call of a workflow, and whoever hears of them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.app.capacity import available_memory_gb
from builder.app.cargo import cargo_access
from builder.app.customization import Customization
from builder.app.hooks import Hooks
from builder.app.images import image_catalogue
from builder.app.package_images import PackageImages
from builder.app.pre_built import PreBuiltWheels
from builder.app.settings import Settings
from builder.app.sourcing import Known, Sourcing, open_repositories
from builder.app.variables import ImageVariables
from builder.app.workshop import Notify, Workshop
from builder.domain.builds import BuildOutcome, BuildSpec, BuildSucceeded, Failure, Goal, Wheel
from builder.domain.core_metadata import UnusableMetadataError, from_core_metadata
from builder.domain.digests import Digest
from builder.domain.events import Noted, PackageFailed, PackageMoved, Stage
from builder.domain.graph import BuiltFor, BuiltIn, DependencyGraph, GraphNode
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.domain.repositories import GitReference, is_repository
from builder.domain.sources import SourceTree
from builder.domain.variants import NAMES
from builder.errors import InputError, StorageError
from builder.indexes.adapted import AdaptedIndex
from builder.indexes.addresses import file_at
from builder.indexes.simple import SimpleIndex
from builder.indexes.with_repositories import packed_file
from builder.overrides.plugins import PORTING
from builder.overrides.reading import Overrides
from builder.ports import Index
from builder.prepare.mentions import mentions
from builder.prepare.task import top_folder
from builder.publish.files import publish_copy
from builder.publish.wheels import WheelsRepository
from builder.resolve.problem import Named, Refused
from builder.schedule.budget import Appetite, Budget, Claim
from builder.workflows.builds import BuildRules, Builds
from builder.workflows.cached import CachedWheels
from builder.workflows.environments import Environments
from builder.workflows.foreign import ForeignWheels
from builder.workflows.packages import ForeignWheel, Package
from builder.workflows.questions import LaidDown
from builder.workflows.sandbox import Sandbox
from builder.workflows.sources import CommandRooms, SourceFolders, Sources
from builder.workflows.states import States
from builder.workflows.stored import stored
from builder.workflows.vendoring import CrateVendor

AS_SEED = "as a seed"
_NONE = Refused("packages may name no source here")


class NamedSources(Protocol):
    """Looks at sources that requirements name themselves."""

    def named(self, source: Named) -> Candidate | Refused: ...

    def told(self, candidate: Candidate, source: Named, pin: Pin) -> Candidate | Refused: ...


@dataclass(frozen=True)
class Place:
    """Where a run takes place: what the user chose, and what was opened for it.

    Attributes:
        named: looks at sources that packages name; without it, they may name none.
        hashes: what the user allows the source archives of projects to be.
        previous: an earlier run's graph; what that was led to is held to.
        preparing: where sources are prepared, if not in the image of the run.
    """

    settings: Settings
    index: Index
    shop: Workshop
    overrides: Overrides
    notify: Notify
    named: NamedSources | None = None
    hashes: Mapping[NormalizedName, tuple[Digest, ...]] = field(default_factory=dict)
    previous: DependencyGraph | None = None
    preparing: Sandbox | None = None


class World:
    """What bootstraps and builds from locks ask for. Safe from several threads."""

    def __init__(self, place: Place) -> None:
        settings, index, shop = place.settings, place.index, place.shop
        overrides, notify = place.overrides, place.notify
        logs = settings.work_dir / "logs"
        sdists = settings.sdists_repo
        folders = SourceFolders(sdists / "downloads", sdists / "builds", logs)
        self.budget = Budget(settings.workers, settings.jobs, available_memory_gb())
        self._settings = settings
        self._hashes = place.hashes
        self._sourcing = sourcing(place)
        index = AdaptedIndex(index, self._sourcing.page)
        self._index = index
        self._named = place.named
        self._store = shop.store
        self._overrides = overrides
        self._customization = Customization(
            overrides,
            self._source_at,
            self._jobs,
            settings.variables,
            ImageVariables(settings, overrides),
        )
        self._hooks = Hooks(overrides.hooks, overrides.variant, shop.store)
        self._notify = notify
        self._image = shop.sandbox.image
        self._images = PackageImages(settings, overrides, shop.interiors, notify)
        # Commands of plugins may well depend on where they run.
        preparing = (place.preparing if not overrides.decisions else None) or shop.sandbox
        vendor = CrateVendor(
            shop.store,
            preparing,
            logs,
            partial(cargo_access, settings.variables),
            notify,
            self._images.interior,
        )
        self._sources = Sources(
            index,
            shop.store,
            preparing,
            folders,
            place.hashes,
            notify,
            self._customization.preparation,
            with_crates=vendor.with_crates,
            rooms=CommandRooms(self._images.image, shop.interiors.ready),
        )
        self._builds = Builds(
            shop.store,
            shop.sandbox,
            Environments(settings.cache, shop.store, shop.sandbox, shop.target),
            shop.interiors,
            shop.target,
            BuildRules(logs, self._jobs, settings.limits),
            notify,
        )
        self._wheels = WheelsRepository(settings.wheels_repo)
        wheels = partial(ForeignWheels, store=shop.store, target=shop.target, scratch=shop.scratch)
        self._foreign = wheels(index)
        self._pre_built = PreBuiltWheels(self._foreign, wheels, overrides)
        self._cached: CachedWheels | None = None
        if settings.wheel_server_urls:
            servers = SimpleIndex(settings.wheel_server_urls)
            self._cached = CachedWheels(servers, wheels(servers))

    def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        return self._pre_built.page(name, self._index)

    def index_metadata(self, candidate: Candidate) -> ReleaseMetadata | None:
        is_as_listed = self._customization.is_as_listed(candidate.pin)
        for wheel in candidate.wheels if is_as_listed else ():
            if wheel.metadata_digest is None:
                continue
            try:
                text = self._index.metadata(wheel)
                found = from_core_metadata(text, candidate.pin, MetadataOrigin.INDEX)
                return self._customization.metadata(found)
            except UnusableMetadataError as error:
                self._notify(Noted(f"{wheel.filename}: unusable metadata: {error}", warning=True))
        return None

    def named(self, source: Named) -> Candidate | Refused:
        return _NONE if self._named is None else self._named.named(source)

    def told(self, candidate: Candidate, source: Named, pin: Pin) -> Candidate | Refused:
        return _NONE if self._named is None else self._named.told(candidate, source, pin)

    def settle(self, nodes: Iterable[GraphNode]) -> None:
        """Leaves in sdists-repo the archives of these releases, whatever else had their names."""
        for node in nodes:
            if node.source is not None and self._sources.came_from_several_places(node.pin):
                file = file_at(node.source_url, node.source)
                if is_repository(node.source_url):
                    commit = GitReference.parse(node.source_url)
                    file = packed_file(node.pin, commit, node.source)
                self.source_of(Candidate(node.pin, file, (), SpecifierSet(), None, file.url))

    def source(self, candidate: Candidate) -> SourceTree | Failure:
        """A prepared source, from the archive that is to be fetched for a release.

        Raises:
            InputError: the package has a plugin that no build here heeds.
        """
        return self.source_of(self._customization.located(candidate))

    def source_of(self, candidate: Candidate) -> SourceTree | Failure:
        """A prepared source, from the very archive that is named.

        Raises:
            InputError: the package has a plugin that no build here heeds.
        """
        pin = candidate.pin
        unheeded = self._overrides.unheeded_plugin(pin.name)
        if unheeded is not None:
            raise InputError(
                f"{pin} cannot be built: its plugin {unheeded} would be passed over",
                hint=f"take the plugin out, or leave the package out; or: {PORTING}",
            )
        self._customization.require_usable(pin)
        with full_disk():
            settled = self._sourcing.settled(candidate, self._hashes.get(pin.name, ()))
            if isinstance(settled, Failure):
                return settled
            source = self._sources.source(settled)
            if isinstance(source, SourceTree) and not self._settings.cleanup:
                name = top_folder(pin)
                prepared = self._source_at(source.archive)
                publish_copy(prepared, self._settings.work_dir / name / f"{name}.tar.gz")
            return source if isinstance(source, Failure) else self._customization.tree(source)

    def foreign(self, pin: Pin, purpose: str) -> ForeignWheel | Failure:
        with full_disk():
            return self._foreign.of_release(pin, purpose)

    def seed_wheel(self, pin: Pin) -> ForeignWheel | Failure:
        found = self.foreign(pin, AS_SEED)
        if isinstance(found, ForeignWheel):
            self.keep_seed(found)
        return found

    def keep_seed(self, seed: ForeignWheel) -> None:
        """Leaves the file where a build from the lock finds it."""
        digest = seed.file.digest or seed.wheel.digest
        with full_disk():
            self._wheels.keep_seed(seed.file.filename, digest, self._foreign.original(digest))

    def foreign_file(self, package: Pin, url: str, digest: Digest) -> ForeignWheel | Failure:
        """A certain wheel of the index, as a lock names it."""
        with full_disk():
            return self._foreign.of_file(package, file_at(url, digest))

    def pre_built(self, pin: Pin) -> ForeignWheel | Failure | None:
        with full_disk():
            return self._pre_built.wheel(pin)

    def cached(
        self, pin: Pin, filename: str = "", digest: Digest | None = None
    ) -> ForeignWheel | Failure | None:
        if self._cached is None:
            return None
        with full_disk():
            number = self._overrides.build_tag(pin)
            found = self._cached.find(pin, number, filename, digest)
        if isinstance(found, ForeignWheel):
            return replace(found, wheel=self._customization.wheel(found.wheel))
        return found

    def build(self, spec: BuildSpec) -> BuildOutcome:
        outcome = self._customization.run(spec, self._build)
        if isinstance(outcome, BuildSucceeded) and not outcome.reused:
            self._hooks.built(outcome.wheel)
        return outcome

    def laid_down(self, spec: BuildSpec) -> LaidDown | None:
        if spec.source.pin.name in self._overrides.decisions:
            return None
        made = self._customization.spec(spec)
        with full_disk():
            asks = mentions(self._source_at(spec.source.archive), [it.encode() for it in NAMES])
        return LaidDown(made, self._customization.given_by_image(spec), asks)

    def _build(self, spec: BuildSpec) -> BuildOutcome:
        with full_disk():
            return self._builds.build(self._images.placed(self._customization.spec(spec)))

    def publish(self, package: Package) -> None:
        """Makes a finished wheel visible, and tells of the package.

        Raises:
            PluginError: a hook raised.
        """
        sdist = self._settings.sdists_repo / "builds" / f"{top_folder(package.pin)}.tar.gz"
        with full_disk():
            self._hooks.finished(package, self._visible(package), sdist)

    def _visible(self, package: Package) -> Path | None:
        """Where a package's wheel lies for everybody; None where it has none yet."""
        if package.wheel is None:
            return None
        if package.foreign is None:
            made = stored(self._store, package.wheel.digest, package.wheel.filename)
            return self._wheels.publish(package.wheel, made)
        file = package.foreign.file
        digest = file.digest or package.wheel.digest
        return self._wheels.publish_foreign(file.filename, digest, self._foreign.original(digest))

    def claim(self, spec: BuildSpec) -> Claim:
        if spec.goal is not Goal.WHEEL:
            return Claim(jobs=1, cores=1, memory_gb=0.0)
        return self.budget.claim(self._appetite(spec.source.pin))

    @property
    def built_for(self) -> BuiltFor:
        """What this run builds for."""
        name = self._settings.image_name
        platform = image_catalogue(self._settings).recipe(name).platform
        return BuiltFor(self._settings.variant, BuiltIn(name, self._image), platform)

    def recorded(self, graph: DependencyGraph) -> DependencyGraph:
        """A graph with what it was built for, and with the images that some packages had."""
        nodes = {pin: self._with_image(node) for pin, node in graph.nodes.items()}
        return replace(graph, nodes=nodes, built_for=self.built_for)

    def _with_image(self, node: GraphNode) -> GraphNode:
        known = node.pre_built or node.image is not None
        image = None if known else self._images.built_in(node.pin)
        own = image is not None and image.identifier != self._image
        return replace(node, image=image) if own else node

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None:
        self._notify(PackageMoved(pin, Stage.WAITING, waits_for=needs))

    def failed(self, failure: Failure) -> None:
        self._notify(PackageFailed(failure))

    def built(self, wheel: Wheel) -> None:
        self._notify(PackageMoved(wheel.pin, Stage.BUILT))

    def shared(self, wheel: Wheel, image: str) -> None:
        self._notify(PackageMoved(wheel.pin, Stage.SHARED, image=image))

    def planned(self, pin: Pin) -> None:
        self._notify(PackageMoved(pin, Stage.PLANNED))

    def replaced(self, wheel: Wheel) -> None:
        self._notify(PackageMoved(wheel.pin, Stage.REPLACED))

    def reused(self, pin: Pin) -> None:
        self._notify(PackageMoved(pin, Stage.REUSED))

    def noted(self, text: str) -> None:
        self._notify(Noted(text, warning=True))

    def _appetite(self, pin: Pin) -> Appetite:
        options = self._overrides.build_options(pin.name, pin.version)
        return Appetite(
            options.cpu_cores_per_job, options.memory_per_job_gb, exclusive=options.exclusive_build
        )

    def _jobs(self, pin: Pin) -> int:
        return self.budget.claim(self._appetite(pin)).jobs

    def _source_at(self, archive: Digest) -> Path:
        return stored(self._store, archive, "a prepared source")


def sourcing(place: Place) -> Sourcing:
    """Where sources come from in a run."""
    settings, shop = place.settings, place.shop
    states = States(open_repositories(settings), shop.store, shop.sandbox)
    known = Known(place.previous, shop.target.tags, states.identity)
    return Sourcing(settings, place.overrides, place.notify, known)


@contextmanager
def full_disk() -> Iterator[None]:
    """Whatever file it was: a disk that is full or read-only ends the run with a clear word."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {error.filename or 'a file'}: {error.strerror}",
            hint="free some space, or choose other folders with -O and --cache-dir",
        ) from error

"""The effects and the watcher of a bootstrap, played from plain values."""

import random
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.domain.builds import (
    BuildOutcome,
    BuildSpec,
    BuildSucceeded,
    Failure,
    Goal,
    MetadataFound,
    MoreRequired,
    Phase,
    Wheel,
)
from builder.domain.digests import Digest
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.domain.repositories import GitReference
from builder.domain.sources import BuildSystem, SourceTree
from builder.indexes.addresses import file_at
from builder.indexes.with_repositories import packed_file
from builder.resolve.problem import Named, Refused
from builder.schedule.budget import Claim
from builder.workflows.bootstrap import Bootstrap
from builder.workflows.packages import ForeignWheel
from builder.workflows.packages import Package as Made
from builder.workflows.questions import LaidDown
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.together import Together
from tests.facts import metadata, pin, wheel
from tests.fakes.index import FakeIndex, FakeRelease


class Known(Enum):
    """Where a package's install requirements can be read first."""

    INDEX = "index"
    SOURCE = "source"
    HOOK = "hook"
    WHEEL = "wheel"


@dataclass(frozen=True)
class Package:
    """A release and how it behaves.

    Attributes:
        of: the release, as `name==version`.
        requires: what its wheel says.
        build: its `[build-system] requires`.
        hook: what its hook asks for beyond that.
        known: where its install requirements can be read first.
        promised: what is said there; None where it is what the wheel says.
        fails: where it fails, if it does.
        told: what its hook says that it is, where it is not what it is called.
    """

    of: str
    requires: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    hook: tuple[str, ...] = ()
    known: Known = Known.INDEX
    promised: tuple[str, ...] | None = None
    fails: Phase | None = None
    told: str = ""

    @property
    def pin(self) -> Pin:
        return pin(self.of)

    def says(self, origin: MetadataOrigin) -> ReleaseMetadata:
        """What is known of its requirements before its wheel is there."""
        requires = self.requires if self.promised is None else self.promised
        return metadata(self.of, *requires, origin=origin)


@dataclass
class FakeWorld:
    """A world of packages. Each effect takes up to `delay` seconds, as chance has it.

    Attributes:
        most_at_once: how many builds ran at the same time, at most.
        built_wheels: in the order in which they were built.
        heard: the failures that the watcher was told of.
        published: what was made visible, in that order.
        planned_only: what is done with, and has no wheel.
        foreign_wheels: what the index has finished.
        cached_wheels: what a wheel server has.
        settings: what is said of every package.
        asks_for_variant: whether all sources name the variables that tell it.
        shared_wheels: what another variant built, and in which image.
        commits: the release that each repository holds, by the URL that requirements name it by.
    """

    packages: Iterable[Package]
    delay: float = 0.0
    seed: int = 0
    most_at_once: int = 0
    built_wheels: list[Pin] = field(default_factory=list)
    specs: list[BuildSpec] = field(default_factory=list)
    heard: list[Failure] = field(default_factory=list)
    published: list[Pin] = field(default_factory=list)
    planned_only: list[Pin] = field(default_factory=list)
    foreign_wheels: Mapping[Pin, Wheel] = field(default_factory=dict)
    cached_wheels: Mapping[Pin, Wheel] = field(default_factory=dict)
    not_built: frozenset[Pin] = frozenset()
    commits: Mapping[str, str] = field(default_factory=dict)
    exclusive: frozenset[str] = frozenset()
    noted_texts: list[str] = field(default_factory=list)
    waited: dict[Pin, tuple[Pin, ...]] = field(default_factory=dict)
    settings: str = ""
    variant: str = "cpu"
    asks_for_variant: bool = False
    shared_wheels: dict[Pin, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._packages = {one.pin: one for one in self.packages}
        releases = [FakeRelease(one.pin.name, str(one.pin.version)) for one in self.packages]
        self._index = FakeIndex(releases)
        self._built: set[Pin] = set()
        self._published: set[Pin] = set()
        self._lock = threading.Lock()
        self._running = 0
        self._chance = random.Random(self.seed)

    def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        self._pause()
        return self._index.project(name)

    def named(self, source: Named) -> Candidate | Refused:
        self._pause()
        if source.url not in self.commits:
            return Refused(f"{source} may not be used", "allow it")
        return _commit(pin(self.commits[source.url]), source.url)

    def told(self, candidate: Candidate, source: Named, pin: Pin) -> Candidate | Refused:
        assert candidate.source == source.url
        return _commit(pin, source.url)

    def index_metadata(self, candidate: Candidate) -> ReleaseMetadata | None:
        self._pause()
        package = self._packages[candidate.pin]
        return package.says(MetadataOrigin.INDEX) if package.known is Known.INDEX else None

    def source(self, candidate: Candidate) -> SourceTree | Failure:
        self._pause()
        package = self._packages[candidate.pin]
        if package.fails is Phase.PREPARE:
            return Failure(package.pin, Phase.PREPARE, "its archive is broken")
        static = package.says(MetadataOrigin.PKG_INFO) if package.known is Known.SOURCE else None
        return SourceTree(
            package.pin,
            Digest.of_bytes(f"prepared {package.of}".encode()),
            Digest.of_bytes(f"fetched {package.of}".encode()),
            candidate.sdist.url,
            BuildSystem(tuple(map(Requirement, package.build)), "backend", ()),
            static,
        )

    def build(self, spec: BuildSpec) -> BuildOutcome:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            self.specs.append(spec)
            unbuilt = {one.pin for one in spec.environment if not self._is_there(one.pin)}
        self._pause()
        outcome = self._outcome(spec)
        with self._lock:
            self._running -= 1
            if isinstance(outcome, BuildSucceeded):
                self.built_wheels.append(outcome.wheel.pin)
                self._built.add(outcome.wheel.pin)
        assert not unbuilt, f"{spec.source.pin} was built before {unbuilt}"
        return outcome

    def laid_down(self, spec: BuildSpec) -> LaidDown | None:
        variables = (("BUILDER_VARIANT", self.variant),)
        made = replace(spec, settings=self.settings, variables=variables)
        return LaidDown(made, (), self.asks_for_variant)

    def shared(self, wheel: Wheel, image: str) -> None:
        self.shared_wheels[wheel.pin] = image
        self._built.add(wheel.pin)

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None:
        self.waited[pin] = needs

    def failed(self, failure: Failure) -> None:
        self.heard.append(failure)

    def built(self, wheel: Wheel) -> None:
        assert wheel.pin in self._published

    def planned(self, pin: Pin) -> None:
        pass

    def replaced(self, wheel: Wheel) -> None:
        assert wheel.pin in self.foreign_wheels

    def noted(self, text: str) -> None:
        self.noted_texts.append(text)

    def foreign(self, pin: Pin, purpose: str) -> ForeignWheel | Failure:
        if pin not in self.foreign_wheels:
            return Failure(pin, Phase.FETCH, f"the index has no wheel of {pin} {purpose}")
        return _foreign(self.foreign_wheels[pin])

    def seed_wheel(self, pin: Pin) -> ForeignWheel | Failure:
        return self.foreign(pin, "as a seed")

    def pre_built(self, pin: Pin) -> ForeignWheel | Failure | None:
        return self.foreign(pin, "that is pre-built") if pin in self.not_built else None

    def cached(self, pin: Pin) -> ForeignWheel | Failure | None:
        known = self.cached_wheels.get(pin)
        return _foreign(known) if known is not None else None

    def publish(self, package: Made) -> None:
        if package.wheel is None:
            self.planned_only.append(package.pin)
            return
        self.published.append(package.pin)
        self._published.add(package.pin)

    def claim(self, spec: BuildSpec) -> Claim:
        return Claim(1, 1, 0.0, exclusive=spec.source.pin.name in self.exclusive)

    def _is_there(self, of: Pin) -> bool:
        return of in self._built or of in self.foreign_wheels or of in self.cached_wheels

    def _outcome(self, spec: BuildSpec) -> BuildOutcome:
        package = self._packages[spec.source.pin]
        hook = tuple(map(Requirement, package.hook))
        if package.fails is Phase.HOOKS:
            return Failure(package.pin, Phase.HOOKS, "its backend is broken")
        if spec.goal is Goal.REQUIREMENTS or not set(package.hook) <= set(spec.accepted):
            return MoreRequired(hook, package.hook)
        if spec.goal is Goal.METADATA and package.known is Known.HOOK:
            said = package.says(MetadataOrigin.HOOK)
            return MetadataFound(replace(said, pin=pin(package.told or package.of)), hook)
        if package.fails is not None:
            return Failure(package.pin, package.fails, "its compiler gave up")
        content = spec.key.sha256.encode() if spec.goal is Goal.WHEEL else b"wheel for metadata"
        return BuildSucceeded(wheel(package.of, *package.requires, content=content), hook)

    def _pause(self) -> None:
        if self.delay:
            with self._lock:
                seconds = self._chance.uniform(0, self.delay)
            time.sleep(seconds)


def _commit(pin: Pin, url: str) -> Candidate:
    file = packed_file(pin, GitReference.parse(url), Digest.of_bytes(url.encode()))
    return Candidate(pin, file, (), SpecifierSet(), None, url)


def _foreign(wheel: Wheel) -> ForeignWheel:
    name = wheel.filename.replace("-0-", "-")
    file = file_at(f"https://files.index.example/{name}", Digest.of_bytes(name.encode()))
    return ForeignWheel(file, wheel)


def alone(request: Request, world: FakeWorld, stop: threading.Event | None = None) -> Together:
    """A run of one variant."""
    part = Bootstrap(request, world, world)
    return Together({"": part}, request.budget, stop or threading.Event())


def bootstrapped(request: Request, world: FakeWorld) -> Bootstrapped:
    """How a run of one variant ends."""
    return alone(request, world).run()[""]

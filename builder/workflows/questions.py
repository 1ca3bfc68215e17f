"""What a bootstrap asks of the world: the effects, and the questions that put flows to them."""

from dataclasses import dataclass
from typing import Protocol

from packaging.utils import NormalizedName

from builder.domain.builds import BuildOutcome, BuildSpec, Failure
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.domain.sources import SourceTree
from builder.domain.variants import NAMES, Variables
from builder.resolve.problem import Named, Refused
from builder.schedule.budget import Claim
from builder.workflows.packages import ForeignWheel, Package


@dataclass(frozen=True)
class LaidDown:
    """A build as it will be run.

    Attributes:
        of_image: the variables that it has of its image.
        asks_for_variant: whether its source names the variables that tell the variant.
    """

    spec: BuildSpec
    of_image: Variables
    asks_for_variant: bool = False

    @property
    def variant(self) -> Variables:
        """What it is told of its variant."""
        return tuple(one for one in self.spec.variables if one[0] in NAMES)


class Effects(Protocol):
    """What a bootstrap asks of the world. Every method may be called from several threads."""

    def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject: ...

    def index_metadata(self, candidate: Candidate) -> ReleaseMetadata | None: ...

    def named(self, source: Named) -> Candidate | Refused:
        """The release that a source is which a requirement names.

        Its version may be provisional: then only its own hooks know what it is.
        """
        ...

    def told(self, candidate: Candidate, source: Named, pin: Pin) -> Candidate | Refused:
        """The same, once its hooks have told which release it is."""
        ...

    def source(self, candidate: Candidate) -> SourceTree | Failure: ...

    def foreign(self, pin: Pin, purpose: str) -> ForeignWheel | Failure:
        """A wheel that the index has of a release; `purpose` says what for, in messages."""
        ...

    def seed_wheel(self, pin: Pin) -> ForeignWheel | Failure:
        """The wheel that cuts a ring of builds; it is kept for whoever builds from the lock."""
        ...

    def pre_built(self, pin: Pin) -> ForeignWheel | Failure | None:
        """The wheel of a release that is not to be built; None where it is."""
        ...

    def cached(self, pin: Pin) -> ForeignWheel | Failure | None:
        """A wheel of a release that was built before, from a server; None where none has it."""
        ...

    def build(self, spec: BuildSpec) -> BuildOutcome: ...

    def laid_down(self, spec: BuildSpec) -> LaidDown | None:
        """A build with all that settings say of it; None where code of the user's decides more."""
        ...

    def publish(self, package: Package) -> None:
        """Makes a package's wheel visible, if it has one yet, and tells of the package."""
        ...

    def claim(self, spec: BuildSpec) -> Claim: ...


@dataclass(frozen=True)
class PageOf:
    """What does the index have of a project?"""

    name: NormalizedName

    def put_to(self, effects: Effects) -> object:
        return effects.page(self.name)


@dataclass(frozen=True)
class MetadataOf:
    """What does the index say of a release?"""

    candidate: Candidate

    def put_to(self, effects: Effects) -> object:
        return effects.index_metadata(self.candidate)


@dataclass(frozen=True)
class NamedOf:
    """Which release is a source that a requirement names?"""

    source: Named

    def put_to(self, effects: Effects) -> object:
        return effects.named(self.source)


@dataclass(frozen=True)
class ToldOf:
    """And which, now that its hooks have told?"""

    candidate: Candidate
    source: Named
    pin: Pin

    def put_to(self, effects: Effects) -> object:
        return effects.told(self.candidate, self.source, self.pin)


@dataclass(frozen=True)
class SourceOf:
    """The prepared source of a release."""

    candidate: Candidate

    def put_to(self, effects: Effects) -> object:
        return effects.source(self.candidate)


@dataclass(frozen=True)
class ForeignOf:
    """A wheel that the index has of a release."""

    pin: Pin
    purpose: str

    def put_to(self, effects: Effects) -> object:
        return effects.foreign(self.pin, self.purpose)


@dataclass(frozen=True)
class SeedOf:
    """The wheel of the index that cuts a ring of builds."""

    pin: Pin

    def put_to(self, effects: Effects) -> object:
        return effects.seed_wheel(self.pin)


@dataclass(frozen=True)
class PreBuiltOf:
    """The wheel of a release that is not to be built."""

    pin: Pin

    def put_to(self, effects: Effects) -> object:
        return effects.pre_built(self.pin)


@dataclass(frozen=True)
class CachedOf:
    """A wheel that was built before, elsewhere."""

    pin: Pin

    def put_to(self, effects: Effects) -> object:
        return effects.cached(self.pin)


@dataclass(frozen=True)
class LaidDownOf:
    """What do settings say of a build?"""

    spec: BuildSpec

    def put_to(self, effects: Effects) -> object:
        return effects.laid_down(self.spec)


@dataclass(frozen=True)
class Publish:
    """No question, but an effect whose end a flow waits for."""

    package: Package

    def put_to(self, effects: Effects) -> object:
        effects.publish(self.package)
        return None


Question = (
    PageOf
    | MetadataOf
    | NamedOf
    | ToldOf
    | SourceOf
    | ForeignOf
    | SeedOf
    | PreBuiltOf
    | CachedOf
    | LaidDownOf
    | Publish
)

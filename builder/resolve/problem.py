"""What is to be solved, what is known of it, and what an answer can be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from builder.domain.graph import Dependency
from builder.domain.images import TargetPython
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.resolve.ages import ReleaseAges
from builder.resolve.constraints import Constraint
from builder.resolve.previous import Preferred


@dataclass(frozen=True)
class Asked:
    """A requirement and who stated it: a file and line, or a package."""

    requirement: Requirement
    origin: str


@dataclass(frozen=True)
class Question:
    """What is to be solved.

    Attributes:
        asked: the requirements; markers are evaluated here, those that do not apply are dropped.
        constraints: what each project is limited to, by the user.
        target: whose markers and Python count.
        ages: how old releases must and may be; None for no limits.
        preferred: the versions to try first, where they may be chosen at all.
    """

    asked: tuple[Asked, ...]
    constraints: Mapping[NormalizedName, Constraint]
    target: TargetPython
    ages: ReleaseAges | None = None
    preferred: Preferred = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Named:
    """A source that a requirement names itself, by its URL, and the project that it says it is."""

    project: NormalizedName
    url: str

    def __str__(self) -> str:
        return f"{self.project} @ {self.url}"


@dataclass(frozen=True)
class Refused:
    """Why a source that a requirement names is not used, and what to do about it."""

    reason: str
    hint: str = ""


@dataclass
class Knowledge:
    """What has been learned so far in this run.

    Attributes:
        metadata: of releases that an index has.
        named: what the sources are that requirements name themselves.
        of_sources: the metadata of these, which may be of the same name and version as a release.
    """

    pages: dict[NormalizedName, ProjectPage | NoSuchProject] = field(default_factory=dict)
    metadata: dict[Pin, ReleaseMetadata] = field(default_factory=dict)
    named: dict[Named, Candidate | Refused] = field(default_factory=dict)
    of_sources: dict[tuple[Pin, str], ReleaseMetadata] = field(default_factory=dict)

    def metadata_of(self, candidate: Candidate) -> ReleaseMetadata | None:
        """What is known of a candidate's requirements."""
        if candidate.source:
            return self.of_sources.get((candidate.pin, candidate.source))
        return self.metadata.get(candidate.pin)

    def all_of(self, candidates: Iterable[Candidate]) -> dict[Pin, ReleaseMetadata]:
        """What is known of candidates that are chosen together, of which no two share a pin."""
        known = {one.pin: self.metadata_of(one) for one in candidates}
        return {pin: metadata for pin, metadata in known.items() if metadata is not None}

    def learn(self, candidate: Candidate, metadata: ReleaseMetadata) -> None:
        """Takes in what a candidate requires."""
        if candidate.source:
            self.of_sources[candidate.pin, candidate.source] = metadata
        else:
            self.metadata[candidate.pin] = metadata


@dataclass(frozen=True)
class Solution:
    """A release for every project in the closure, and the edges between them."""

    candidates: tuple[Candidate, ...]
    """In the order of their names."""
    edges: tuple[Dependency, ...]
    """From the top (`parent` None) down; kinds are TOPLEVEL and INSTALL."""

    @property
    def pins(self) -> tuple[Pin, ...]:
        return tuple(candidate.pin for candidate in self.candidates)


@dataclass(frozen=True)
class Naming:
    """Who names a source: a release, or the request, and in which words."""

    named: Named
    parent: Pin | None
    requirement: str


@dataclass(frozen=True)
class Lacking:
    """What must be known before the question can be answered.

    Attributes:
        edges: those known so far: why the metadata is needed.
        named: sources that are named and were not looked at yet.
    """

    pages: tuple[NormalizedName, ...]
    metadata: tuple[Candidate, ...]
    edges: tuple[Dependency, ...]
    named: tuple[Naming, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """There is no answer, whatever else may be learned.

    Attributes:
        reason: one line for each cause.
        hint: where there is a better one than to loosen something.
    """

    reason: tuple[str, ...]
    hint: str = ""


Answer = Solution | Lacking | Conflict


@dataclass(frozen=True)
class Part:
    """One variant's share in what is solved together.

    Attributes:
        question: its requirements, constraints and target.
        knowledge: project pages and metadata learned so far.
        corrections: metadata of built wheels that differs from what was known before the build.
    """

    question: Question
    knowledge: Knowledge
    corrections: Mapping[Pin, ReleaseMetadata] = field(default_factory=dict)


def applies(requirement: Requirement, target: TargetPython, extras: Iterable[str]) -> bool:
    """Whether a requirement's marker holds on the target, for any of the extras or for none.

    A marker that compares what cannot be compared never holds.
    """
    marker = requirement.marker
    if marker is None:
        return True
    return any(_holds(marker, target, extra) for extra in ("", *sorted(extras)))


def _holds(marker: Marker, target: TargetPython, extra: str) -> bool:
    try:
        return marker.evaluate({**target.markers, "extra": extra})
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False

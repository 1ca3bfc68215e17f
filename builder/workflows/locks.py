"""What a build from a lock is told, what it asks of the world, and what it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from packaging.utils import NormalizedName

from builder.domain.builds import BuildOutcome, BuildSpec, Failure, Wheel
from builder.domain.digests import Digest
from builder.domain.graph import Dependency, EnvironmentPart, GraphNode
from builder.domain.images import TargetPython
from builder.domain.releases import Pin
from builder.domain.sources import SourceTree
from builder.schedule.budget import Budget, Claim
from builder.workflows.packages import ForeignWheel, Package


class LockEffects(Protocol):
    """What a build from a lock asks of the world. Called from several threads."""

    def locked_source(self, node: GraphNode) -> SourceTree | Failure: ...

    def finished(self, node: GraphNode) -> Package | Failure | None:
        """The node's wheel, where it was built before and need not be built again.

        Raises:
            DigestMismatchError: it is there with other bytes than the lock says.
        """
        ...

    def locked_wheel(self, pin: Pin, node: GraphNode) -> ForeignWheel | Failure:
        """The wheel of a node that is not built, by its digest where the lock has one."""
        ...

    def locked_seed(self, part: EnvironmentPart) -> ForeignWheel | Failure: ...

    def foreign(self, pin: Pin, purpose: str) -> ForeignWheel | Failure: ...

    def offered(self, name: NormalizedName) -> tuple[GraphNode, ...]:
        """Finished wheels beyond the lock that an environment may be solved from."""
        ...

    def build(self, spec: BuildSpec) -> BuildOutcome: ...

    def publish(self, package: Package) -> None: ...

    def claim(self, spec: BuildSpec) -> Claim: ...


class LockWatcher(Protocol):
    """Hears of what becomes of every node."""

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None: ...

    def failed(self, failure: Failure) -> None: ...

    def built(self, wheel: Wheel) -> None: ...

    def replaced(self, wheel: Wheel) -> None: ...

    def noted(self, text: str) -> None: ...


@dataclass(frozen=True)
class LockRequest:
    """What is to be built from which lock, and how strictly.

    Attributes:
        nodes: every release of the lock; what may be used to solve an environment that the lock
            does not name is what stands before the release to be built.
        environments: what edges say of the environments of nodes without a recipe.
        extras: those that somebody asks for, by release.
        wanted: what is to be built; what that needs is built before.
        require_identical: a wheel that differs from the one the lock knows is a failed build.
        plan_only: of what is wanted, only find out what its build needs.
    """

    nodes: Mapping[Pin, GraphNode]
    environments: Mapping[Pin, tuple[Pin, ...]]
    wanted: tuple[Pin, ...]
    target: TargetPython
    image: str
    sandbox: Digest
    budget: Budget
    extras: Mapping[Pin, tuple[str, ...]] = field(default_factory=dict)
    require_identical: bool = False
    test_mode: bool = False
    fail_fast: bool = False
    plan_only: bool = False


class Origin(Enum):
    """How a wheel of a lock came to be there."""

    BUILT = "built"
    FOUND = "found"
    PRE_BUILT = "pre-built"
    REPLACED = "replaced"


@dataclass(frozen=True)
class LockBuilt:
    """How a build from a lock ended.

    Attributes:
        different: the releases whose wheel is not the one that the lock knows.
        chains: for each failed package, the edges that lead to it.
    """

    packages: Mapping[Pin, Package]
    origins: Mapping[Pin, Origin]
    failures: tuple[Failure, ...]
    different: frozenset[Pin]
    chains: Mapping[Pin, tuple[Dependency, ...]] = field(default_factory=dict)
    replaced: Mapping[Pin, ForeignWheel] = field(default_factory=dict)
    not_replaced: Mapping[Pin, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FinishedOf:
    """The wheel of a node, where it need not be built."""

    node: GraphNode

    def put_to(self, effects: LockEffects) -> object:
        return effects.finished(self.node)


@dataclass(frozen=True)
class SourceOf:
    """The prepared source of a node."""

    node: GraphNode

    def put_to(self, effects: LockEffects) -> object:
        return effects.locked_source(self.node)


@dataclass(frozen=True)
class PreBuiltOf:
    """The wheel of a node that is not built."""

    node: GraphNode

    def put_to(self, effects: LockEffects) -> object:
        return effects.locked_wheel(self.node.pin, self.node)


@dataclass(frozen=True)
class SeedOf:
    """The seed that an environment names."""

    part: EnvironmentPart

    def put_to(self, effects: LockEffects) -> object:
        return effects.locked_seed(self.part)


@dataclass(frozen=True)
class StandInOf:
    """A wheel to put in place of a failed build."""

    pin: Pin

    def put_to(self, effects: LockEffects) -> object:
        return effects.foreign(self.pin, "in place of the build that failed")


@dataclass(frozen=True)
class OfferedOf:
    """What an environment may be solved from beyond the lock."""

    name: NormalizedName

    def put_to(self, effects: LockEffects) -> object:
        return effects.offered(self.name)


@dataclass(frozen=True)
class Publish:
    """No question, but an effect whose end a flow waits for."""

    package: Package

    def put_to(self, effects: LockEffects) -> object:
        effects.publish(self.package)
        return None


LockQuestion = FinishedOf | SourceOf | PreBuiltOf | SeedOf | StandInOf | OfferedOf | Publish

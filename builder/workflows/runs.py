"""What a bootstrap is told, whom it tells, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from builder.domain.builds import Failure, Wheel
from builder.domain.digests import Digest
from builder.domain.graph import Dependency, DependencyGraph
from builder.domain.releases import Pin
from builder.resolve.problem import Asked
from builder.schedule.budget import Budget
from builder.workflows.packages import ForeignWheel
from builder.workflows.solving import Rules


class Watcher(Protocol):
    """Hears of what only the loop knows."""

    def waits(self, pin: Pin, needs: tuple[Pin, ...]) -> None: ...

    def failed(self, failure: Failure) -> None: ...

    def built(self, wheel: Wheel) -> None: ...

    def shared(self, wheel: Wheel, image: str) -> None:
        """A pure wheel, which was built in an image of this host's own processor, is taken."""
        ...

    def planned(self, pin: Pin) -> None: ...

    def replaced(self, wheel: Wheel) -> None: ...


@dataclass(frozen=True)
class Request:
    """What is to be rebuilt, for what, and how far.

    Attributes:
        plan_only: find out what every build needs, and build only what that takes.
        every_version: take each version that matches a requirement, not just one.
        test_mode: put wheels of the index in place of builds that fail, and go on.
        fail_fast: end the run at the first failure.
    """

    asked: tuple[Asked, ...]
    rules: Rules
    image: str
    sandbox: Digest
    budget: Budget
    plan_only: bool = False
    every_version: bool = False
    test_mode: bool = False
    fail_fast: bool = False


@dataclass(frozen=True)
class Unresolved:
    """A requirement of the user that nothing satisfies; left out in test mode."""

    asked: Asked
    reason: tuple[str, ...]


@dataclass(frozen=True)
class Bootstrapped:
    """How a bootstrap ended.

    Attributes:
        graph: None where something that was asked for is missing.
        install_edges: those of the request and of what it needs at run time.
        chains: for each failed package, the edges that lead to it from the top.
        replaced: what was put in place of failed builds, in test mode.
        not_replaced: why nothing was, for each failed build where that was tried.
    """

    graph: DependencyGraph | None
    install_edges: tuple[Dependency, ...]
    failures: tuple[Failure, ...]
    chains: Mapping[Pin, tuple[Dependency, ...]]
    unresolved: tuple[Unresolved, ...] = ()
    replaced: Mapping[Pin, ForeignWheel] = field(default_factory=dict)
    not_replaced: Mapping[Pin, str] = field(default_factory=dict)

"""What happens during a run, for whoever watches."""

from dataclasses import dataclass
from enum import Enum

from builder.domain.builds import Failure
from builder.domain.releases import Pin


class Stage(Enum):
    """Where a package is on its way."""

    FETCHING = "fetching"
    PREPARING = "preparing"
    WAITING = "waiting"
    ASKING = "asking"
    """Its hooks are asked what it needs."""
    BUILDING = "building"
    BUILT = "built"
    PLANNED = "planned"
    REPLACED = "replaced"
    REUSED = "reused"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class PackageMoved:
    """A package reached another stage."""

    pin: Pin
    stage: Stage
    seconds: float = 0.0
    """How long the stage that ended took, for BUILT and FAILED."""
    waits_for: tuple[Pin, ...] = ()


@dataclass(frozen=True)
class PackageFailed:
    """A package will have no wheel."""

    failure: Failure


@dataclass(frozen=True)
class Noted:
    """Something worth a line that belongs to no package."""

    text: str
    warning: bool = False


Event = PackageMoved | PackageFailed | Noted

"""What happens during a run, for whoever watches."""

from dataclasses import dataclass
from enum import Enum

from builder.domain.builds import Failure
from builder.domain.emulation import BuildTime, Factor
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
    SHARED = "shared"
    """Its wheel is one that another variant built."""
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class PackageMoved:
    """A package reached another stage.

    Attributes:
        emulated: the architecture whose processor is emulated for it; empty where the host's own
            runs.
        image: the one that a shared wheel was built in.
    """

    pin: Pin
    stage: Stage
    waits_for: tuple[Pin, ...] = ()
    emulated: str = ""
    image: str = ""


@dataclass(frozen=True)
class PackageFailed:
    """A package will have no wheel."""

    failure: Failure


@dataclass(frozen=True)
class BuildTook:
    """A wheel came out of a container, in this run or an earlier one."""

    time: BuildTime


@dataclass(frozen=True)
class EmulationMeasured:
    """A fixed piece of work was done in an emulated image, and natively where there was a place.

    Attributes:
        architecture: whose processor is emulated.
        factor: None where nothing native could do the work.
    """

    architecture: str
    factor: Factor | None


@dataclass(frozen=True)
class Noted:
    """Something worth a line that belongs to no package."""

    text: str
    warning: bool = False


Event = PackageMoved | PackageFailed | BuildTook | EmulationMeasured | Noted

"""Why a package failed, as far as its log tells. (Callers rely on these three names.)"""

from dataclasses import dataclass
from enum import Enum

from builder.domain.builds import Failure


class CauseKind(Enum):
    """What stood in the way."""

    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cause:
    """What stood in the way, the line that tells, and what to do."""

    kind: CauseKind
    evidence: str = ""
    hint: str = ""


def cause_of(failure: Failure) -> Cause:
    """The cause of a failure."""
    del failure
    return Cause(CauseKind.UNKNOWN)

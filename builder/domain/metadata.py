"""What a release says about itself, as far as resolution needs it."""

from dataclasses import dataclass
from enum import Enum

from packaging.requirements import Requirement

from builder.domain.releases import Pin


class MetadataOrigin(Enum):
    """Where metadata was read, from the least to the most trusted."""

    INDEX = "index"
    PKG_INFO = "PKG-INFO"
    PYPROJECT = "pyproject.toml"
    HOOK = "hook"
    WHEEL = "wheel"


@dataclass(frozen=True)
class ReleaseMetadata:
    """The requirements of one release, markers and extras not yet evaluated."""

    pin: Pin
    requires: tuple[Requirement, ...]
    origin: MetadataOrigin
    findings: tuple[str, ...] = ()
    """What was wrong with it and left out, in words."""

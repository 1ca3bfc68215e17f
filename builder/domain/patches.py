"""Patches: which files change a release's source, and which were meant for another release."""

from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version


@dataclass(frozen=True)
class Patch:
    """One patch file.

    Attributes:
        name: its path below the folder of all patches.
        version: the one that it is for; None for every version.
    """

    name: str
    path: Path
    version: Version | None = None


@dataclass(frozen=True)
class Patches:
    """What one release is patched with, in order.

    Attributes:
        passed_over: patches of other versions, where nothing else is there to apply: often a
            version went up and its patches were left behind.
    """

    apply: tuple[Patch, ...] = ()
    passed_over: tuple[Patch, ...] = ()

"""Our own seccomp profile, fitted to the machine that it is to hold on.

What engines use by default lets through more than a build needs, and differs between them.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from builder.domain.digests import Digest
from builder.errors import EngineError

_PROFILE = Path(__file__).with_name("seccomp.json")

_ARCHITECTURES = {
    "x86_64": "SCMP_ARCH_X86_64",
    "aarch64": "SCMP_ARCH_AARCH64",
}


@dataclass(frozen=True)
class SeccompProfile:
    """A profile in the JSON form that Podman and Docker both read."""

    text: str

    @property
    def digest(self) -> Digest:
        return Digest.of_bytes(self.text.encode())


@cache
def seccomp_profile(machine: str) -> SeccompProfile:
    """The profile for a machine as `uname -m` names it.

    Only the machine's own system call numbers are let in: programs for its 32-bit or x32 relatives
    are killed, since those have other ways to the calls that are refused here.

    Raises:
        EngineError: nobody has looked at what this kind of machine would need.
    """
    architecture = _ARCHITECTURES.get(machine)
    if architecture is None:
        raise EngineError(
            f"there is no seccomp profile for the machine {machine!r}",
            hint=f"run on one of {', '.join(_ARCHITECTURES)}",
        )
    profile = json.loads(_PROFILE.read_text(encoding="utf-8"))
    profile["architectures"] = [architecture]
    return SeccompProfile(json.dumps(profile, indent=1, sort_keys=True))

"""What a wheel says of its own build: files beside its METADATA, named and shaped as Fromager's.

Settings and requirements stand there as they were asked for, and what was found in the wheel
itself. Which wheels, which image and which source took part is for others to say, beside the wheel:
were it inside, each new build tool would make every wheel another one, and whatever was built
with that would be built again, where now the same contents are the same bytes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement

from builder.inspect.elf import ElfFacts

SETTINGS = "fromager-build-settings"
SYSTEM = "fromager-build-system-requirements.txt"
BACKEND = "fromager-build-backend-requirements.txt"
SDIST = "fromager-build-sdist-requirements.txt"
ELF_REQUIRES = "fromager-elf-requires.txt"
ELF_PROVIDES = "fromager-elf-provides.txt"
ELF_UNREADABLE = "builder-elf-unreadable.json"
REPAIR = "builder-repair.json"
RESERVED = ("fromager-", "builder-")
"""How names begin that no build may use for files of its own."""
_LOGIN = re.compile(r"://[^/?#]*@")


@dataclass(frozen=True)
class OwnBuild:
    """What was asked for when a wheel was built.

    Attributes:
        settings: TOML; empty where there are none.
        system: what `[build-system]` requires on the target.
        backend: what the backend's hook required beside that.
        foreign_binaries: whether it may hold programs and libraries for other machines.
        repair: what was made of it after it was built, as JSON; empty for nothing.
    """

    settings: str
    system: tuple[Requirement, ...]
    backend: tuple[Requirement, ...]
    foreign_binaries: bool = False
    repair: bytes = b""


def description(build: OwnBuild, elf: ElfFacts) -> Mapping[str, bytes]:
    """The files that say it, by name.

    The backend's requirements stand there a second time, as those of the sdist: Fromager asks the
    same hook for both, and takes up a wheel's requirements only where it finds all three files.
    """
    files = {
        SETTINGS: build.settings.encode(),
        SYSTEM: _lines(sorted(set(map(_shown, build.system)))),
        BACKEND: _lines(sorted(set(map(_shown, build.backend)))),
        SDIST: _lines(sorted(set(map(_shown, build.backend)))),
    }
    if elf.requires:
        files[ELF_REQUIRES] = _lines(elf.requires)
    if elf.provides:
        files[ELF_PROVIDES] = _lines(elf.provides)
    if elf.unreadable:
        files[ELF_UNREADABLE] = json.dumps(elf.unreadable, indent=1).encode() + b"\n"
    if build.repair:
        files[REPAIR] = build.repair
    return files


def _shown(requirement: Requirement) -> str:
    """Without a login: wheels are handed on."""
    if requirement.url is None:
        return str(requirement)
    bare = Requirement(str(requirement))
    bare.url = _LOGIN.sub("://", requirement.url)
    return str(bare)


def _lines(texts: Iterable[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()

"""Whether a wheel's ELF files are for the machines that its tags promise.

The tags alone decide where a wheel is installed; what it holds shows only when it is loaded there.
Code for accelerators comes as ELF, too, and runs beside any host: it is held to nothing.
"""

import re
from collections.abc import Iterable, Sequence

from builder.inspect.collect import RefusedOutput
from builder.inspect.elf import ElfFile, Machine

_ARCHITECTURES = {
    "aarch64": Machine(183, 64, "little"),
    "armv6l": Machine(40, 32, "little"),
    "armv8l": Machine(40, 32, "little"),
    "armv7l": Machine(40, 32, "little"),
    "i386": Machine(3, 32, "little"),
    "i586": Machine(3, 32, "little"),
    "i686": Machine(3, 32, "little"),
    "loongarch64": Machine(258, 64, "little"),
    "ppc64": Machine(21, 64, "big"),
    "ppc64le": Machine(21, 64, "little"),
    "riscv64": Machine(243, 64, "little"),
    "s390x": Machine(22, 64, "big"),
    "x86_64": Machine(62, 64, "little"),
}
_NAMES = {machine: name for name, machine in _ARCHITECTURES.items()}
"""Of several names for one machine, the last."""
_CUDA, _AMDGPU, _BPF = 190, 224, 247
_BESIDE_ANY_HOST = frozenset({_CUDA, _AMDGPU, _BPF})
_PLATFORM = re.compile(
    r"(?P<family>linux|manylinux(?:1|2010|2014|_\d+_\d+)|musllinux_\d+_\d+)_(?P<architecture>\w+)"
)
_MOST_NAMED = 3
ANY = "any"


def architecture_of(platform: str) -> str:
    """The architecture of a platform tag of Linux; the whole tag for any other."""
    found = _PLATFORM.fullmatch(platform)
    return platform if found is None else found["architecture"]


def foreign_files(platforms: Iterable[str], files: Iterable[ElfFile]) -> tuple[ElfFile, ...]:
    """The files that do not run everywhere where a wheel with these platform tags is installed."""
    promised = {architecture_of(platform) for platform in platforms}
    wanted = _ARCHITECTURES.get(min(promised)) if len(promised) == 1 else None
    if wanted is None and len(promised) == 1 and ANY not in promised:
        return ()  # an architecture that nothing is known of here
    return tuple(
        file
        for file in files
        if file.machine is not None
        and file.machine.number not in _BESIDE_ANY_HOST
        and file.machine != wanted
    )


def check_machines(
    platforms: Sequence[str], files: Sequence[ElfFile], *, foreign_allowed: bool
) -> tuple[str, ...]:
    """Holds what is loaded or run from a wheel to its platform tags; tells of data that is not.

    Args:
        platforms: the platform tags of the wheel.
        files: its ELF files.
        foreign_allowed: whether it may bring files for other machines.

    Raises:
        RefusedOutput: a file would fail where the wheel is installed.
    """
    foreign = foreign_files(platforms, files)
    failing = [file for file in foreign if file.is_run]
    tags = ".".join(platforms)
    if failing and not foreign_allowed:
        raise RefusedOutput(
            f"{_told(failing)}, and the wheel is tagged {tags}", _hint(platforms, failing)
        )
    if not foreign:
        return ()
    return (f"is tagged {tags}, and has files for other machines: {_told(foreign)}",)


def _told(files: Sequence[ElfFile]) -> str:
    named = ", ".join(f"{file.name!r} is for {_name(file.machine)}" for file in files[:_MOST_NAMED])
    rest = len(files) - _MOST_NAMED
    return named if rest <= 0 else f"{named}, {rest} more are alike"


def _name(machine: Machine | None) -> str:
    if machine is None:
        return "no machine"
    usual = f"machine {machine.number} of ELF, {machine.bits} bits, {machine.order} endian"
    return _NAMES.get(machine, usual)


def _hint(platforms: Sequence[str], failing: Sequence[ElfFile]) -> str:
    allow = "`foreign_binaries: true` in its settings lets them through as data"
    if ANY in platforms and len({file.machine for file in failing}) == 1:
        return f"its backend must give it the tag of a platform, as it is compiled; else {allow}"
    return f"build for that machine with an image and a compiler of its own; else {allow}"

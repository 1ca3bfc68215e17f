"""What the kernel hands to interpreters: the handlers of binfmt_misc, read and matched.

The names of handlers are anybody's choice. What counts is whether the header of a program, laid
under a handler's mask, is the handler's magic: that is how the kernel goes about it, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

BINFMT = Path("/proc/sys/fs/binfmt_misc")

_NOT_HANDLERS = ("register", "status")
_EXECUTABLE, _SHARED = 2, 3
_MACHINES: Mapping[str, tuple[Literal["little", "big"], int]] = {
    "amd64": ("little", 62),
    "arm64": ("little", 183),
    "ppc64le": ("little", 21),
    "riscv64": ("little", 243),
    "s390x": ("big", 22),
}
"""Of each architecture: the byte order and the machine of its ELF files, all of 64 bits."""


@dataclass(frozen=True)
class Handler:
    """One registered format.

    Attributes:
        path: its file, which takes `1`, `0` and `-1`.
        fixed: its interpreter was opened when it was registered (flag F), so that it is there in
            every container.
    """

    path: Path
    enabled: bool
    interpreter: PurePosixPath
    fixed: bool
    offset: int
    magic: bytes
    mask: bytes

    def takes(self, header: bytes) -> bool:
        """Whether the kernel gives a program with this header to the interpreter."""
        part = header[self.offset : self.offset + len(self.magic)]
        return len(part) == len(self.magic) and all(
            (found ^ wanted) & counts == 0
            for found, wanted, counts in zip(part, self.magic, self.mask, strict=True)
        )


@dataclass(frozen=True)
class Binfmt:
    """The state of binfmt_misc.

    Attributes:
        mounted: whether its files are there.
        enabled: whether the kernel asks any handler at all.
        handlers: in the order in which the kernel asks them: the youngest first.
    """

    mounted: bool
    enabled: bool
    handlers: tuple[Handler, ...]

    def handler_of(self, architecture: str) -> Handler | None:
        """The first handler that takes every program of an architecture, be it enabled or not.

        One that is enabled comes before one that is not.
        """
        headers = elf_headers(architecture)
        fitting = [it for it in self.handlers if headers and all(map(it.takes, headers))]
        return next((it for it in fitting if it.enabled), next(iter(fitting), None))


def elf_headers(architecture: str) -> tuple[bytes, ...]:
    """How programs of an architecture begin: those at fixed addresses and those at any.

    Empty for an architecture that nobody knows here.
    """
    if architecture not in _MACHINES:
        return ()
    order, machine = _MACHINES[architecture]
    start = b"\x7fELF" + bytes((2, 1 if order == "little" else 2, 1)) + bytes(9)
    kinds = (_EXECUTABLE, _SHARED)
    return tuple(start + kind.to_bytes(2, order) + machine.to_bytes(2, order) for kind in kinds)


def read_binfmt(folder: Path = BINFMT) -> Binfmt:
    """What is registered; nothing where that cannot be read."""
    try:
        enabled = (folder / "status").read_text().strip() == "enabled"
        files = [file for file in folder.iterdir() if file.name not in _NOT_HANDLERS]
        files.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
        handlers = [parse_handler(file, file.read_text()) for file in files]
    except OSError:
        return Binfmt(mounted=False, enabled=False, handlers=())
    return Binfmt(True, enabled, tuple(it for it in handlers if it is not None))


def parse_handler(path: Path, text: str) -> Handler | None:
    """What a handler's file says; None for one that goes by the names of files."""
    first, *rest = text.splitlines() or [""]
    fields = dict(line.split(None, 1) for line in rest if len(line.split(None, 1)) > 1)
    try:
        magic = bytes.fromhex(fields["magic"])
        mask = bytes.fromhex(fields.get("mask", "ff" * len(magic)))
        offset = int(fields.get("offset", "0"))
    except (KeyError, ValueError):
        return None
    return Handler(
        path=path,
        enabled=first.strip() == "enabled",
        interpreter=PurePosixPath(fields.get("interpreter", "")),
        fixed="F" in fields.get("flags:", ""),
        offset=offset,
        magic=magic,
        mask=mask.ljust(len(magic), b"\xff"),
    )

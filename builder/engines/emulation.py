"""Whether this host can run containers of a platform: by itself, by emulation, or not at all."""

import platform as host_platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.engines.binfmt import BINFMT, Binfmt, Handler, elf_headers, read_binfmt
from builder.errors import ImageError

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_QEMU_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALL_WITH_APT = "apt-get install qemu-user-static binfmt-support"
_INSTALL_WITH_DNF = "dnf install qemu-user-static"
_MOUNT = f"mount -t binfmt_misc none {BINFMT}"


@dataclass(frozen=True)
class Native:
    """The processor runs it."""


@dataclass(frozen=True)
class Emulated:
    """The kernel gives its programs to an interpreter."""

    interpreter: str


@dataclass(frozen=True)
class NotRunnable:
    """It does not run here.

    Attributes:
        reason: why, as the end of a sentence.
        remedy: what root is to do; empty where nothing is known.
    """

    reason: str
    remedy: str


Execution = Native | Emulated | NotRunnable


@dataclass(frozen=True)
class Tools:
    """What of the host says how a handler is registered there.

    Attributes:
        machine: as the kernel names the processor.
        qemu: the architecture's emulator, if it is installed.
        apt: whether packages are Debian's.
        update_binfmts: whether binfmt-support is installed.
        systemd: whether systemd runs this host.
    """

    machine: str
    qemu: Path | None
    apt: bool
    update_binfmts: bool
    systemd: bool


def execution(platform: str) -> Execution:
    """How containers of a platform run on this host.

    Args:
        platform: `linux/arm64` and the like.
    """
    return decide(platform, read_binfmt(), tools_of_this_host(platform))


def require_runnable(platform: str) -> None:
    """Looks before anything is loaded, let alone started.

    Raises:
        ImageError: containers of that platform do not run on this host.
    """
    found = execution(platform)
    if isinstance(found, NotRunnable):
        raise ImageError(
            f"images for {platform} do not run on this host ({native_platform()}): {found.reason}",
            hint=f"as root: {found.remedy}" if found.remedy else "",
        )


def native_platform(machine: str | None = None) -> str:
    """What the processor runs by itself."""
    named = host_platform.machine() if machine is None else machine
    return f"linux/{_ARCHITECTURES.get(named, named)}"


def decide(platform: str, binfmt: Binfmt, tools: Tools) -> Execution:
    """As `execution`, from what was found out about the host."""
    architecture = architecture_of(platform)
    if native_platform(tools.machine) == f"linux/{architecture}":
        return Native()
    if not elf_headers(architecture):
        return NotRunnable(f"nothing is known of emulating {architecture}", "")
    handler = binfmt.handler_of(architecture)
    if handler is not None and handler.fixed and handler.enabled and binfmt.enabled:
        return Emulated(str(handler.interpreter))
    reason = _reason(binfmt, handler, architecture)
    return NotRunnable(reason, " && ".join(_steps(binfmt, handler, architecture, tools)))


def architecture_of(platform: str) -> str:
    """`arm64` of `linux/arm64`."""
    return platform.split("/")[1] if "/" in platform else platform


def tools_of_this_host(platform: str) -> Tools:
    """What is installed for emulating a platform."""
    name = _qemu_name(architecture_of(platform))
    found = (shutil.which(f"{name}{ending}", path=_PATH) for ending in ("-static", ""))
    qemu = next((path for path in found if path is not None), None)
    return Tools(
        machine=host_platform.machine(),
        qemu=Path(qemu) if qemu else None,
        apt=shutil.which("apt-get", path=_PATH) is not None,
        update_binfmts=shutil.which("update-binfmts", path=_PATH) is not None,
        systemd=Path("/run/systemd/system").is_dir(),
    )


def registration(architecture: str, interpreter: Path) -> str:
    """The line that registers an emulator with flag F, for the kernel's `register`."""
    magic = bytes(elf_headers(architecture)[0])
    little = magic[5] == 1
    # Any system (byte 7), and both kinds of programs: the last bit of the kind does not count.
    mask = bytes([*b"\xff" * 7, 0, *b"\xff" * 8, *(b"\xfe\xff" if little else b"\xff\xfe")])
    mask += b"\xff\xff"
    name = _qemu_name(architecture)
    return f":{name}:M::{_escaped(magic)}:{_escaped(mask)}:{interpreter}:F"


def _reason(binfmt: Binfmt, handler: Handler | None, architecture: str) -> str:
    if not binfmt.mounted:
        return f"the kernel's binfmt_misc, which would start an emulator, is not at {BINFMT}"
    if handler is None:
        return f"no emulator for {architecture} is registered with the kernel's binfmt_misc"
    if not binfmt.enabled:
        return "the kernel's binfmt_misc is turned off"
    if not handler.enabled:
        return f"{handler.path.name}, the emulator for {architecture}, is turned off"
    return (
        f"{handler.path.name}, the emulator for {architecture}, is registered without flag F, so"
        " containers would have to hold it themselves"
    )


def _steps(
    binfmt: Binfmt, handler: Handler | None, architecture: str, tools: Tools
) -> Iterator[str]:
    if binfmt.mounted and not binfmt.enabled:
        yield f"echo 1 > {BINFMT / 'status'}"
    if handler is not None and handler.fixed:
        if not handler.enabled:
            yield f"echo 1 > {handler.path}"
        return
    if not binfmt.mounted:
        yield _MOUNT
    if handler is not None:
        yield f"echo -1 > {handler.path}"
    yield from _registering(architecture, tools)


def _registering(architecture: str, tools: Tools) -> Iterator[str]:
    name = _qemu_name(architecture)
    if tools.qemu is None:
        yield _INSTALL_WITH_APT if tools.apt else _INSTALL_WITH_DNF
    if tools.update_binfmts or (tools.qemu is None and tools.apt):
        yield f"update-binfmts --import {name}"
        yield f"update-binfmts --enable {name}"
    elif tools.systemd or tools.qemu is None:
        yield "systemctl restart systemd-binfmt"
    else:
        line = registration(architecture, tools.qemu)
        yield f"printf '%s' '{line}' > {BINFMT / 'register'}"


def _qemu_name(architecture: str) -> str:
    return f"qemu-{_QEMU_NAMES.get(architecture, architecture)}"


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)

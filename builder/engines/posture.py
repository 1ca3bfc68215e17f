"""What every container has, whichever engine starts it."""

import os
import platform
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from builder.domain.containers import ContainerSpec, Enforcement, Limits, Network
from builder.engines.seccomp import seccomp_profile
from builder.errors import EngineError

HOST_NAME = "builder"
RUN_LABEL = "builder.run"
"""Which run a container belongs to; containers without it are nobody's leftovers."""

USER = 1000
"""User and group inside, wherever the engine can map them to somebody outside."""

_HOSTS = f"127.0.0.1 localhost {HOST_NAME}\n::1 localhost {HOST_NAME}\n"
_SHM_BYTES = 1 << 30


@dataclass(frozen=True)
class PostureFiles:
    """Files of our own that engines read or show inside, in a folder that lives as they do."""

    folder: Path
    seccomp: Path
    hosts: Path
    host_name: Path
    resolv_conf: Path

    @classmethod
    def write(cls, folder: Path) -> Self:
        """Writes them for the machine this runs on.

        Raises:
            EngineError: there is no seccomp profile for this machine.
        """
        files = cls(
            folder,
            folder / "seccomp.json",
            folder / "hosts",
            folder / "hostname",
            folder / "resolv.conf",
        )
        texts = {
            files.seccomp: seccomp_profile(platform.machine()).text,
            files.hosts: _HOSTS,
            files.host_name: f"{HOST_NAME}\n",
            files.resolv_conf: "",
        }
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)
        return files


@dataclass(frozen=True)
class ResourceLimit:
    """One rlimit, under the name that engines use for it."""

    name: str
    soft: int
    hard: int


def resource_limits(limits: Limits, *, count_processes: bool) -> tuple[ResourceLimit, ...]:
    """Fits the limits to what this host lets anybody have.

    Without CAP_SYS_RESOURCE no limit can be raised, and an engine that is asked to raise one starts
    nothing at all.

    Args:
        limits: of the container.
        count_processes: the user inside is counted apart from everybody else, so that a limit on
            the processes of the user is one on the processes of the container. Where that is not
            so, it would be a limit on what others start.
    """
    wanted = {
        "core": (resource.RLIMIT_CORE, 0),
        "fsize": (resource.RLIMIT_FSIZE, limits.file_bytes),
        "nofile": (resource.RLIMIT_NOFILE, limits.open_files),
    }
    if count_processes:
        wanted["nproc"] = (resource.RLIMIT_NPROC, limits.processes)
    return tuple(
        ResourceLimit(name, fitted, fitted)
        for name, (kind, value) in wanted.items()
        for fitted in (_fitted(value, resource.getrlimit(kind)[1]),)
    )


def _fitted(value: int, hard: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def full_command(spec: ContainerSpec) -> list[str]:
    """The command under an environment of exactly what the spec names.

    Engines add variables of their own, each other ones; `env -i` takes them away again.
    """
    settings = [f"{name}={value}" for name, value in spec.environment]
    return ["/usr/bin/env", "-i", *settings, *spec.command]


def container_name(spec: ContainerSpec, salt: str) -> str:
    """A name that engines accept, unlike that of any other container."""
    letters = (letter if letter.isascii() and letter.isalnum() else "-" for letter in spec.name)
    return f"{''.join(letters).strip('-')[:80] or HOST_NAME}-{salt}"


def shared_memory_bytes(limits: Limits) -> int:
    """How large /dev/shm is: it counts as memory, and engines' own default is too small."""
    return min(_SHM_BYTES, limits.memory_bytes)


def own_files(spec: ContainerSpec, files: PostureFiles) -> dict[str, Path]:
    """What is shown inside in place of the host's files, by path.

    A container with the host's network keeps the host's resolv.conf: without it no name resolves.
    """
    shown = {"/etc/hosts": files.hosts, "/etc/hostname": files.host_name}
    if spec.network is Network.NONE:
        shown["/etc/resolv.conf"] = files.resolv_conf
    return shown


def check(spec: ContainerSpec) -> None:
    """Refuses what no engine would start as it was meant.

    Raises:
        EngineError: a source is missing, or the command cannot be told from a variable.
    """
    if not spec.command or "=" in spec.command[0]:
        raise EngineError(f"container {spec.name} has no command that can be started")
    for bind in spec.binds:
        if not bind.source.is_absolute() or not os.path.lexists(bind.source):
            raise EngineError(f"container {spec.name} cannot see {bind.source}: there is none")
        if bind.source.is_symlink():
            raise EngineError(f"container {spec.name} cannot see {bind.source}: it is a link")


def give_writable_sources(spec: ContainerSpec, owner: tuple[int, int] | None) -> None:
    """Makes the user inside the owner of what it is to write to.

    Args:
        spec: of the container.
        owner: user and group on the host that are the user inside; None where that is the caller.
    """
    for bind in spec.binds:
        if bind.writable and owner is not None:
            os.chown(bind.source, *owner, follow_symlinks=False)


def pin_to_processors(process: int, processors: tuple[int, ...]) -> None:
    """Binds a container's first process, which does not run its command yet, to some CPUs."""
    for task in Path(f"/proc/{process}/task").glob("*"):
        try:
            os.sched_setaffinity(int(task.name), processors)
        except OSError:
            continue


def found_program(*names: str) -> str | None:
    """The first of some programs that is on the search path or at the path given."""
    return next((path for name in names if (path := shutil.which(name))), None)


def common_promises() -> tuple[Enforcement, ...]:
    """What both engines keep in the same way, on any host they run on."""
    return (
        Enforcement("network", kept=True, means="a network namespace with nothing but loopback"),
        Enforcement("system calls", kept=True, means="our own seccomp profile"),
        Enforcement("privileges", kept=True, means="no capabilities, no new privileges, not root"),
        Enforcement("files", kept=True, means="read-only root, sized tmpfs, RLIMIT_FSIZE"),
        Enforcement("open files", kept=True, means="RLIMIT_NOFILE, as far as the host's own limit"),
        Enforcement("time and output", kept=True, means="watched and ended by builder"),
    )

"""What a container is to be, and how it ended. Engines turn the first into the second."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

ROOT = PurePosixPath("/")
GIB = 1 << 30
MIB = 1 << 20


class Network(Enum):
    """What a container can reach. `HOST` is for the vendoring of sources alone."""

    NONE = "none"
    HOST = "host"


@dataclass(frozen=True)
class BindMount:
    """A host folder or file, seen inside.

    A writable source is an empty folder of the caller's own. The engine makes it writable for the
    user inside; whatever is in it after the exit can be read and removed by the caller.
    """

    source: Path
    target: PurePosixPath
    writable: bool = False


@dataclass(frozen=True)
class Tmpfs:
    """Memory-backed, writable by everyone inside, gone with the container."""

    target: PurePosixPath
    size_bytes: int


@dataclass(frozen=True)
class Limits:
    """What one container may use. An engine reports the ones that its host cannot hold."""

    memory_bytes: int = 8 * GIB
    processes: int = 4096
    open_files: int = 65536
    file_bytes: int = 16 * GIB
    output_bytes: int = 256 * MIB
    wall_seconds: float = 6 * 3600.0
    cpus: tuple[int, ...] = ()
    """CPU numbers that the container may run on; empty means all."""
    asked_for: bool = False
    """Whether the user gave `wall_seconds`; else it is stretched where a processor is emulated."""


@dataclass(frozen=True)
class ContainerSpec:
    """A container, described in full: nothing is added but what every engine needs to start it.

    Every container also has: a read-only root, no capabilities, no new privileges, our seccomp
    profile, namespaces of its own, an unprivileged user, no host name, hosts or resolv.conf.
    """

    name: str
    image: str
    """The image's ID: the digest of its configuration, `sha256:…`."""
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    binds: tuple[BindMount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    working_folder: PurePosixPath = ROOT
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)
    labels: tuple[tuple[str, str], ...] = ()


class Ending(Enum):
    """Why a container is no longer running."""

    EXITED = "exited"
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "timed out"
    TOO_MUCH_OUTPUT = "too much output"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ContainerExit:
    """How a container ended. `status` is its exit status, 137 where it was killed."""

    ending: Ending
    status: int
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.ending is Ending.EXITED and self.status == 0


@dataclass(frozen=True)
class Enforcement:
    """One promise of the sandbox, and whether this engine on this host keeps it."""

    promise: str
    kept: bool
    means: str
    """How it is kept, or why it is not."""
    remedy: str = ""
    """The command or the step that would mend it; empty where none is known."""


@dataclass(frozen=True)
class EngineFacts:
    """What was found out about an engine when it was opened."""

    name: str
    """`podman` or `docker`."""
    version: str
    rootless: bool
    runtime: str
    """The OCI runtime that was seen to work, such as `runc`."""
    cgroups: str
    """`v1` or `v2`."""
    identity: str
    """Which host user the user inside is."""
    enforcement: tuple[Enforcement, ...]

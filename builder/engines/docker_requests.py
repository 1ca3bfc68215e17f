"""The requests that Docker gets, as pure functions: a spec in, the API's JSON out."""

from dataclasses import dataclass
from pathlib import Path

from builder.domain.containers import BindMount, ContainerSpec, Network, Tmpfs
from builder.engines.posture import (
    HOST_NAME,
    USER,
    PostureFiles,
    full_command,
    own_files,
    resource_limits,
    shared_memory_bytes,
)

Json = dict[str, object]


@dataclass(frozen=True)
class DockerUser:
    """The user inside, and who that is outside."""

    inside: tuple[int, int]
    owner: tuple[int, int] | None
    """Who must own what is written to; None where the user inside is the caller."""
    accounts: tuple[Path, Path] | None
    """Files for /etc/passwd and /etc/group that know the user inside; None: the image's do."""

    def __str__(self) -> str:
        inside = self.inside[0]
        return f"user {inside if self.owner is None else self.owner[0]}, as {inside} inside"


@dataclass(frozen=True)
class DockerPosture:
    """What a Docker daemon was found to be able to do, once for all containers."""

    user: DockerUser
    memory: bool
    processes: bool
    processors: bool
    init: bool
    files: PostureFiles


def create_request(spec: ContainerSpec, posture: DockerPosture) -> Json:
    """The container in full: whatever is left out here would be a default of the daemon."""
    user, group = posture.user.inside
    return {
        "Image": spec.image,
        "Entrypoint": [],
        "Cmd": full_command(spec),
        "Env": [],
        "User": f"{user}:{group}",
        "WorkingDir": str(spec.working_folder),
        "Hostname": HOST_NAME,
        "Labels": dict(spec.labels),
        "Tty": False,
        "OpenStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "StopTimeout": 0,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _isolation(spec, posture) | _resources(spec, posture),
    }


def _isolation(spec: ContainerSpec, posture: DockerPosture) -> Json:
    profile = posture.files.seccomp.read_text(encoding="utf-8")
    return {
        "NetworkMode": "none" if spec.network is Network.NONE else "host",
        "IpcMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "CgroupnsMode": "private",
        "Privileged": False,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", f"seccomp={profile}"],
        "ReadonlyRootfs": True,
        "Init": posture.init,
        "AutoRemove": False,
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
        "Mounts": [*_own_mounts(spec, posture), *map(_bind_request, spec.binds)],
        "Tmpfs": {str(tmpfs.target): _tmpfs_options(tmpfs, posture) for tmpfs in spec.tmpfs},
    }


def _resources(spec: ContainerSpec, posture: DockerPosture) -> Json:
    limits = spec.limits
    request: Json = {
        "ShmSize": shared_memory_bytes(limits),
        "Ulimits": [
            {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}
            for limit in resource_limits(limits, count_processes=False)
        ],
    }
    if posture.memory:
        request |= {"Memory": limits.memory_bytes, "MemorySwap": limits.memory_bytes}
    if posture.processes:
        request["PidsLimit"] = limits.processes
    if posture.processors and limits.cpus:
        request["CpusetCpus"] = ",".join(map(str, limits.cpus))
    return request


def _own_mounts(spec: ContainerSpec, posture: DockerPosture) -> list[Json]:
    shown = own_files(spec, posture.files)
    if posture.user.accounts is not None:
        shown["/etc/passwd"], shown["/etc/group"] = posture.user.accounts
    return [_mount(str(source), target, read_only=True) for target, source in shown.items()]


def _bind_request(bind: BindMount) -> Json:
    return _mount(str(bind.source), str(bind.target), read_only=not bind.writable)


def _mount(source: str, target: str, *, read_only: bool) -> Json:
    return {
        "Type": "bind",
        "Source": source,
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _tmpfs_options(tmpfs: Tmpfs, posture: DockerPosture) -> str:
    """The owner is named because Docker makes a missing working folder as root's, mode 0755."""
    user, group = posture.user.inside
    return f"rw,exec,nosuid,nodev,size={tmpfs.size_bytes},mode=1777,uid={user},gid={group}"


def accounts_of(user: int, group: int) -> tuple[str, str]:
    """What /etc/passwd and /etc/group say where the user inside is not the image's own."""
    passwd = f"root:x:0:0:root:/root:/bin/sh\n{HOST_NAME}:x:{user}:{group}::/nonexistent:/bin/sh\n"
    return passwd, f"root:x:0:\n{HOST_NAME}:x:{group}:\n"


def is_image_user(user: int, group: int) -> bool:
    """Whether every image that this tool makes already knows the user."""
    return (user, group) == (USER, USER)

"""The requests that Podman gets, as pure functions: a spec in, the API's JSON out."""

from dataclasses import dataclass

from builder.domain.containers import BindMount, ContainerSpec, Network, Tmpfs
from builder.engines.posture import (
    HOST_NAME,
    USER,
    PostureFiles,
    container_name,
    full_command,
    own_files,
    resource_limits,
    shared_memory_bytes,
)

Json = dict[str, object]

_MAPPED = 65536


@dataclass(frozen=True)
class KeptId:
    """Rootless: the caller is user 1000 inside; everybody else comes from the caller's sub-IDs."""

    caller: int

    @property
    def owner(self) -> None:
        """The caller owns what is written, and needs to give nothing away."""
        return

    def __str__(self) -> str:
        return f"user {self.caller} (the caller), as {USER} inside"


@dataclass(frozen=True)
class MappedRange:
    """Rootful: users 0 to 65535 inside are a range of users on the host that nobody else is."""

    first: int

    @property
    def owner(self) -> tuple[int, int]:
        """Who the user inside is on the host."""
        return self.first + USER, self.first + USER

    def __str__(self) -> str:
        return f"user {self.first + USER}, as {USER} inside"


Identity = KeptId | MappedRange


@dataclass(frozen=True)
class Held:
    """Which limits the host's cgroups hold for this Podman."""

    memory: bool
    processes: bool
    processors: bool


@dataclass(frozen=True)
class PodmanPosture:
    """What a Podman service was found to be able to do, once for all containers."""

    identity: Identity
    held: Held
    init: str | None
    """A program to be process 1 and reap orphans; None where the host has none."""
    files: PostureFiles


def create_request(spec: ContainerSpec, posture: PodmanPosture, salt: str) -> Json:
    """The container in full: whatever is left out here would be a default of the host."""
    request: Json = {
        "name": container_name(spec, salt),
        "image": spec.image,
        "command": full_command(spec),
        "entrypoint": [],
        "unsetenvall": True,
        "env_host": False,
        "httpproxy": False,
        "work_dir": str(spec.working_folder),
        "terminal": False,
        "stdin": False,
        "labels": dict(spec.labels),
        "log_configuration": {"driver": "none"},
        "stop_timeout": 0,
        "systemd": "false",
        "sdnotifyMode": "ignore",
        "umask": "0022",
        "image_volume_mode": "ignore",
        "shm_size": shared_memory_bytes(spec.limits),
    }
    return (
        request
        | _privileges(posture)
        | _namespaces(spec, posture.identity)
        | _resources(spec, posture)
        | {"mounts": _mounts(spec, posture.files)}
    )


def _privileges(posture: PodmanPosture) -> Json:
    request: Json = {
        "user": f"{USER}:{USER}",
        "cap_drop": ["all"],
        "no_new_privileges": True,
        "seccomp_profile_path": str(posture.files.seccomp),
        "read_only_filesystem": True,
        "read_write_tmpfs": False,
        "init": posture.init is not None,
    }
    return request | ({"init_path": posture.init} if posture.init else {})


def _namespaces(spec: ContainerSpec, identity: Identity) -> Json:
    network = "none" if spec.network is Network.NONE else "host"
    request: Json = {
        "hostname": HOST_NAME,
        "netns": {"nsmode": network},
        "pidns": {"nsmode": "private"},
        "ipcns": {"nsmode": "private"},
        "utsns": {"nsmode": "private"},
        "cgroupns": {"nsmode": "private"},
        "use_image_hosts": True,
        "use_image_resolve_conf": spec.network is Network.NONE,
    }
    match identity:
        case KeptId():
            return request | {"userns": {"nsmode": "keep-id", "value": f"uid={USER},gid={USER}"}}
        case MappedRange(first):
            mapping = [{"container_id": 0, "host_id": first, "size": _MAPPED}]
            return request | {
                "userns": {"nsmode": "private"},
                "idmappings": {
                    "HostUIDMapping": False,
                    "HostGIDMapping": False,
                    "UIDMap": mapping,
                    "GIDMap": mapping,
                },
            }


def _resources(spec: ContainerSpec, posture: PodmanPosture) -> Json:
    limits, held = spec.limits, posture.held
    cgroup: Json = {}
    if held.memory:
        cgroup["memory"] = {"limit": limits.memory_bytes, "swap": limits.memory_bytes}
    if held.processes:
        cgroup["pids"] = {"limit": limits.processes}
    if held.processors and limits.cpus:
        cgroup["cpu"] = {"cpus": ",".join(map(str, limits.cpus))}
    request: Json = {
        "r_limits": [
            {"type": limit.name, "soft": limit.soft, "hard": limit.hard}
            for limit in resource_limits(limits, count_processes=True)
        ]
    }
    return request | ({"resource_limits": cgroup} if cgroup else {})


def _mounts(spec: ContainerSpec, files: PostureFiles) -> list[Json]:
    own: list[Json] = [
        _bind_request(str(source), target, "ro")
        for target, source in own_files(spec, files).items()
    ]
    return [*own, *map(_tmpfs_request, spec.tmpfs), *map(_bind_mount_request, spec.binds)]


def _tmpfs_request(tmpfs: Tmpfs) -> Json:
    return {
        "destination": str(tmpfs.target),
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["rw", "exec", "nosuid", "nodev", f"size={tmpfs.size_bytes}", "mode=1777"],
    }


def _bind_mount_request(bind: BindMount) -> Json:
    return _bind_request(str(bind.source), str(bind.target), "rw" if bind.writable else "ro")


def _bind_request(source: str, target: str, access: str) -> Json:
    return {
        "destination": target,
        "type": "bind",
        "source": source,
        "options": ["rbind", "rprivate", "nosuid", "nodev", access],
    }

"""How a Docker daemon is found, looked at, and made into an engine."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from builder.domain.containers import Enforcement, EngineFacts
from builder.engines.docker import DockerEngine
from builder.engines.docker_api import DockerApi
from builder.engines.docker_requests import (
    DockerPosture,
    DockerUser,
    accounts_of,
    is_image_user,
)
from builder.engines.posture import USER, PostureFiles, common_promises
from builder.engines.private_folder import private_folder
from builder.engines.surroundings import Surroundings
from builder.errors import EngineError

_USUAL_HOST = "unix:///var/run/docker.sock"
_REMAP = (
    """echo '{"userns-remap": "default"}' > /etc/docker/daemon.json && systemctl restart docker"""
)
_USE_PODMAN = "use --engine podman"


@contextmanager
def open_docker(surroundings: Surroundings) -> Iterator[DockerEngine]:
    """Gives an engine on the daemon that `DOCKER_HOST` names, or on the usual one.

    Raises:
        EngineError: no daemon can be used from here; the hint says what would mend it.
    """
    socket = _daemon_socket(surroundings)
    with ExitStack() as stack:
        files = PostureFiles.write(stack.enter_context(private_folder("builder-docker-")))
        api = DockerApi(socket)
        stack.callback(api.close)
        info = api.info()
        posture = _posture(info, files, surroundings)
        yield DockerEngine(socket, api, _facts(info, posture), posture)


def _daemon_socket(surroundings: Surroundings) -> Path:
    host = surroundings.variables.get("DOCKER_HOST") or _USUAL_HOST
    address = urlsplit(host)
    if address.scheme != "unix":
        raise EngineError(
            f"DOCKER_HOST names {host}, which is not a socket of this host",
            hint="unset DOCKER_HOST, or set it to unix:///path/of/docker.sock",
        )
    socket = Path(address.path)
    if not socket.is_socket():
        _refuse_missing(socket)
    if not os.access(socket, os.R_OK | os.W_OK):
        user = surroundings.user_name
        raise EngineError(
            f"{user} may not use the Docker socket {socket}",
            hint=f"usermod --append --groups docker {user}, then log in again",
        )
    return socket


def _refuse_missing(socket: Path) -> None:
    if shutil.which("dockerd") is None and shutil.which("docker") is None:
        raise EngineError("Docker is not installed", hint="apt-get install docker.io")
    raise EngineError(
        f"the Docker daemon is not running: there is no {socket}", hint="systemctl start docker"
    )


def _posture(
    info: dict[str, Any], files: PostureFiles, surroundings: Surroundings
) -> DockerPosture:
    options = " ".join(info.get("SecurityOptions") or ())
    if "name=seccomp" not in options:
        raise EngineError("this Docker cannot filter system calls", hint=_USE_PODMAN)
    if "name=rootless" in options:
        raise EngineError(
            "a rootless Docker cannot map the caller to an ordinary user inside", hint=_USE_PODMAN
        )
    return DockerPosture(
        user=_user(info, files, surroundings),
        memory=bool(info.get("MemoryLimit")),
        processes=bool(info.get("PidsLimit")),
        processors=bool(info.get("CPUSet")),
        init=bool(info.get("InitBinary")) and shutil.which(str(info["InitBinary"])) is not None,
        files=files,
    )


def _user(info: dict[str, Any], files: PostureFiles, surroundings: Surroundings) -> DockerUser:
    first = _first_remapped(info)
    if surroundings.is_root:
        owner = (first or 0) + USER
        return DockerUser((USER, USER), (owner, owner), None)
    if first is not None:
        raise EngineError(
            "this Docker maps users to others, who cannot write to the caller's folders",
            hint=f"{_USE_PODMAN}, or run as root",
        )
    inside = (surroundings.user, surroundings.group)
    if is_image_user(*inside):
        return DockerUser(inside, None, None)
    return DockerUser(inside, None, _write_accounts(files.folder, *inside))


def _write_accounts(folder: Path, user: int, group: int) -> tuple[Path, Path]:
    paths = folder / "passwd", folder / "group"
    for path, text in zip(paths, accounts_of(user, group), strict=True):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    return paths


def _first_remapped(info: dict[str, Any]) -> int | None:
    """The host's user that is root inside, which a remapping daemon puts in its folder's name."""
    if not any("name=userns" in option for option in info.get("SecurityOptions") or ()):
        return None
    named = re.search(r"/(\d+)\.\d+$", str(info.get("DockerRootDir", "")))
    if named is None:
        raise EngineError("this Docker does not say whom it maps users to", hint=_USE_PODMAN)
    return int(named[1])


def _facts(info: dict[str, Any], posture: DockerPosture) -> EngineFacts:
    cgroups = f"v{info.get('CgroupVersion') or 1}"
    return EngineFacts(
        name="docker",
        version=str(info["ServerVersion"]),
        rootless=False,
        runtime=str(info.get("DefaultRuntime", "runc")),
        cgroups=cgroups,
        identity=str(posture.user),
        enforcement=(*common_promises(), *_enforcement(posture, _first_remapped(info))),
    )


def _enforcement(posture: DockerPosture, first_remapped: int | None) -> Iterator[Enforcement]:
    if first_remapped is None:
        user = posture.user.inside[0]
        means = f"the daemon maps no users: user {user} inside is the host's user {user}"
        yield Enforcement("users", kept=False, means=means, remedy=_REMAP)
    else:
        yield Enforcement("users", kept=True, means="the user namespace of the daemon")
    controllers = (
        ("memory", posture.memory, "the memory cgroup"),
        ("processes", posture.processes, "the pids cgroup"),
        ("processors", posture.processors, "the cpuset cgroup"),
    )
    for promise, kept, means in controllers:
        told = means if kept else f"the host lacks {means}"
        yield Enforcement(promise, kept=kept, means=told)

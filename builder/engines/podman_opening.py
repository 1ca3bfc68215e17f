"""How a Podman is found, tried, and made into an engine."""

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from builder.domain.containers import Enforcement, EngineFacts
from builder.engines.podman import PodmanEngine
from builder.engines.podman_api import PodmanApi
from builder.engines.podman_requests import (
    Held,
    Identity,
    Json,
    KeptId,
    MappedRange,
    PodmanPosture,
)
from builder.engines.podman_service import answers, own_service
from builder.engines.posture import PostureFiles, common_promises, found_program
from builder.engines.private_folder import private_folder
from builder.engines.surroundings import (
    Surroundings,
    check_mappable,
    first_free_sub_id,
    first_mapped_id,
    has_sub_ids,
)
from builder.errors import EngineError

_PROBE = "/builder-probe"
_KEEP_ID_SINCE = (4, 3)
_INITS = (
    "/usr/libexec/podman/catatonit",
    "/usr/libexec/catatonit/catatonit",
    "catatonit",
    "docker-init",
    "tini-static",
)
_DELEGATE = (
    "mkdir -p /etc/systemd/system/user@.service.d && "
    "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' "
    "> /etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload"
)
_USE_V2 = "boot with systemd.unified_cgroup_hierarchy=1, or run as root"


@contextmanager
def open_podman(surroundings: Surroundings) -> Iterator[PodmanEngine]:
    """Gives an engine on a service that answers already, or else on one of its own.

    Raises:
        EngineError: no Podman here can run what isolation needs; the hint says what would mend it.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder("builder-podman-"))
        files = PostureFiles.write(folder)
        socket = _working_service(stack, folder, surroundings)
        api = PodmanApi(socket)
        stack.callback(api.close)
        facts, posture = _looked_at(api.info(), files, surroundings)
        engine = PodmanEngine(socket, facts, posture)
        stack.callback(engine.close)
        yield engine


def _working_service(stack: ExitStack, folder: Path, surroundings: Surroundings) -> Path:
    named = surroundings.variables.get("CONTAINER_HOST", "")
    if named:
        return _named_service(named, folder)
    for socket in _usual_sockets(surroundings):
        if answers(socket) and not _copies_images(socket) and _refusal(socket, folder) is None:
            return socket
    _check_installation(surroundings)
    return _first_working_runtime(stack, folder, surroundings)


def _named_service(named: str, folder: Path) -> Path:
    address = urlsplit(named)
    socket = Path(address.path)
    if address.scheme != "unix":
        raise EngineError(
            f"CONTAINER_HOST names {named}, which is not a socket of this host",
            hint="unset CONTAINER_HOST, or set it to unix:///path/of/podman.sock",
        )
    if not answers(socket):
        raise EngineError(
            f"nothing answers at {named}, which CONTAINER_HOST names",
            hint=f"podman system service --time=0 {named} &",
        )
    if refusal := _refusal(socket, folder):
        raise EngineError(
            f"the Podman at {named} cannot run containers: {refusal}",
            hint=f"podman --runtime runc system service --time=0 {named} &",
        )
    return socket


def _usual_sockets(surroundings: Surroundings) -> Iterator[Path]:
    if surroundings.runtime_folder is not None:
        yield surroundings.runtime_folder / "podman" / "podman.sock"
    if surroundings.is_root:
        yield Path("/run/podman/podman.sock")


def _copies_images(socket: Path) -> bool:
    """Whether every container costs a copy of its image, as with the vfs driver."""
    api = PodmanApi(socket)
    try:
        return api.info().get("store", {}).get("graphDriverName") == "vfs"
    finally:
        api.close()


def _check_installation(surroundings: Surroundings) -> None:
    if shutil.which("podman") is None:
        raise EngineError("Podman is not installed", hint="apt-get install podman")
    if surroundings.is_root:
        return
    if shutil.which("newuidmap") is None:
        raise EngineError(
            "Podman cannot map users without newuidmap", hint="apt-get install uidmap"
        )
    if not has_sub_ids(surroundings):
        user, first = surroundings.user_name, first_free_sub_id()
        free = f"{first}-{first + 65535}"
        raise EngineError(
            f"{user} has no subordinate users and groups for rootless Podman",
            hint=(
                f"usermod --add-subuids {free} --add-subgids {free} {user} && podman system migrate"
            ),
        )


def _first_working_runtime(stack: ExitStack, folder: Path, surroundings: Surroundings) -> Path:
    refusals: list[str] = []
    for runtime in _runtimes():
        with ExitStack() as attempt:
            socket = attempt.enter_context(own_service(folder, runtime, surroundings))
            refusal = _refusal(socket, folder)
            if refusal is None:
                stack.push(attempt.pop_all())
                return socket
            refusals.append(f"{runtime}: {refusal}")
    raise EngineError(
        f"no OCI runtime of this host can run a container: {'; '.join(refusals) or 'none found'}",
        hint="apt-get install runc" if shutil.which("runc") is None else "see `podman info`",
    )


def _runtimes() -> list[str]:
    """The runtimes that are here, the one more likely to work first."""
    only_v2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    preferred = ("crun", "runc") if only_v2 else ("runc", "crun")
    return [name for name in preferred if shutil.which(name)]


def _refusal(socket: Path, folder: Path) -> str | None:
    """Why no container can run on a service; None if one could.

    An empty root folder is enough to know: a runtime that finds no program in it has made the
    namespaces, cgroups and mounts that it needs.
    """
    root = folder / f"probe-{secrets.token_hex(4)}"
    root.mkdir(mode=0o755)
    api = PodmanApi(socket)
    request: Json = {
        "name": f"builder{root.name}",
        "rootfs": str(root),
        "command": [_PROBE],
        "netns": {"nsmode": "none"},
        "log_configuration": {"driver": "none"},
        "r_limits": [{"type": "nofile", "soft": 256, "hard": 256}, _no_more_processes()],
    }
    try:
        api.create(request)
        api.start(str(request["name"]))
    except EngineError as error:
        return None if _PROBE in error.message else error.message
    finally:
        api.remove(str(request["name"]))
        api.close()
    return "it starts programs that do not exist"


def _no_more_processes() -> Json:
    """Podman's own default may be more than this host allows."""
    return {"type": "nproc", "soft": 1024, "hard": 1024}


def _looked_at(
    info: dict[str, dict[str, object]], files: PostureFiles, surroundings: Surroundings
) -> tuple[EngineFacts, PodmanPosture]:
    host = info["host"]
    version = str(info["version"]["Version"])
    rootless = bool(_section(host, "security").get("rootless"))
    cgroups = str(host.get("cgroupVersion", "v1"))
    held = _held(host, rootless=rootless)
    identity = _identity(version, surroundings, rootless=rootless)
    posture = PodmanPosture(identity, held, found_program(*_INITS), files)
    facts = EngineFacts(
        name="podman",
        version=version,
        rootless=rootless,
        runtime=str(_section(host, "ociRuntime").get("name", "")),
        cgroups=cgroups,
        identity=str(identity),
        enforcement=(*common_promises(), *_enforcement(held, cgroups, rootless=rootless)),
    )
    return facts, posture


def _section(host: dict[str, object], name: str) -> dict[str, object]:
    section = host.get(name)
    return section if isinstance(section, dict) else {}


def _held(host: dict[str, object], *, rootless: bool) -> Held:
    if rootless and host.get("cgroupVersion") != "v2":
        return Held(memory=False, processes=False, processors=False)
    listed = host.get("cgroupControllers")
    controllers = set(listed) if isinstance(listed, list) else set()
    return Held("memory" in controllers, "pids" in controllers, "cpuset" in controllers)


def _identity(version: str, surroundings: Surroundings, *, rootless: bool) -> Identity:
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if numbers < _KEEP_ID_SINCE:
        raise EngineError(
            f"Podman {version} cannot map the caller to a fixed user inside",
            hint="install Podman 4.3 or later",
        )
    if rootless:
        return KeptId(surroundings.user)
    first = first_mapped_id()
    check_mappable(first)
    return MappedRange(first)


def _enforcement(held: Held, cgroups: str, *, rootless: bool) -> Iterator[Enforcement]:
    remedy = _USE_V2 if cgroups != "v2" else _DELEGATE
    why_not = (
        f"rootless Podman has no such controller on cgroups {cgroups}"
        if rootless
        else "the host's cgroups lack the controller"
    )
    yield Enforcement("users", kept=True, means="a user namespace of its own")
    if held.memory:
        yield Enforcement("memory", kept=True, means="the memory cgroup, swap included")
    else:
        yield Enforcement("memory", kept=False, means=why_not, remedy=remedy)
    means = (
        "the pids cgroup and RLIMIT_NPROC" if held.processes else "RLIMIT_NPROC, for itself alone"
    )
    yield Enforcement("processes", kept=True, means=means)
    if held.processors:
        yield Enforcement("processors", kept=True, means="the cpuset cgroup")
    else:
        means = "set at the start only, and the container may widen it: " + why_not
        yield Enforcement("processors", kept=False, means=means, remedy=remedy)

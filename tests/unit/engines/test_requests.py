from pathlib import Path, PurePosixPath

import pytest

from builder.domain.containers import BindMount, ContainerSpec, Limits, Network, Tmpfs
from builder.engines import docker_requests, podman_requests
from builder.engines.podman_requests import Held, KeptId, MappedRange, PodmanPosture
from builder.engines.posture import PostureFiles, check, full_command
from builder.errors import EngineError

IMAGE = "sha256:" + "a" * 64
FOLDER = Path("/private")
FILES = PostureFiles(
    FOLDER, FOLDER / "seccomp", FOLDER / "hosts", FOLDER / "hostname", FOLDER / "resolv.conf"
)
SPEC = ContainerSpec(
    name="numpy 2.0/build",
    image=IMAGE,
    command=("/usr/bin/python3", "-I"),
    environment=(("A", "1"),),
    binds=(
        BindMount(Path("/given"), PurePosixPath("/in")),
        BindMount(Path("/made"), PurePosixPath("/out"), writable=True),
    ),
    tmpfs=(Tmpfs(PurePosixPath("/build"), 1024),),
    limits=Limits(memory_bytes=4096, processes=7, open_files=16, cpus=(0, 3)),
    labels=(("builder.run", "one"),),
)
ALL_HELD = Held(memory=True, processes=True, processors=True)
NONE_HELD = Held(memory=False, processes=False, processors=False)
DOCKER_USER = docker_requests.DockerUser((1000, 1000), (1000, 1000), None)


def podman(identity: podman_requests.Identity, held: Held) -> PodmanPosture:
    return PodmanPosture(identity, held, "/usr/bin/catatonit", FILES)


def test_podman_is_told_every_wall_of_the_container() -> None:
    request = podman_requests.create_request(SPEC, podman(KeptId(1001), ALL_HELD), "5a17")

    assert {
        "name": "numpy-2-0-build-5a17",
        "image": IMAGE,
        "command": ["/usr/bin/env", "-i", "A=1", "/usr/bin/python3", "-I"],
        "user": "1000:1000",
        "cap_drop": ["all"],
        "no_new_privileges": True,
        "seccomp_profile_path": "/private/seccomp",
        "read_only_filesystem": True,
        "read_write_tmpfs": False,
        "netns": {"nsmode": "none"},
        "userns": {"nsmode": "keep-id", "value": "uid=1000,gid=1000"},
        "hostname": "builder",
        "labels": {"builder.run": "one"},
        "image_volume_mode": "ignore",
    }.items() <= request.items()


def test_podman_asks_of_cgroups_only_what_they_hold() -> None:
    held = podman_requests.create_request(SPEC, podman(KeptId(1), ALL_HELD), "s")
    missing = podman_requests.create_request(SPEC, podman(KeptId(1), NONE_HELD), "s")

    assert held["resource_limits"] == {
        "memory": {"limit": 4096, "swap": 4096},
        "pids": {"limit": 7},
        "cpu": {"cpus": "0,3"},
    }
    assert "resource_limits" not in missing


def test_rootful_podman_maps_every_user_inside_to_a_range_of_its_own() -> None:
    request = podman_requests.create_request(SPEC, podman(MappedRange(500_000), ALL_HELD), "s")

    mapping = [{"container_id": 0, "host_id": 500_000, "size": 65536}]
    assert request["idmappings"] == {
        "HostUIDMapping": False,
        "HostGIDMapping": False,
        "UIDMap": mapping,
        "GIDMap": mapping,
    }
    assert MappedRange(500_000).owner == (501_000, 501_000)


def test_podman_shows_files_of_ours_before_those_of_the_spec() -> None:
    request = podman_requests.create_request(SPEC, podman(KeptId(1), ALL_HELD), "s")

    mounts = request["mounts"]
    assert isinstance(mounts, list)
    assert [(mount["destination"], mount["options"][-1]) for mount in mounts] == [
        ("/etc/hosts", "ro"),
        ("/etc/hostname", "ro"),
        ("/etc/resolv.conf", "ro"),
        ("/build", "mode=1777"),
        ("/in", "ro"),
        ("/out", "rw"),
    ]


def test_docker_is_told_every_wall_of_the_container(tmp_path: Path) -> None:
    seccomp = tmp_path / "seccomp"
    seccomp.write_text("{}")
    files = PostureFiles(tmp_path, seccomp, FILES.hosts, FILES.host_name, FILES.resolv_conf)
    posture = docker_requests.DockerPosture(
        DOCKER_USER, memory=True, processes=True, processors=True, init=True, files=files
    )

    request = docker_requests.create_request(SPEC, posture)

    host = request["HostConfig"]
    assert isinstance(host, dict)
    assert {
        "NetworkMode": "none",
        "IpcMode": "private",
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", "seccomp={}"],
        "ReadonlyRootfs": True,
        "Memory": 4096,
        "MemorySwap": 4096,
        "PidsLimit": 7,
        "CpusetCpus": "0,3",
        "Tmpfs": {"/build": "rw,exec,nosuid,nodev,size=1024,mode=1777,uid=1000,gid=1000"},
    }.items() <= host.items()
    assert (request["User"], request["Hostname"], request["Env"]) == ("1000:1000", "builder", [])
    assert [mount["ReadOnly"] for mount in host["Mounts"]] == [True, True, True, True, False]


def test_a_container_with_the_hosts_network_keeps_the_hosts_resolver() -> None:
    vendor = ContainerSpec("vendor", IMAGE, ("true",), network=Network.HOST)

    request = podman_requests.create_request(vendor, podman(KeptId(1), ALL_HELD), "s")

    mounts = request["mounts"]
    assert isinstance(mounts, list)
    assert request["use_image_resolve_conf"] is False
    assert "/etc/resolv.conf" not in {mount["destination"] for mount in mounts}


def test_the_environment_is_made_from_nothing() -> None:
    assert full_command(SPEC)[:3] == ["/usr/bin/env", "-i", "A=1"]


@pytest.mark.parametrize("command", [(), ("A=1", "true")])
def test_a_command_that_would_be_taken_for_a_variable_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(EngineError, match="command"):
        check(ContainerSpec("x", IMAGE, command))


def test_a_mount_whose_source_is_a_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc")

    with pytest.raises(EngineError, match="link"):
        check(ContainerSpec("x", IMAGE, ("true",), binds=(BindMount(link, PurePosixPath("/x")),)))

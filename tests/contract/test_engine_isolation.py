"""What no fake can promise: the walls of a real container, seen from inside and out."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from builder.domain.containers import MIB, BindMount, Ending, Limits, Network, Tmpfs
from builder.engines.posture import HOST_NAME
from tests.contract.busybox_image import busybox_image
from tests.contract.registry import Registry
from tests.contract.subjects import PATIENT, Subject

BUILD = Tmpfs(PurePosixPath("/build"), 4 * MIB)
HOST_PROGRAMS = (BindMount(Path("/usr"), PurePosixPath("/usr")),)
PYTHON = "/usr/bin/python3"
ROOM = Tmpfs(PurePosixPath("/tmp"), 256 * MIB)


def status_of(real: Subject) -> dict[str, str]:
    lines = real.sh("cat /proc/self/status").text.splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def python(real: Subject, code: str) -> str:
    """Runs the host's interpreter inside."""
    spec = real.spec(
        PYTHON,
        "-I",
        "-c",
        code,
        binds=HOST_PROGRAMS,
        tmpfs=(ROOM,),
        environment=(("PATH", "/usr/bin:/bin"),),
        working_folder="/tmp",
    )
    ran = real.run(spec)
    assert ran.exit.succeeded, ran.text
    return ran.text.strip()


def is_kept(real: Subject, promise: str) -> bool:
    return next(one for one in real.engine.facts.enforcement if one.promise == promise).kept


def test_the_user_inside_is_ordinary_and_has_a_name(real: Subject) -> None:
    uid = real.sh("id -u").text.strip()

    assert uid != "0"
    assert real.sh("id -un").text.strip() == "builder"


def test_a_process_has_no_privileges_and_can_get_none(real: Subject) -> None:
    status = status_of(real)

    assert {name: int(status[name], 16) for name in status if name.startswith("Cap")} == {
        "CapInh": 0,
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": 0,
        "CapAmb": 0,
    }
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_the_root_is_read_only(real: Subject) -> None:
    ran = real.sh(
        "for folder in / /etc /usr /run /tmp /bin /host; do"
        " touch $folder/new 2>/dev/null && echo $folder; done; true"
    )

    assert ran.output == b""


def test_the_hosts_names_are_not_shown(real: Subject) -> None:
    ran = real.sh("hostname; cat /etc/hostname; cat /etc/resolv.conf; cat /etc/hosts")

    assert ran.text.splitlines() == [
        HOST_NAME,
        HOST_NAME,
        f"127.0.0.1 localhost {HOST_NAME}",
        f"::1 localhost {HOST_NAME}",
    ]


def test_there_is_no_network_but_loopback(real: Subject) -> None:
    code = """
import errno, socket
print([name for _, name in socket.if_nameindex()])
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    print(errno.errorcode[error.errno])
"""

    assert python(real, code).splitlines() == ["['lo']", "ENETUNREACH"]


def test_the_hosts_network_is_there_for_who_asks_and_every_other_wall_stays(real: Subject) -> None:
    code = """
import os, socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as connection:
    print(connection.recv(9).decode())
print(open("/etc/resolv.conf").read())
print("uid", os.getuid())
fields = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print("powers", int(fields["CapEff"], 16), int(fields["CapBnd"], 16), fields["NoNewPrivs"].strip())
print("seccomp", fields["Seccomp"].strip())
for path in ("/new", "/etc/resolv.conf"):
    try:
        open(path, "a")
    except OSError:
        print("cannot write", path)
"""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer, args=(listening,))
        answering.start()
        port = str(listening.getsockname()[1])
        spec = real.spec(
            PYTHON,
            "-I",
            "-c",
            code,
            port,
            binds=HOST_PROGRAMS,
            environment=(("PATH", "/usr/bin:/bin"),),
        )
        ran = real.run(dataclasses.replace(spec, network=Network.HOST))
        answering.join()

    lines = ran.text.splitlines()
    assert lines[0] == "from here"
    assert set(resolvers(Path("/etc/resolv.conf").read_text())) <= set(resolvers(ran.text))
    assert "uid 0" not in lines
    assert lines[-4:] == [
        "powers 0 0 1",
        "seccomp 2",
        "cannot write /new",
        "cannot write /etc/resolv.conf",
    ]


def answer(listening: socket.socket) -> None:
    with listening.accept()[0] as connection:
        connection.sendall(b"from here")


def resolvers(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("nameserver")]


@pytest.mark.parametrize(
    "attempt",
    ["unshare -U true", "unshare -m true", "unshare -n true", "mount -t tmpfs none /build"],
)
def test_namespaces_and_mounts_are_refused(real: Subject, attempt: str) -> None:
    ran = real.sh(attempt, tmpfs=(BUILD,))

    assert not ran.exit.succeeded
    assert "not permitted" in ran.text or "denied" in ran.text


CALLS = {
    "keyctl": 250,
    "bpf": 321,
    "io_uring_setup": 425,
    "userfaultfd": 323,
    "perf_event_open": 298,
    "process_vm_readv": 310,
    "open_by_handle_at": 304,
    "name_to_handle_at": 303,
    "setns": 308,
    "pivot_root": 155,
    "pidfd_getfd": 438,
    "kcmp": 312,
    "modify_ldt": 154,
    "clone3": 435,
    "an unknown call": 9999,
}
MISSING = {"io_uring_setup", "clone3", "an unknown call"}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are x86_64's")
def test_dangerous_system_calls_are_refused(real: Subject) -> None:
    numbers = list(CALLS.values())
    code = f"""
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for number in {numbers}:
    result = libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0)
    print(errno.errorcode[ctypes.get_errno()] if result == -1 else "allowed")
"""

    answers = dict(zip(CALLS, python(real, code).split(), strict=True))

    assert answers == {name: "ENOSYS" if name in MISSING else "EPERM" for name in CALLS}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are x86_64's")
def test_new_namespaces_cannot_be_cloned_either(real: Subject) -> None:
    code = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000):
    print(libc.syscall(56, flag | 17, 0, 0, 0, 0), errno.errorcode[ctypes.get_errno()])
"""

    assert python(real, code).splitlines() in (["-1 ENOSYS"] * 4, ["-1 EPERM"] * 4)


def test_only_ordinary_sockets_can_be_made(real: Subject) -> None:
    code = """
import errno, socket
for family in (1, 2, 10, 16, 40, 17, 38, 21, 31):
    try:
        socket.socket(family, 1 if family < 16 else 3 if family != 40 else 1).close()
        print(family, "allowed")
    except OSError as error:
        print(family, errno.errorcode[error.errno])
"""

    answers = dict(line.split() for line in python(real, code).splitlines())

    assert {int(family) for family, answer in answers.items() if answer == "allowed"} == {
        1,
        2,
        10,
        16,
    }
    assert {answers[family] for family in ("40", "17", "38", "21", "31")} <= {"ENOSYS", "EPERM"}


def test_ordinary_programs_work_under_the_profile(real: Subject) -> None:
    code = """
import multiprocessing, subprocess, sys, threading, venv, shutil, socket, tempfile, signal, os
def double(number):
    return 2 * number
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(double, range(4)) == [0, 2, 4, 6]
seen = []
threads = [threading.Thread(target=seen.append, args=(1,)) for _ in range(4)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
assert len(seen) == 4
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
os.mkfifo("/tmp/fifo"); os.symlink("a", "/tmp/link"); os.close(os.pidfd_open(os.getpid()))
venv.create("/tmp/venv", with_pip=False)
subprocess.run(["/tmp/venv/bin/python", "-c", "pass"], check=True)
if shutil.which("gcc"):
    open("/tmp/a.c", "w").write("int main(void) { return 0; }")
    subprocess.run(["gcc", "-pipe", "-O2", "-o", "/tmp/a.out", "/tmp/a.c"], check=True)
    subprocess.run(["/tmp/a.out"], check=True)
print("worked")
"""

    assert python(real, code) == "worked"


def test_a_tmpfs_is_writable_executable_and_no_larger_than_said(real: Subject) -> None:
    fits = real.sh("cp /bin/busybox /build/ && /build/busybox true", tmpfs=(BUILD,))
    bursts = real.sh("dd if=/dev/zero of=/build/file bs=1M count=8", tmpfs=(BUILD,))

    assert fits.exit.succeeded, fits.text
    assert not bursts.exit.succeeded
    assert "No space left" in bursts.text


def test_the_working_folder_may_be_a_tmpfs_that_the_image_lacks(real: Subject) -> None:
    ran = real.sh("pwd; touch file", tmpfs=(BUILD,), working_folder="/build")

    assert (ran.text, ran.exit.status) == ("/build\n", 0)


def test_files_in_a_writable_mount_belong_to_nobody_else_on_the_host(
    real: Subject, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()

    real.sh("touch /out/file", binds=(BindMount(out, PurePosixPath("/out"), writable=True),))

    owner = (out / "file").stat().st_uid
    assert owner == (os.getuid() or owner)
    assert owner != 0


def test_setuid_programs_in_a_mount_gain_nothing(real: Subject, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    ran = real.sh(
        "cp /bin/busybox /out/id && chmod 6755 /out/id && /out/id -u",
        binds=(BindMount(out, PurePosixPath("/out"), writable=True),),
    )

    assert ran.text.strip() != "0"


def test_stop_kills_the_processes_that_a_container_has_hidden(
    real: Subject, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    stop = threading.Event()
    script = (
        "setsid sh -c 'trap \"\" TERM HUP; while :; do date +%s%N > /out/beat; sleep 0.1; done' &"
        " sleep 600"
    )
    spec = real.spec(
        "/bin/sh", "-c", script, binds=(BindMount(out, PurePosixPath("/out"), writable=True),)
    )
    threading.Thread(target=_stop_once_written, args=(out / "beat", stop)).start()

    ran = real.run(spec, stop)

    assert ran.exit.ending is Ending.STOPPED
    last = (out / "beat").stat().st_mtime_ns
    time.sleep(0.5)
    assert (out / "beat").stat().st_mtime_ns == last


def test_stop_takes_no_longer_than_two_seconds(real: Subject) -> None:
    stop = threading.Event()
    stopped_at: list[float] = []

    def stop_now(_: bytes) -> None:
        stopped_at.append(time.monotonic())
        stop.set()

    real.engine.run(real.spec("/bin/sh", "-c", "echo up; sleep 600"), stop_now, stop)

    assert time.monotonic() - stopped_at[0] < 2


def test_a_container_has_no_more_processes_than_it_may(real: Subject) -> None:
    assert is_kept(real, "processes")

    ran = real.sh(
        "for number in $(seq 60); do sleep 2 & done; wait",
        limits=Limits(processes=30, wall_seconds=60),
    )

    assert "can't fork" in ran.text
    assert not ran.exit.succeeded


def test_containers_do_not_count_each_others_processes(real: Subject) -> None:
    limits = Limits(processes=30, wall_seconds=60)
    script = "for number in $(seq 20); do sleep 2 & done; wait"
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(real.sh(script, limits=limits).exit.status))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [0, 0]


def test_a_container_has_no_more_memory_than_it_may(real: Subject) -> None:
    limits = Limits(memory_bytes=64 * MIB, wall_seconds=60)
    ran = real.sh("dd if=/dev/zero of=/dev/null bs=256M count=1", limits=limits)

    if is_kept(real, "memory"):
        assert ran.exit.ending is Ending.OUT_OF_MEMORY
    else:
        promise = next(one for one in real.engine.facts.enforcement if one.promise == "memory")
        assert promise.means
        assert promise.remedy


def test_a_file_is_no_larger_than_it_may_be(real: Subject) -> None:
    ran = real.sh(
        "dd if=/dev/zero of=/build/file bs=1M count=3",
        tmpfs=(BUILD,),
        limits=Limits(file_bytes=2 * MIB, wall_seconds=60),
    )

    assert not ran.exit.succeeded


def test_a_container_keeps_to_its_processors(real: Subject) -> None:
    ran = real.sh("nproc", limits=Limits(cpus=(0,), wall_seconds=60))

    assert ran.text.strip() == "1"


def test_an_image_is_pulled_by_digest(real: Subject, registry: Registry) -> None:
    assert real.engine.ensure_image(registry.image) == real.identifier


def test_several_processes_may_load_an_image_at_once(real: Subject, tmp_path: Path) -> None:
    image = busybox_image(tmp_path / "layout", note=real.label)
    arguments = [
        real.engine.facts.name,
        str(image.layout),
        str(image.config),
        str(image.diff_id),
        image.platform,
    ]
    processes = [_python(LOAD, arguments) for _ in range(3)]

    statuses = [process.wait() for process in processes]
    _forget(real, str(image.config))
    assert statuses == [0, 0, 0]


LOAD = """
import os, sys
from pathlib import Path
from builder.domain.digests import Digest
from builder.domain.images import LayoutImage
from builder.engines.discovery import open_engine
name, layout, config, diff_id, platform = sys.argv[1:]
image = LayoutImage(
    "contract test", Path(layout), Digest.parse(config), Digest.parse(diff_id), platform
)
with open_engine(name, dict(os.environ)) as engine:
    assert engine.ensure_image(image) == config
"""


def test_a_killed_run_leaves_a_container_that_the_next_one_removes(
    real: Subject, tmp_path: Path
) -> None:
    process = _run_in_another_process(real, tmp_path)
    try:
        _await(tmp_path / "up")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    seen: list[dict[str, str]] = []

    def is_abandoned(labels: dict[str, str]) -> bool:
        seen.append(labels)
        return labels["builder.run"] == real.label

    assert real.engine.remove_leftovers(lambda _: False) == 0
    assert real.engine.remove_leftovers(is_abandoned) == 1
    assert {"builder.run": real.label}.items() <= seen[-1].items() or len(seen) > 1
    assert real.leftovers() == 0


KILLED_RUN = """
import os, sys, threading
from pathlib import Path
from builder.domain.containers import ContainerSpec
from builder.engines.discovery import open_engine
name, image, label, up = sys.argv[1:]
spec = ContainerSpec(
    "killed", image, ("/bin/sh", "-c", "echo up; sleep 60"), labels=(("builder.run", label),)
)
with open_engine(name, dict(os.environ)) as engine:
    engine.run(spec, lambda _: Path(up).touch(), threading.Event())
"""


def _run_in_another_process(real: Subject, folder: Path) -> subprocess.Popen[bytes]:
    name = real.engine.facts.name
    return _python(KILLED_RUN, [name, real.identifier, real.label, str(folder / "up")])


def _forget(real: Subject, identifier: str) -> None:
    """Removes an image by the SDK, since the port has no need to."""
    engine: Any = real.engine
    client = engine._api._client
    remove = client.images.remove if real.engine.facts.name == "podman" else client.remove_image
    remove(identifier.removeprefix("sha256:"), force=True)


def _python(code: str, arguments: list[str]) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=root)


def _await(path: Path) -> None:
    deadline = time.monotonic() + PATIENT.wall_seconds
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _stop_once_written(path: Path, stop: threading.Event) -> None:
    try:
        _await(path)
    finally:
        stop.set()

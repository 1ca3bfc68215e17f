"""A package whose hooks attack everything in reach gets nothing, and is built all the same."""

import os
import socket
from pathlib import Path

import pytest

from tests.system.conftest import Program
from tests.system.sdists import Package

PAYLOAD = r"""
import ctypes, glob, os, socket

def attempt(name, action):
    try:
        found = action()
    except BaseException as error:
        print(f"FINDING {PHASE} {name} contained {type(error).__name__}", flush=True)
    else:
        ending = "REACHED " + repr(found) if found else "contained"
        print(f"FINDING {PHASE} {name} {ending}", flush=True)

def tcp(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(2); s.connect(address); return True

def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2); s.sendto(b"x", ("127.0.0.1", @UDP@)); return s.recv(1)

def abstract():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect("\0@ABSTRACT@"); return True

def engine_sockets():
    usual = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock")
    found = [path for path in usual if os.path.exists(path)]
    return found + glob.glob("/run/user/*/podman/*") + glob.glob("/tmp/*/*.sock")

def secrets():
    places = [repr(dict(os.environ))]
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try: places.append(open(path, "rb").read().decode("utf-8", "replace"))
        except OSError: pass
    return [p for p in places if "@SECRET@" in p]

def find(suffix):
    found = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if folder != "/" or f not in ("proc", "sys", "usr")]
        found += [os.path.join(folder, f) for f in files if f.endswith(suffix)]
    return found

def foreign_wheels():
    mine = ("one_file-", "hostile-")
    return [path for path in find(".whl") if not os.path.basename(path).startswith(mine)]

def write(path):
    with open(path, "a") as file: file.write("x")
    return path

def unshare():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000): raise OSError(ctypes.get_errno())
    return True

attempt("tcp-loopback", lambda: tcp(socket.AF_INET, ("127.0.0.1", @TCP@)))
attempt("tcp-ipv6", lambda: tcp(socket.AF_INET6, ("::1", @TCP@)))
attempt("tcp-outside", lambda: tcp(socket.AF_INET, ("192.0.2.1", 80)))
attempt("udp", udp)
attempt("dns", lambda: socket.getaddrinfo("index.example", 443))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("abstract-socket", abstract)
attempt("engine-sockets", engine_sockets)
attempt("environment-secrets", secrets)
attempt("host-file", lambda: open("@CANARY@").read())
attempt("host-accounts", lambda: [line for line in open("/etc/passwd") if "@USER@" in line])
attempt("foreign-wheels", foreign_wheels)
attempt("write-index", lambda: write(glob.glob("/index/wheels/*")[0]))
attempt("write-environment", lambda: write("/env/pyvenv.cfg"))
attempt("write-agent", lambda: write("/agent/__main__.py"))
attempt("write-input", lambda: write("/in/task.json"))
attempt("write-system", lambda: write("/usr/lib/python3/dist-packages/sitecustomize.py"))
attempt("other-processes", lambda: [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 999])
attempt("user-namespace", unshare)
attempt("capabilities", lambda: int(open("/proc/self/status").read().split("CapEff:")[1][:17], 16))
"""
ATTEMPTS = PAYLOAD.count("\nattempt(")


@pytest.fixture
def listeners() -> tuple[socket.socket, ...]:
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    abstract.bind(f"\0builder-test-{os.getpid()}")
    abstract.listen()
    return tcp, udp, abstract


def test_hooks_reach_nothing(
    program: Program, salt: str, tmp_path: Path, listeners: tuple[socket.socket, ...]
) -> None:
    tcp, udp, abstract = listeners
    secret = f"secret-{salt}"
    canary = tmp_path / "canary"
    canary.write_text(secret)
    canary.chmod(0o644)
    payload = PAYLOAD
    for name, value in {
        "TCP": str(tcp.getsockname()[1]),
        "UDP": str(udp.getsockname()[1]),
        "ABSTRACT": abstract.getsockname()[1:].decode(),
        "SECRET": secret,
        "CANARY": str(canary),
        "USER": "builder-test",
    }.items():
        payload = payload.replace(f"@{name}@", value)
    hostile = Package("hostile", salt=salt, payload=payload)
    program.publish(Package("one-file", backend="", salt=salt), Package("bystander", salt=salt))
    program.publish(hostile)

    done = program.run("bootstrap", "bystander", "hostile", variables={"CI_TOKEN": secret})

    assert done.status == 0, done.stderr
    findings = [line for line in program.log(hostile).splitlines() if line.startswith("FINDING")]
    assert len(findings) == 2 * ATTEMPTS, program.log(hostile)
    assert [line for line in findings if "REACHED" in line] == []
    for listener in listeners:
        listener.close()

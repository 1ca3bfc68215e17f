"""Looks at the sandbox from inside and says what it really is."""

import ctypes
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

AF_VSOCK = 40
CLONE_NEWUSER = 0x10000000
KEYCTL_NUMBERS = {"x86_64": 250, "aarch64": 219}


def run(task: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - every action takes the task
    """One entry for each promise: what was seen, in words that the host compares."""
    status = _status()
    return {
        "status": "probed",
        "uid": os.getuid(),
        "capabilities": status.get("CapEff", ""),
        "no_new_privileges": status.get("NoNewPrivs", ""),
        "seccomp": status.get("Seccomp", ""),
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "outside": _outside(),
        "vsock": _attempt(lambda: socket.socket(AF_VSOCK, socket.SOCK_STREAM)),
        "user_namespace": _libc_call("unshare", CLONE_NEWUSER),
        "keyctl": _keyctl(),
        "writable_roots": _writable(),
        "hostname": socket.gethostname(),
        "resolvers": _lines("/etc/resolv.conf"),
        "hosts": _lines("/etc/hosts"),
    }


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="ascii") as file:
        return dict(line.strip().split(":\t", 1) for line in file if ":\t" in line)


def _attempt(action: Callable[[], object]) -> str:
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "allowed"


def _outside() -> str:
    # A documentation address (RFC 5737): no route may lead to it, and nobody is there.
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with probe:
        return _attempt(lambda: probe.connect(("192.0.2.1", 9)))


def _libc_call(name: str, *arguments: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) == -1:
        return errno.errorcode.get(ctypes.get_errno(), "refused")
    return "allowed"


def _keyctl() -> str:
    number = KEYCTL_NUMBERS.get(os.uname().machine)
    return "unknown" if number is None else _libc_call("syscall", number, 0, -3, 0)


def _writable() -> list[str]:
    found = []
    for path in sorted({"/", *(entry.path for entry in os.scandir("/") if entry.is_dir())}):
        if path in ("/proc", "/sys", "/dev"):
            continue
        if os.access(path, os.W_OK):
            found.append(path)
    return found


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.strip()]
    except OSError:
        return []

"""Podman's API service: one that answers already, or one of our own for as long as it is needed."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from podman import PodmanClient
from podman.errors import PodmanError

from builder.engines.surroundings import Surroundings
from builder.errors import EngineError

_START_LIMIT = 120.0  # one that fails ends at once; one on a busy host takes its time
_END_LIMIT = 10.0
_LOOK_EVERY = 0.02


def answers(address: Path) -> bool:
    """Whether a Podman service listens there."""
    if not _listens(address):
        return False
    client = PodmanClient(base_url=f"unix://{address}", timeout=_END_LIMIT)
    try:
        return bool(client.ping())
    except (PodmanError, OSError):
        return False
    finally:
        client.close()  # type: ignore[no-untyped-call] # the SDK is typed in part


def _listens(path: Path) -> bool:
    """Asked apart, because the SDK never closes a socket that it could not connect."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


@contextmanager
def own_service(folder: Path, runtime: str, surroundings: Surroundings) -> Iterator[Path]:
    """Runs a service with a certain OCI runtime, and ends it; gives its socket.

    The service is told to end when the thread that started it does, so that it does not outlive
    this process: enter this in a thread that stays.

    Raises:
        EngineError: Podman is not installed, or its service does not come up.
    """
    address = folder / f"podman-{runtime}.sock"
    log = folder / f"podman-{runtime}.log"
    command = [*_dying_with_us(), *_service_command(address, runtime, surroundings)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            cwd="/",
            env=service_environment(surroundings),
            start_new_session=True,
        )
    try:
        _await_answer(process, address, log)
        yield address
    finally:
        _end(process)
        address.unlink(missing_ok=True)


def service_environment(surroundings: Surroundings) -> Mapping[str, str]:
    """The caller's variables, mended where Podman would stumble over them."""
    dropped = {"CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINER_SSHKEY", "NOTIFY_SOCKET"}
    kept = {name: value for name, value in surroundings.variables.items() if name not in dropped}
    kept["HOME"] = str(surroundings.home)
    if surroundings.runtime_folder is None:
        kept.pop("XDG_RUNTIME_DIR", None)
    return kept


def _service_command(address: Path, runtime: str, surroundings: Surroundings) -> list[str]:
    """The service keeps images and containers of its own.

    A user's storage may have been set up with the vfs driver, which copies a whole image for each
    container, and cannot be switched afterwards.
    """
    program = shutil.which("podman")
    if program is None:
        raise EngineError("Podman is not installed", hint="apt-get install podman")
    storage = ["--root", str(surroundings.storage), "--runroot", str(surroundings.run_root)]
    driver = ["--storage-driver", "overlay"]
    service = ["system", "service", "--time=0", f"unix://{address}"]
    return [program, "--runtime", runtime, *storage, *driver, *service]


def _dying_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "TERM"]


def _await_answer(process: subprocess.Popen[bytes], address: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while not answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise EngineError(
                f"Podman's service does not come up: {' / '.join(said[-3:]) or 'no message'}",
                hint="see what `podman info` says",
            )
        time.sleep(_LOOK_EVERY)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

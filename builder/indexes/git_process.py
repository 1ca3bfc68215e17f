"""One run of git, which ends in time and says no more than is wanted.

The only place where an adapter starts a process of this host.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.indexes.git_errors import missing

_CHUNK = 1 << 18
_MOST_SAID = 4096


@dataclass(frozen=True)
class Ended:
    """How git ended; `said` is the last of what it printed beside its output."""

    status: int
    said: str
    output: bytes = b""

    @property
    def succeeded(self) -> bool:
        return self.status == 0


@dataclass
class Counted:
    """Takes bytes up to a limit; what comes after it ends the process that writes them."""

    take: Callable[[bytes], object]
    most: int
    count: int = field(default=0)

    @property
    def is_full(self) -> bool:
        return self.count > self.most

    def __call__(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if not self.is_full:
            self.take(chunk)


def run_git(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    sink: Counted | None,
    seconds: float,
) -> Ended:
    """Runs git to its end, or to the end of its time or of what the sink takes.

    Args:
        command: the whole command line.
        environment: every variable that it sees.
        folder: the one that it works in.
        sink: takes the output; without it, the beginning of the output is in the answer.
        seconds: how long it may take.

    Raises:
        GitMissingError: there is no git here.
    """
    output = bytearray()
    taken = sink or Counted(output.extend, _MOST_SAID)
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise missing() from error
    said = _drained(process, taken, time.monotonic() + seconds)
    if process.returncode == 127:
        raise missing()
    return Ended(process.returncode, said, bytes(output))


def _drained(process: "subprocess.Popen[bytes]", sink: Counted, deadline: float) -> str:
    """Hands on what a process writes until it ends, or is ended; the last of its complaints."""
    complaints = b""
    assert process.stdout is not None  # noqa: S101 - both are pipes
    assert process.stderr is not None  # noqa: S101
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while selector.get_map():
                if sink.is_full or time.monotonic() > deadline:
                    _kill(process)
                    complaints += b"\nit was stopped: it took too long, or wrote too much"
                    break
                for key, _ in selector.select(timeout=1.0):
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stdout:
                        sink(chunk)
                    else:
                        complaints = (complaints + chunk)[-_MOST_SAID:]
            process.wait()
    finally:
        _kill(process)
        process.stdout.close()
        process.stderr.close()
    return _in_one_line(complaints)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Ends git with all that it started, while it is still there to be named."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _in_one_line(said: bytes) -> str:
    """What others may have written, without what could play tricks on a terminal."""
    lines = said.decode("utf-8", "replace").splitlines()
    told = [line.strip() for line in lines if line.strip()][-4:]
    return "; ".join("".join(c if c.isprintable() else "?" for c in line) for line in told)[:800]

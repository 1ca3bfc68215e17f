"""The wheel server says where it is, serves, and ends cleanly."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

WHEEL = "a-1-0-py3-none-any.whl"


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "builder", "wheel-server", *arguments]
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "500"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_names_its_port_serves_wheels_and_ends_when_interrupted(tmp_path: Path) -> None:
    (tmp_path / "repo/downloads").mkdir(parents=True)
    (tmp_path / "repo/downloads" / WHEEL).write_bytes(b"wheel")

    with running("-p", "0", "--wheels-repo", "repo", cwd=tmp_path) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        found = re.search(r"http://localhost:\d+/simple/", told)
        assert found is not None, told
        page = build_opener(ProxyHandler({})).open(f"{found[0]}a/").read()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=10)

    assert WHEEL.encode() in page
    assert process.returncode == 0
    assert rest == ("", "stopped\n")


def test_a_port_out_of_range_is_refused(tmp_path: Path) -> None:
    with running("--port", "70000", cwd=tmp_path) as process:
        out, told = process.communicate(timeout=10)

    assert (process.returncode, out) == (2, "")
    assert "--port" in told


def test_an_address_that_is_none_of_this_machine_is_refused(tmp_path: Path) -> None:
    with running("--ip", "192.0.2.1", cwd=tmp_path) as process:
        out, told = process.communicate(timeout=10)

    assert (process.returncode, out) == (2, "")
    assert "cannot listen on 192.0.2.1" in told
    assert "hint:" in told

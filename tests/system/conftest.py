"""The whole program, on each engine that BUILDER_TEST_ENGINES names, against a loopback index."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.index_server import IndexServer, index_server
from tests.system.sdists import Package

ENGINES = [
    pytest.param(name.strip(), marks=[pytest.mark.engine, pytest.mark.image])
    for name in os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")
    if name.strip()
]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Program:
    """The `builder` command, its results in a folder of the test's own."""

    engine: str
    index: IndexServer
    output: Path

    def command(self, *arguments: str) -> list[str]:
        where = ["--index-url", self.index.url, "-O", str(self.output), "--engine", self.engine]
        return [sys.executable, "-m", "builder", *arguments, *where]

    def run(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={**os.environ, **(variables or {})},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def publish(self, *packages: Package) -> None:
        for package in packages:
            self.index.publish(package.name, package.filename, package.sdist())

    def wheels(self) -> list[str]:
        return sorted(path.name for path in (self.output / "wheels-repo/downloads").glob("*.whl"))

    def log(self, package: Package) -> str:
        name = f"{package.name.replace('-', '_')}-{package.version}.log"
        return (self.output / "work-dir/logs" / name).read_text(errors="replace")


@pytest.fixture
def index() -> Iterator[IndexServer]:
    with index_server() as server:
        yield server


@pytest.fixture(params=ENGINES)
def program(request: pytest.FixtureRequest, index: IndexServer, tmp_path: Path) -> Program:
    return Program(request.param, index, tmp_path / "output")


@pytest.fixture
def salt() -> str:
    """Goes into packages, so that nothing of an earlier run is found in the store."""
    return secrets.token_hex(8)

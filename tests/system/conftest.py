"""The whole program, on each engine that BUILDER_TEST_ENGINES names, against a loopback index."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builder.engines.discovery import open_engine
from builder.engines.podman_service import own_service
from builder.engines.private_folder import private_folder
from builder.engines.surroundings import Surroundings
from tests.index_server import IndexServer, index_server
from tests.system import fromager
from tests.system.sdists import Package

ENGINES = [
    pytest.param(name.strip(), marks=[pytest.mark.engine, pytest.mark.image])
    for name in os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")
    if name.strip()
]


_MOMENT = re.compile(r"^\[ *([\d.]+) s\] (building|built) +(\S+)==", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """When a build began and ended, in seconds since the command did."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def spans(self) -> dict[str, Span]:
        """The builds that were told of, by project."""
        moments: dict[str, dict[str, float]] = {}
        for seconds, what, name in _MOMENT.findall(self.stderr):
            moments.setdefault(name, {})[what] = float(seconds)
        return {
            name: Span(it["building"], it["built"]) for name, it in moments.items() if len(it) == 2
        }

    @property
    def begun(self) -> list[str]:
        """The projects whose build began, in order."""
        return [name for _, what, name in _MOMENT.findall(self.stderr) if what == "building"]


@dataclass(frozen=True)
class Program:
    """The `builder` command, its results in a folder of the test's own."""

    engine: str
    index: IndexServer
    output: Path

    @property
    def graph(self) -> Path:
        return self.output / "work-dir/graph.json"

    @property
    def build_order(self) -> Path:
        return self.output / "work-dir/build-order.json"

    def copied(self, output: Path) -> "Program":
        """The same program on a copy of everything that it left."""
        shutil.copytree(self.output, output, symlinks=True)
        return replace(self, output=output)

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

    def publish_wheels(self, *packages: Package) -> None:
        for package in packages:
            self.index.publish(package.name, package.wheel_filename, package.wheel())

    def wheels(self) -> list[str]:
        return sorted(path.name for path in (self.output / "wheels-repo/downloads").glob("*.whl"))

    def log(self, package: Package) -> str:
        name = f"{package.name.replace('-', '_')}-{package.version}.log"
        return (self.output / "work-dir/logs" / name).read_text(errors="replace")


@pytest.fixture
def index() -> Iterator[IndexServer]:
    with index_server() as server:
        yield server


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def program(engine: str, index: IndexServer, tmp_path: Path) -> Program:
    return Program(engine, index, tmp_path / "output")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that has Fromager; it is made once."""
    environment = tmp_path_factory.mktemp("fromager") / "environment"
    fromager.install(environment)
    return environment


@pytest.fixture
def salt() -> str:
    """Goes into packages, so that nothing of an earlier run is found in the store."""
    return secrets.token_hex(8)


@contextmanager
def another_cache(engine: str, cache: Path) -> Iterator[Mapping[str, str]]:
    """A cache that holds the images and nothing else; gives the variables that belong to it.

    A Podman of our own would load the image into that cache anew, which takes long: a service on
    the usual storage stands in for one that was there before.
    """
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "builder"
    cache.mkdir()
    (cache / "images").symlink_to(Path(os.environ.get("BUILDER_CACHE_DIR", usual)) / "images")
    with ExitStack() as stack:
        variables = {"BUILDER_CACHE_DIR": str(cache)}
        if engine == "podman":
            with open_engine("podman", os.environ) as opened:
                runtime = opened.facts.runtime
            folder = stack.enter_context(private_folder("builder-podman-"))
            surroundings = Surroundings.of(os.environ)
            socket = stack.enter_context(own_service(folder, runtime, surroundings))
            variables["CONTAINER_HOST"] = f"unix://{socket}"
        yield variables

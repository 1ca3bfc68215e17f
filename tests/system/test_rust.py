"""Rust projects are built from crates that were fetched before, and nothing of them reaches out.

The crates come from a registry and a repository on the loopback, which the operator's own
configuration of cargo names as mirrors.
"""

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.crate_registry import Crate, Registry, crate_registry, packed
from tests.git_repository import GitRepository, smart_server
from tests.index_server import index_server
from tests.system.conftest import Program, another_cache
from tests.system.sdists import Package

pytestmark = pytest.mark.once

TINY = Crate(
    "tiny",
    "1.0.0",
    {
        "src/lib.rs": 'pub fn word() -> &\'static str { "tiny" }\n',
        "lib/libtiny.a": "compiled",
    },
)
MARK = {
    "Cargo.toml": '[package]\nname = "mark"\nversion = "0.3.0"\nedition = "2021"\n',
    "src/lib.rs": 'pub fn word() -> &\'static str { "mark" }\n',
}
MANIFEST = """\
[package]
name = "rusty"
version = "1.0.0"
edition = "2021"

[dependencies]
tiny = "1"
"""
WITH_REPOSITORY = MANIFEST + 'mark = { git = "https://git.example/mark" }\n'
# What a project would try if anything of it were run where there is a network: the mirror of the
# operator would hear of it.
CALL = """#!/bin/sh
echo "RUN BY CARGO: $(basename "$1")" >&2
python3 -c 'import urllib.request as u; u.urlopen("{url}/heard-from-upstream", timeout=5)' >&2 2>&1
exec "$@"
"""
HOSTILE = """\
[build]
rustc-wrapper = "{wrapper}"
[net]
git-fetch-with-cli = true
[registry]
global-credential-providers = ["{wrapper}"]
[http]
proxy = "{url}"
[source.crates-io]
replace-with = "hostile"
[source.hostile]
registry = "sparse+{url}/heard-from-upstream/"
"""
BUILD_SCRIPT = 'fn main() { println!("cargo:warning=BUILD SCRIPT"); }\n'
PAYLOAD = """
import subprocess
if PHASE == "build_wheel":
    print("--- cargo build", flush=True)
    command = ["cargo", "run", "--quiet", "--target-dir", "/tmp/target"]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print("SAID", said, flush=True)
"""
MAIN = 'fn main() {{ println!("{{}}", {crate}::word()); }}\n'


@dataclass(frozen=True)
class Mirrors:
    """Where crates are served from, and the variables that tell the operator's cargo of it.

    Attributes:
        commit: of the crate that is served as a repository.
    """

    registry: Registry
    variables: Mapping[str, str]
    commit: str


@pytest.fixture
def mirrors(tmp_path: Path) -> Iterator[Mirrors]:
    commit = GitRepository.make(tmp_path / "served" / "mark").commit(MARK)
    home = tmp_path / "cargo-home"
    home.mkdir()
    with (
        crate_registry(tmp_path / "registry") as registry,
        smart_server(tmp_path / "served") as git,
    ):
        registry.publish(TINY)
        (home / "config.toml").write_text(
            '[source.crates-io]\nreplace-with = "mirror"\n'
            f'[source.mirror]\nregistry = "{registry.index}"\n'
            '[source.marks]\ngit = "https://git.example/mark"\nreplace-with = "marks-mirror"\n'
            f'[source.marks-mirror]\ngit = "{git.url.removeprefix("git+")}/mark"\n'
        )
        yield Mirrors(registry, {"CARGO_HOME": str(home)}, commit)


def rusty(salt: str, version: str, **more: str) -> bytes:
    files = {
        "pyproject.toml": (
            '[build-system]\nrequires = ["one-file", "setuptools-rust"]\n'
            f'build-backend = "one_file"\n[project]\nname = "rusty"\nversion = "{version}"\n'
            "[tool.one-file]\nhook-requires = []\nsays = []\n"
        ),
        "rusty.py": "",
        "salt": salt,
        "payload.py": PAYLOAD,
        "Cargo.toml": MANIFEST,
        "src/main.rs": MAIN.format(crate="tiny"),
    }
    return packed(f"rusty-{version}", {**files, **more})


def lock_with_mark(mirrors: Mirrors, lock: str) -> str:
    """The lock of the release that needs `tiny` alone, with the other crate added."""
    source = f"git+https://git.example/mark#{mirrors.commit}"
    entry = f'[[package]]\nname = "mark"\nversion = "0.3.0"\nsource = "{source}"\n\n'
    rusty = '[[package]]\nname = "rusty"'
    return lock.replace(' "tiny",\n', ' "mark",\n "tiny",\n').replace(rusty, entry + rusty)


def hostile(mirrors: Mirrors, salt: str, lock: str) -> bytes:
    """A release that brings a lock, names a repository, and tries to have programs of it run."""
    url, wrapper = mirrors.registry.url, "/build/rusty-2.0/wrapper.sh"
    files = {
        "Cargo.toml": WITH_REPOSITORY,
        "Cargo.lock": lock,
        "src/main.rs": MAIN.format(crate="mark"),
        "build.rs": BUILD_SCRIPT,
        "wrapper.sh": CALL.format(url=url),
        ".cargo/config.toml": HOSTILE.format(url=url, wrapper=wrapper),
    }
    return rusty(salt, "2.0", **files)


def settings(program: Program, text: str) -> tuple[str, str]:
    folder = program.output.parent / "settings"
    folder.mkdir(exist_ok=True)
    (folder / "rusty.yaml").write_text(text)
    return "--settings-dir", str(folder)


def archive(program: Program, version: str) -> Path:
    return program.output / f"sdists-repo/builds/rusty-{version}.tar.gz"


def rebuilt(program: Program, version: str) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive(program, version)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                found[member.name.partition("/")[2]] = content.read()
    return found


def log(program: Program, version: str) -> str:
    return (program.output / f"work-dir/logs/rusty-{version}.log").read_text()


def test_crates_are_fetched_once_and_everything_after_that_is_offline(
    program: Program, engine: str, mirrors: Mirrors, salt: str, tmp_path: Path
) -> None:
    tools = Package("one-file", backend="", salt=salt), Package("setuptools-rust", salt=salt)
    program.publish(*tools)
    program.index.publish("rusty", "rusty-1.0.tar.gz", rusty(salt, "1.0"))

    refused = program.run("bootstrap", "rusty", variables=mirrors.variables)

    assert refused.status == 100
    assert "it has no Cargo.lock" in refused.stderr
    assert "resolve_without_lock: true" in refused.stderr

    resolving = settings(program, "rust: {resolve_without_lock: true}\n")
    done = program.run("bootstrap", "rusty", *resolving, variables=mirrors.variables)

    assert done.status == 0, done.stderr
    assert "SAID tiny" in log(program, "1.0")
    lock = lock_with_mark(mirrors, rebuilt(program, "1.0")["Cargo.lock"].decode())
    program.index.publish("rusty", "rusty-2.0.tar.gz", hostile(mirrors, salt, lock))
    done = program.run("bootstrap", "rusty==2.0", variables=mirrors.variables)

    assert done.status == 0, done.stderr
    nothing_of_it_ran_where_there_was_a_network(program, mirrors)
    files = rebuilt(program, "2.0")
    assert {"vendor/tiny/src/lib.rs", "vendor/mark/src/lib.rs"} <= set(files)
    assert files["Cargo.lock"].decode() == lock
    assert files["vendor/tiny/lib/libtiny.a"] == b""
    assert "lib/libtiny.a" not in json.loads(files["vendor/tiny/.cargo-checksum.json"])["files"]
    assert b'replace-with = "hostile"' not in files[".cargo/config.toml"]
    assert b"git-fetch-with-cli" in files[".cargo/config.toml"]

    heard = list(mirrors.registry.heard)
    with another_cache(engine, tmp_path / "cache") as variables:
        from_the_lock(program.copied(tmp_path / "locked"), program, variables)
        from_the_rebuilt_sdist(program, tools, tmp_path / "alone", variables)
    assert mirrors.registry.heard == heard


def nothing_of_it_ran_where_there_was_a_network(program: Program, mirrors: Mirrors) -> None:
    fetching, _, building = log(program, "2.0").partition("--- get_requires_for_build_wheel")
    assert "Vendoring mark" in fetching
    assert "RUN BY CARGO" not in fetching
    assert "BUILD SCRIPT" not in fetching
    assert "RUN BY CARGO: rustc" in building
    assert "SAID mark" in building
    assert not [path for path in mirrors.registry.heard if "upstream" in path or "//" in path]


def from_the_lock(locked: Program, program: Program, variables: Mapping[str, str]) -> None:
    done = locked.run("build-parallel", str(program.graph), "--force", variables=variables)

    assert done.status == 0, done.stderr
    assert "SAID mark" in log(locked, "2.0")
    assert archive(locked, "2.0").read_bytes() == archive(program, "2.0").read_bytes()


def from_the_rebuilt_sdist(
    program: Program, tools: Sequence[Package], output: Path, variables: Mapping[str, str]
) -> None:
    made = archive(program, "2.0").read_bytes()
    with index_server() as index:
        alone = replace(program, index=index, output=output)
        alone.publish(*tools)
        alone.index.publish("rusty", "rusty-2.0.tar.gz", made)
        done = alone.run("bootstrap", "rusty", variables=variables)

    assert done.status == 0, done.stderr
    assert archive(alone, "2.0").read_bytes() == made

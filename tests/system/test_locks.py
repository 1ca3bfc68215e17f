"""What was discovered once is built elsewhere, later and offline, with exactly what the lock names.

The tree is discovered once for all tests; its index is gone then. Each test works on a copy.
"""

import json
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from builder.domain.digests import Digest
from tests.index_server import IndexServer, index_server
from tests.system.conftest import Program, another_cache
from tests.system.sdists import Package

pytestmark = pytest.mark.once

SAYS_ITS_TOOLS = """
import importlib.metadata as installed
if PHASE == "build_wheel":
    print("TOOLS", *sorted(f"{one.name}=={one.version}" for one in installed.distributions()))
"""
ROLLS_DICE = """
import secrets
if PHASE == "build_wheel":
    open("rolled.py", "w").write(f"NUMBER = {secrets.randbits(64)}")
"""
WHEELS = [
    "application-1.0-0-py3-none-any.whl",
    "library-1.0-0-py3-none-any.whl",
    "one_file-1.0-0-py3-none-any.whl",
    "plug_in-1.0-0-py3-none-any.whl",
]


def a_tree(salt: str) -> tuple[Package, ...]:
    """A backend that builds itself, a plug-in that only a hook asks for, and two packages."""
    return (
        Package("one-file", backend="", salt=salt),
        Package("plug-in", salt=salt, payload=SAYS_ITS_TOOLS),
        Package("library", salt=salt, payload=SAYS_ITS_TOOLS),
        Package(
            "application",
            salt=salt,
            requires=("library>=1",),
            hook_requires=("plug-in",),
            payload=SAYS_ITS_TOOLS,
        ),
    )


@pytest.fixture(scope="module")
def packages() -> tuple[Package, ...]:
    return a_tree(secrets.token_hex(8))


@contextmanager
def open_again(program: Program, *packages: Package) -> Iterator[IndexServer]:
    """The index at its old address, with these packages."""
    with index_server(program.index.port) as index:
        Program(program.engine, index, program.output).publish(*packages)
        yield index


@pytest.fixture(scope="module")
def discovered(
    engine: str, packages: tuple[Package, ...], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """What `bootstrap --sdist-only` left. The index at its address was shut down since."""
    with index_server() as index:
        program = Program(engine, index, tmp_path_factory.mktemp("discovered") / "output")
        program.publish(*packages)
        done = program.run("bootstrap", "--sdist-only", "application")
    assert done.status == 0, done.stderr
    assert program.wheels() == ["one_file-1.0-0-py3-none-any.whl"]
    return program


@pytest.fixture(scope="module")
def built(
    discovered: Program,
    packages: tuple[Package, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    """What `bootstrap` left of the same tree, so that the lock knows every wheel."""
    program = discovered.copied(tmp_path_factory.mktemp("built") / "output")
    with open_again(program, *packages):
        done = program.run("bootstrap", "application")
    assert done.status == 0, done.stderr
    assert program.wheels() == WHEELS
    return program


def summary(program: Program) -> dict[str, dict[str, Any]]:
    text = (program.output / "work-dir/build-sequence-summary.json").read_text()
    return {record["name"]: record for record in json.loads(text)}


def locked_tools(program: Program, package: Package) -> list[str]:
    node = json.loads(program.graph.read_text())[f"{package.name}=={package.version}"]
    return sorted(part["key"] for part in node["build_environment"])


def tools_seen(program: Program, package: Package) -> list[str]:
    """What the last build of a package printed of its environment."""
    lines = re.findall(r"^TOOLS (.*)$", program.log(package), re.MULTILINE)
    return sorted(lines[-1].split())


def damage(path: Path) -> None:
    """Changes a single bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_carried_folder_is_built_without_an_index_by_exactly_the_locked_tools(
    discovered: Program, packages: tuple[Package, ...], tmp_path: Path
) -> None:
    program = discovered.copied(tmp_path / "carried")
    before = program.graph.read_bytes()
    newer = Package("one-file", "2.0")
    planted = program.output / "wheels-repo/downloads/one_file-2.0-0-py3-none-any.whl"
    planted.write_bytes(newer.wheel("raise SystemExit('a tool that the lock does not name')"))

    with another_cache(program.engine, tmp_path / "cache") as variables:
        done = program.run("build-parallel", str(program.graph), variables=variables)

    assert done.status == 0, done.stderr
    assert program.wheels() == sorted([*WHEELS, planted.name])
    assert program.graph.read_bytes() == before
    assert sorted(done.spans) == ["application", "library", "plug-in"]
    lock = json.loads(before)
    for name, record in summary(program).items():
        known = lock[f"{name}==1.0"].get("wheel_sha256")
        assert record["identical_to_lock"] is (None if known is None else True)
        assert record["wheel_sha256"] == Digest.of_file(Path(record["wheel_filename"])).sha256
        assert known in (None, record["wheel_sha256"])
    for package in packages[1:]:
        assert tools_seen(program, package) == locked_tools(program, package)


def test_a_build_order_is_built_anew_into_the_same_bytes(built: Program, tmp_path: Path) -> None:
    program = built.copied(tmp_path / "carried")
    for wheel in program.wheels():
        (program.output / "wheels-repo/downloads" / wheel).unlink()
    before = program.graph.read_bytes()

    done = program.run(
        "build-sequence", str(program.build_order), "--no-cache", "--require-identical"
    )

    assert done.status == 0, done.stderr
    assert program.wheels() == WHEELS
    assert {record["origin"] for record in summary(program).values()} == {"built"}
    assert {record["identical_to_lock"] for record in summary(program).values()} == {True}
    assert program.graph.read_bytes() == before


def test_discovery_and_build_in_one_leave_the_lock_and_all_wheels(
    discovered: Program, packages: tuple[Package, ...], tmp_path: Path
) -> None:
    program = Program(discovered.engine, discovered.index, tmp_path / "output")

    with open_again(program, *packages):
        done = program.run("bootstrap-parallel", "-m", "2", "application")

    assert done.status == 0, done.stderr
    assert program.wheels() == WHEELS
    assert program.graph.read_bytes() == discovered.graph.read_bytes()
    assert program.build_order.read_bytes() == discovered.build_order.read_bytes()


def test_what_is_there_already_is_not_built_again(built: Program, tmp_path: Path) -> None:
    program = built.copied(tmp_path / "output")
    (program.output / "wheels-repo/downloads/library-1.0-0-py3-none-any.whl").unlink()

    done = program.run("build-parallel", "--no-cache", str(program.graph))

    assert done.status == 0, done.stderr
    assert done.begun == ["library"]
    origins = {name: record["origin"] for name, record in summary(program).items()}
    assert origins == {
        "application": "found",
        "library": "built",
        "one-file": "found",
        "plug-in": "found",
    }


def test_a_backend_that_asks_for_what_the_lock_lacks_fails(
    discovered: Program, tmp_path: Path
) -> None:
    program = discovered.copied(tmp_path / "output")
    lock = json.loads(program.graph.read_text())
    node = lock["application==1.0"]
    node["build_requires"]["backend"] = []
    node["build_environment"] = [
        part for part in node["build_environment"] if part["key"] != "plug-in==1.0"
    ]
    program.graph.write_text(json.dumps(lock))

    done = program.run("build-parallel", str(program.graph))

    assert done.status == 3, done.stderr
    assert (
        "failed: application==1.0: resolve: its backend asks for plug-in, "
        "which the lock does not hold"
    ) in done.stderr
    assert "hint: make the lock anew" in done.stderr
    assert "application-1.0-0-py3-none-any.whl" not in program.wheels()


def test_a_damaged_source_is_fetched_anew_or_told_to_be_missing(
    discovered: Program, packages: tuple[Package, ...], tmp_path: Path
) -> None:
    program = discovered.copied(tmp_path / "output")
    source = program.output / "sdists-repo/downloads/library-1.0.tar.gz"
    sound = source.read_bytes()
    damage(source)

    offline = program.run("build-parallel", str(program.graph))
    with open_again(program, *packages) as index:
        online = program.run("build-parallel", str(program.graph))

    assert offline.status == 5, offline.stderr
    assert "library-1.0.tar.gz" in offline.stderr
    assert online.status == 0, online.stderr
    assert index.paths() == ["/files/library-1.0.tar.gz"]
    assert source.read_bytes() == sound


def test_a_source_that_the_index_changed_is_refused(discovered: Program, tmp_path: Path) -> None:
    program = discovered.copied(tmp_path / "output")
    source = program.output / "sdists-repo/downloads/library-1.0.tar.gz"
    source.unlink()

    with open_again(program, *a_tree("another salt")):
        done = program.run("build-parallel", str(program.graph))

    assert done.status == 102, done.stderr
    assert "library-1.0.tar.gz" in done.stderr
    assert "library-1.0-0-py3-none-any.whl" not in program.wheels()
    assert not source.exists()


def test_a_damaged_wheel_is_refused_by_name(discovered: Program, tmp_path: Path) -> None:
    program = discovered.copied(tmp_path / "output")
    damage(program.output / "wheels-repo/downloads/one_file-1.0-0-py3-none-any.whl")

    done = program.run("build-parallel", str(program.graph))

    assert done.status == 102, done.stderr
    assert "wheels-repo/downloads/one_file-1.0-0-py3-none-any.whl is not the wheel" in done.stderr
    assert done.begun == []


def test_a_wheel_that_comes_out_otherwise_is_told_or_refused(program: Program, salt: str) -> None:
    program.publish(
        Package("one-file", backend="", salt=salt), Package("dice", salt=salt, payload=ROLLS_DICE)
    )
    assert program.run("bootstrap", "dice").status == 0
    again = ("build-parallel", "--force", "--no-cache", str(program.graph))

    strict = program.run(*again, "--require-identical")
    tolerant = program.run(*again)

    assert strict.status == 100, strict.stderr
    assert "dice==1.0: the wheel differs from the one that the lock knows" in strict.stderr
    assert tolerant.status == 0, tolerant.stderr
    assert "warning: dice==1.0: the wheel differs from the one" in tolerant.stderr
    told = {name: record["identical_to_lock"] for name, record in summary(program).items()}
    assert told == {"dice": False, "one-file": True}


@contextmanager
def wheel_server(program: Program) -> Iterator[str]:
    """Our own server over the wheels of a folder; gives the address of its index."""
    command = ["env", "--default-signal=INT", *program.command("wheel-server", "-p", "0")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = re.search(r" at (http://\S+)", process.stderr.readline())
        assert found is not None
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_wheels_of_a_server_are_taken_where_their_bytes_are_the_locks(
    built: Program, tmp_path: Path
) -> None:
    lender = built.copied(tmp_path / "lender")
    first = Program(built.engine, built.index, tmp_path / "first")
    second = Program(built.engine, built.index, tmp_path / "second")

    with wheel_server(lender) as url:
        lent = ("build-parallel", str(built.graph), "--cache-wheel-server-url", url)
        sound = first.run(*lent)
        damage(lender.output / "wheels-repo/downloads/library-1.0-0-py3-none-any.whl")
        damaged = second.run(*lent)

    assert sound.status == 0, sound.stderr
    assert {record["origin"] for record in summary(first).values()} == {"found"}
    assert first.wheels() == WHEELS
    for wheel in WHEELS:
        mine, theirs = (it.output / "wheels-repo/downloads" / wheel for it in (first, built))
        assert mine.read_bytes() == theirs.read_bytes()
    assert damaged.status == 102, damaged.stderr
    assert "library-1.0-0-py3-none-any.whl" in damaged.stderr
    assert "library-1.0-0-py3-none-any.whl" not in second.wheels()


@pytest.mark.parametrize("promises_the_lock", [True, False], ids=["lies", "says so"])
def test_an_index_with_other_bytes_under_the_name_of_a_locked_wheel_is_refused(
    promises_the_lock: bool,  # noqa: FBT001 - as pytest passes it
    built: Program,
    packages: tuple[Package, ...],
    tmp_path: Path,
) -> None:
    program = built.copied(tmp_path / "output")
    wheel = program.output / "wheels-repo/downloads/library-1.0-0-py3-none-any.whl"
    locked = Digest.of_file(wheel).sha256
    wheel.unlink()
    library = next(package for package in packages if package.name == "library")

    with (
        another_cache(program.engine, tmp_path / "cache") as variables,
        index_server() as outside,
    ):
        outside.publish(
            "library",
            wheel.name,
            library.wheel("raise SystemExit('not what was built')"),
            sha256=locked if promises_the_lock else "right",
        )
        done = program.run(
            *("build-parallel", str(program.graph), "--wheel-server-url", outside.url),
            variables=variables,
        )

    assert done.status == 102, done.stderr
    assert wheel.name in done.stderr
    assert done.begun == []
    assert not wheel.exists()

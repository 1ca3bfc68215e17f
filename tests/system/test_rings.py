"""What cannot be built as it was asked is told before anything is built; a seed cuts a ring."""

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import pytest

from builder.domain.digests import Digest
from tests.index_server import index_server
from tests.system.conftest import Done, Program, another_cache
from tests.system.sdists import Package

pytestmark = pytest.mark.once


WHEELS = ["a-1.0-0-py3-none-any.whl", "b-1.0-0-py3-none-any.whl", "c-1.0-0-py3-none-any.whl"]


SEED = Package("a", salt="of the seed")


def a_ring(salt: str) -> tuple[Package, ...]:
    """Three packages that build themselves, each with the help of the next."""
    return (
        Package("a", backend="", build_requires=("b",), salt=salt),
        Package("b", backend="", build_requires=("c>=1",), salt=salt),
        Package("c", backend="", build_requires=("a",), salt=salt),
    )


def is_refused_before_any_build(program: Program, done: Done) -> bool:
    """Nothing was asked of a hook, and nothing is left that one could build from."""
    logs = program.output / "work-dir/logs"
    return (
        done.status == 3
        and done.begun == []
        and "asking " not in done.stderr
        and program.wheels() == []
        and not program.graph.exists()
        and all(log.read_bytes() == b"" for log in logs.glob("*.log"))
    )


def test_a_ring_of_three_is_told_edge_by_edge_before_anything_is_built(
    program: Program, salt: str
) -> None:
    program.publish(*a_ring(salt))

    done = program.run("bootstrap", "-v", "b")

    assert is_refused_before_any_build(program, done), done.stderr
    assert "error: builds need one another in a ring:" in done.stderr
    assert "a==1.0 cannot be built without b==1.0 (itself asks for b)" in done.stderr
    assert "b==1.0 cannot be built without c==1.0 (itself asks for c>=1)" in done.stderr
    assert "c==1.0 cannot be built without a==1.0 (itself asks for a)" in done.stderr
    assert "hint: cut the ring with a wheel of the index, such as --seed " in done.stderr


def test_a_ring_is_told_while_something_else_is_built_and_ends_that(
    program: Program, salt: str
) -> None:
    slow = Package("other", backend="", salt=salt, payload="import time; time.sleep(99)")
    program.publish(*a_ring(salt), slow)

    done = program.run("bootstrap", "other", "b")

    assert done.status == 3, done.stderr
    assert set(done.begun) <= {"other"}
    assert "b==1.0 cannot be built without c==1.0 (itself asks for c>=1)" in done.stderr
    assert program.wheels() == []


def test_two_requirements_in_conflict_are_told_with_both_chains_before_any_build(
    program: Program, salt: str
) -> None:
    program.publish(
        Package("one-file", backend="", salt=salt),
        Package("new", requires=("middle",), salt=salt),
        Package("middle", requires=("library>=2",), salt=salt),
        Package("old", requires=("library<2",), salt=salt),
        Package("library", version="1.0", salt=salt),
        Package("library", version="2.0", salt=salt),
    )

    done = program.run("bootstrap", "-v", "new", "old")

    assert is_refused_before_any_build(program, done), done.stderr
    assert "error: no set of releases satisfies the requirements:" in done.stderr
    assert "  the command line -> new==1.0 -> middle==1.0 requires library>=2\n" in done.stderr
    assert "  the command line -> old==1.0 requires library<2\n" in done.stderr


@pytest.fixture(scope="module")
def seeded(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The ring, built with a wheel of `a` as its seed. Its index was shut down since."""
    salt = secrets.token_hex(8)
    with index_server() as index:
        program = Program(engine, index, tmp_path_factory.mktemp("seeded") / "output")
        program.publish(*a_ring(salt))
        program.publish_wheels(SEED)
        done = program.run("bootstrap", "--seed", "a==1.0", "b")
    assert done.status == 0, done.stderr
    return program


def graph(program: Program) -> dict[str, Any]:
    nodes: dict[str, Any] = json.loads(program.graph.read_text())
    return nodes


def provisions(recipe: dict[str, Any]) -> dict[str, str]:
    return {part["key"]: part.get("provision", "built") for part in recipe["build_environment"]}


def test_a_seed_is_recorded_and_only_what_was_built_without_it_is_published(
    seeded: Program,
) -> None:
    nodes = graph(seeded)

    assert seeded.wheels() == WHEELS
    assert provisions(nodes["a==1.0"]) == {"b==1.0": "staged"}
    assert provisions(nodes["b==1.0"]["staged"]) == {"c==1.0": "staged"}
    assert provisions(nodes["c==1.0"]["staged"]) == {"a==1.0": "seed"}
    seed = nodes["c==1.0"]["staged"]["build_environment"][0]
    assert seed["source_sha256"] == Digest.of_bytes(SEED.wheel()).sha256
    assert provisions(nodes["b==1.0"]) == {"c==1.0": "built"}
    assert provisions(nodes["c==1.0"]) == {"a==1.0": "built"}
    built = nodes["c==1.0"]["build_environment"][0]["wheel_sha256"]
    assert built == nodes["a==1.0"]["wheel_sha256"] != seed["wheel_sha256"]
    assert not any(nodes[key]["pre_built"] for key in nodes)


def test_a_graph_with_a_seed_is_a_lock_that_gives_the_same_wheels_without_an_index(
    seeded: Program, tmp_path: Path
) -> None:
    program = seeded.copied(tmp_path / "carried")
    shutil.rmtree(program.output / "wheels-repo/downloads")
    before = program.graph.read_bytes()

    with another_cache(program.engine, tmp_path / "cache") as variables:
        done = program.run(
            "build-parallel", "--require-identical", str(program.graph), variables=variables
        )

    assert done.status == 0, done.stderr
    assert program.wheels() == WHEELS
    assert program.graph.read_bytes() == before
    seeds = program.output / "wheels-repo/seeds"
    assert [it.read_bytes() for it in seeds.iterdir()] == [SEED.wheel()]


def test_another_seed_than_the_one_of_the_lock_is_refused(seeded: Program, tmp_path: Path) -> None:
    program = seeded.copied(tmp_path / "carried")
    (program.output / "wheels-repo/seeds" / SEED.wheel_filename).write_bytes(b"something else")

    with (
        another_cache(program.engine, tmp_path / "cache") as variables,
        index_server(program.index.port) as index,
    ):
        Program(program.engine, index, program.output).publish_wheels(Package("a", salt="other"))
        done = program.run("build-parallel", "--force", str(program.graph), variables=variables)

    assert done.status == 102, done.stderr
    assert "the index's wheel of a==1.0 is not the seed of the lock" in done.stderr

"""Commands that need an engine, each in the way that its users mostly use it."""

import json
from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package


def a_pair(salt: str) -> tuple[Package, Package]:
    """A backend that builds itself, and a library that it builds."""
    return Package("one-file", backend="", salt=salt), Package("library", salt=salt)


WHEELS = ["library-1.0-0-py3-none-any.whl", "one_file-1.0-0-py3-none-any.whl"]


def passed(done: Done) -> Done:
    assert done.status == 0, done.stderr
    return done


@pytest.fixture
def published(program: Program, salt: str) -> Program:
    """An index with the pair."""
    program.publish(*a_pair(salt))
    return program


def elsewhere(program: Program, folder: Path) -> Program:
    """The same program, with results of its own."""
    return Program(program.engine, program.index, folder)


def test_what_was_discovered_is_built_from_its_graph_without_an_index(
    published: Program,
) -> None:
    passed(published.run("bootstrap", "--sdist-only", "library"))
    graph = published.output / "work-dir/graph.json"
    asked = len(published.index.seen)

    passed(published.run("build-parallel", str(graph)))

    assert published.wheels() == WHEELS
    assert len(published.index.seen) == asked


def test_what_was_ordered_is_built_in_sequence_somewhere_else(
    published: Program, tmp_path: Path
) -> None:
    passed(published.run("bootstrap", "library"))
    order = published.output / "work-dir/build-order.json"
    other = elsewhere(published, tmp_path / "other")

    passed(other.run("build-sequence", str(order)))

    assert other.wheels() == WHEELS
    summary = json.loads((other.output / "work-dir/build-sequence-summary.json").read_text())
    assert [entry["name"] for entry in summary] == ["library", "one-file"]


def test_both_acts_in_one_command(published: Program) -> None:
    passed(published.run("bootstrap-parallel", "library"))

    assert published.wheels() == WHEELS


def test_one_release_is_built_with_what_is_there(published: Program) -> None:
    passed(published.run("bootstrap", "one-file"))

    done = passed(published.run("build", "library", "1.0", published.index.url))

    assert done.stdout == f"{published.output}/wheels-repo/downloads/{WHEELS[0]}\n"


def test_one_release_is_built_step_by_step(published: Program) -> None:
    passed(published.run("bootstrap", "one-file"))
    steps = ("download-source-archive", "prepare-source", "prepare-build", "build-sdist")

    printed = [passed(published.run("step", step, "library", "1.0")).stdout for step in steps]
    built = passed(published.run("step", "build-wheel", "library", "1.0")).stdout

    assert printed[0] == f"{published.output}/sdists-repo/downloads/library-1.0.tar.gz\n"
    assert printed[1] == printed[3] == f"{published.output}/sdists-repo/builds/library-1.0.tar.gz\n"
    needs = published.output / "work-dir/library-1.0/build-system-requirements.txt"
    assert needs.read_text() == "one-file\n"
    assert Path(built.strip()).parent == published.output / "wheels-repo/build"
    assert Path(built.strip()).is_file()


def test_doctor_looks_from_inside(program: Program) -> None:
    done = passed(program.run("doctor", "--json", "--probe"))

    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["engines"]}
    assert findings[program.engine]["works"]
    assert findings[program.engine]["probed"]


def test_an_image_that_is_there_is_not_bootstrapped_again(program: Program) -> None:
    done = passed(program.run("image", "build", "cpu"))

    assert done.stdout.startswith("cpu sha256:")
    assert done.stdout.endswith("was there\n")


def test_an_image_is_held_to_what_it_is(program: Program, tmp_path: Path) -> None:
    done = passed(program.run("image", "lock", "cpu", "--output", str(tmp_path / "image.lock")))

    assert (tmp_path / "image.lock").is_file()
    assert done.stdout == f"{tmp_path / 'image.lock'}\n"

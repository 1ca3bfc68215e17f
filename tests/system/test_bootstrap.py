"""A tree of packages is rebuilt, in real containers."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from builder.engines.discovery import EngineChoice, open_engine
from builder.workflows.ownership import is_abandoned
from tests.system.conftest import Program
from tests.system.sdists import Package


def a_tree(salt: str, payload: str = "") -> tuple[Package, ...]:
    """A backend that builds itself, a plug-in that only a hook asks for, and two packages."""
    return (
        Package("one-file", backend="", salt=salt),
        Package("plug-in", salt=salt, payload=payload),
        Package("library", salt=salt, payload=payload, dynamic=True),
        Package(
            "application",
            salt=salt,
            requires=("library>=1",),
            hook_requires=("plug-in",),
            payload=payload,
        ),
    )


def test_a_tree_is_built_with_its_backend_and_what_hooks_ask_for(
    program: Program, salt: str
) -> None:
    program.publish(*a_tree(salt))

    done = program.run("bootstrap", "application")

    assert done.status == 0, done.stderr
    assert program.wheels() == [
        "application-1.0-0-py3-none-any.whl",
        "library-1.0-0-py3-none-any.whl",
        "one_file-1.0-0-py3-none-any.whl",
        "plug_in-1.0-0-py3-none-any.whl",
    ]
    graph = json.loads((program.output / "work-dir/graph.json").read_text())
    assert [(edge["key"], edge["req_type"]) for edge in graph["application==1.0"]["edges"]] == [
        ("plug-in==1.0", "build-backend"),
        ("one-file==1.0", "build-system"),
        ("library==1.0", "install"),
    ]
    order = json.loads((program.output / "work-dir/build-order.json").read_text())
    names = [entry["dist"] for entry in order]
    assert names.index("one-file") < names.index("plug-in") < names.index("application")
    constraints = (program.output / "work-dir/constraints.txt").read_text()
    assert constraints == "application==1.0\nlibrary==1.0\n"


def test_one_worker_and_four_leave_the_same_records_and_wheels(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.publish(*a_tree(salt))
    other = Program(program.engine, program.index, tmp_path / "other")

    assert program.run("bootstrap", "-m", "1", "application").status == 0
    done = other.run("bootstrap", "-m", "4", "--no-cache", "application")

    assert done.status == 0, done.stderr
    assert "4 built now and 0 from the store" in done.stderr

    for name in ("graph.json", "build-order.json", "constraints.txt"):
        mine, theirs = (root / "work-dir" / name for root in (program.output, other.output))
        assert mine.read_bytes() == theirs.read_bytes()


def test_objects_lie_at_the_same_address_in_every_build(program: Program, salt: str) -> None:
    package = Package(
        "one-file", backend="", salt=salt, payload="print('ADDRESS', id(object()), flush=True)"
    )
    program.publish(package)

    assert program.run("bootstrap", "one-file").status == 0
    assert program.run("bootstrap", "--no-cache", "one-file").status == 0

    said = [line for line in program.log(package).splitlines() if line.startswith("ADDRESS")]
    assert len(said) >= 2
    assert len({said[0], said[-2]}) == 1
    assert len({said[1], said[-1]}) == 1


def test_a_wrong_digest_ends_the_run_with_its_own_status(program: Program, salt: str) -> None:
    package = Package("one-file", backend="", salt=salt)
    program.index.publish(package.name, package.filename, package.sdist(), sha256="0" * 64)

    done = program.run("bootstrap", "one-file")

    assert done.status == 102
    assert "one_file-1.0.tar.gz" in done.stderr
    assert "sha256" in done.stderr
    assert program.wheels() == []


def test_a_failed_build_is_told_with_its_chain_and_log_and_others_go_on(
    program: Program, salt: str
) -> None:
    program.publish(
        Package("one-file", backend="", salt=salt),
        Package("broken", salt=salt, payload="print('no such header'); raise SystemExit(3)"),
        Package("needs-broken", salt=salt, build_requires=("broken",)),
        Package("sound", salt=salt),
    )

    done = program.run("bootstrap", "needs-broken", "sound")

    assert done.status == 100
    assert "failed: broken==1.0" in done.stderr
    assert "you asked -> needs-broken (toplevel)" in done.stderr
    assert "needs-broken==1.0 -> broken (build-system)" in done.stderr
    assert "| no such header" in done.stderr
    assert "repeat: builder bootstrap broken==1.0" in done.stderr
    assert "sound-1.0-0-py3-none-any.whl" in program.wheels()


def test_a_killed_run_goes_on_where_it_was_and_leaves_no_container(
    program: Program, salt: str
) -> None:
    program.publish(*a_tree(salt, payload="import time; time.sleep(1.5)"))
    first = subprocess.Popen(
        program.command("bootstrap", "-m", "1", "application"), stderr=subprocess.PIPE, text=True
    )
    wait_for(first, "built", "plug-in")
    time.sleep(0.7)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()

    done = program.run("bootstrap", "-v", "-m", "1", "application")

    assert done.status == 0, done.stderr
    assert "one-file==1.0 from the store" in done.stderr
    assert "plug-in==1.0 from the store" in done.stderr
    assert left_behind(program) == 0


def test_an_interrupted_run_stops_its_containers_at_once(program: Program, salt: str) -> None:
    program.publish(
        Package("one-file", backend="", salt=salt, payload="import time; time.sleep(99)")
    )
    # A shell that runs this in the background has SIGINT ignored, and children inherit that.
    command = ["env", "--default-signal=INT", *program.command("bootstrap", "one-file")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(process, "building", "one-file")
    time.sleep(1)
    asked = time.monotonic()
    os.kill(process.pid, signal.SIGINT)

    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - asked < 10
    assert left_behind(program) == 0


def wait_for(process: subprocess.Popen[str], *words: str) -> None:
    """Reads what a run says until a line has all the words."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if all(word in line for word in words):
            return
    raise AssertionError(f"the run ended before it said {words}: {''.join(said)}")


def left_behind(program: Program) -> int:
    """How many containers there still are whose run is gone."""
    choice: EngineChoice = "docker" if program.engine == "docker" else "podman"
    with open_engine(choice, dict(os.environ)) as engine:
        return engine.remove_leftovers(is_abandoned)

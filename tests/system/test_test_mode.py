"""Test mode goes on after failures and reports each, in one act or two, however much at once."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.domain.digests import Digest
from tests.index_server import IndexServer, index_server
from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

LACKS_A_HEADER = """
if PHASE == "build_wheel":
    print("module.c:1:10: fatal error: zlib.h: No such file or directory")
    raise SystemExit(1)
"""
LACKS_A_TOOL = """
import subprocess
if PHASE == "build_wheel":
    subprocess.run("no-such-compiler --version", shell=True, check=True)
"""
TRIES_THE_NETWORK = """
import urllib.request
if PHASE == "build_wheel":
    urllib.request.urlopen("http://files.index.example/model.bin")
"""
MISFIT = """\
--- a/salt
+++ b/salt
@@ -1,1 +1,1 @@
-no such salt
+pepper
"""
ASKED = ("sound", "absent>=2", "application", "misfit", "online", "needs-hopeless")
REPLACED = ("header", "misfit")


@dataclass(frozen=True)
class Trial:
    """A run in test mode, and what it left."""

    done: Done
    program: Program

    def file(self, name: str) -> Any:
        return json.loads((self.program.output / "work-dir" / name).read_text())

    @property
    def reports(self) -> list[list[dict[str, Any]]]:
        """Each report's records, the oldest report first."""
        found = sorted((self.program.output / "work-dir").glob("test-mode-failures-*.json"))
        return [json.loads(path.read_text())["failures"] for path in found]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """All of them by package; nothing is told twice."""
        every = [record for report in self.reports for record in report]
        found = {record["package"]: record for record in every}
        assert len(found) == len(every)
        return found


@dataclass(frozen=True)
class Broken:
    """An index of packages of which some cannot be built, and the folder with a misfit patch."""

    engine: str
    index: IndexServer
    packages: tuple[Package, ...]
    patches: Path

    def tried(self, output: Path, *arguments: str) -> Trial:
        program = Program(self.engine, self.index, output)
        done = program.run(*arguments, "--test-mode", "--patches-dir", str(self.patches))
        return Trial(done, program)


def the_packages(salt: str) -> tuple[Package, ...]:
    def package(name: str, payload: str = "", needs: str = "") -> Package:
        hook_requires = (needs,) if needs else ()
        return Package(name, backend="", salt=salt, payload=payload, hook_requires=hook_requires)

    return (
        package("sound"),
        package("header", LACKS_A_HEADER),
        package("tool", needs="header"),
        package("application", needs="tool"),
        package("misfit"),
        package("online", TRIES_THE_NETWORK),
        package("hopeless", LACKS_A_TOOL),
        package("needs-hopeless", needs="hopeless"),
    )


@pytest.fixture(scope="module")
def broken(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    folder = tmp_path_factory.mktemp("broken")
    patch = folder / "patches/misfit/001-salt.patch"
    patch.parent.mkdir(parents=True)
    patch.write_text(MISFIT)
    packages = the_packages(secrets.token_hex(8))
    with index_server() as index:
        program = Program(engine, index, folder)
        program.publish(*packages)
        program.publish_wheels(*(one for one in packages if one.name in REPLACED))
        yield Broken(engine, index, packages, folder / "patches")


COMMANDS = {
    "serial": ("bootstrap", "-m", "1"),
    "parallel": ("bootstrap", "-m", "4", "--no-cache"),
    "two acts": ("bootstrap-parallel", "-m", "4"),
}


@pytest.fixture(scope="module")
def trials(broken: Broken, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trial]:
    folder = tmp_path_factory.mktemp("trials")
    return {
        name: broken.tried(folder / name, *command, *ASKED) for name, command in COMMANDS.items()
    }


@pytest.fixture(params=COMMANDS)
def trial(request: pytest.FixtureRequest, trials: dict[str, Trial]) -> Trial:
    return trials[request.param]


FAILURES = {
    "absent": ("resolution", "resolve", "unresolvable"),
    "header": ("bootstrap", "build", "missing-header"),
    "hopeless": ("bootstrap", "build", "missing-tool"),
    "misfit": ("bootstrap", "patch", "patch"),
    "needs-hopeless": ("dependency_extraction", "environment", "unknown"),
    "online": ("bootstrap", "build", "network-tried"),
}


def test_each_failure_is_reported_once_with_its_type_phase_and_cause(trial: Trial) -> None:
    told = {
        package: (record["failure_type"], record["phase"], record["cause"])
        for package, record in trial.records.items()
    }

    assert trial.done.status == 100, trial.done.stderr
    assert told == FAILURES
    assert trial.records["needs-hopeless"]["blocked_by"] == "hopeless==1.0"


def test_evidence_and_the_end_of_the_log_are_in_the_report(trial: Trial) -> None:
    evidence = {package: str(record.get("evidence")) for package, record in trial.records.items()}

    assert evidence["header"] == "module.c:1:10: fatal error: zlib.h: No such file or directory"
    assert evidence["header"] in trial.records["header"]["log_tail"]
    assert "no-such-compiler" in evidence["hopeless"]
    assert evidence["hopeless"] in trial.records["hopeless"]["log_tail"]
    assert "Temporary failure in name resolution" in evidence["online"]
    assert "patch misfit/001-salt.patch does not apply" in evidence["misfit"]
    for package in ("header", "hopeless", "misfit", "online"):
        record = trial.records[package]
        log = Path(record["log"]).read_text().splitlines()
        assert [line for line in log if line.strip()][-200:] == record["log_tail"]
        assert record["hint"]


def test_chains_lead_from_what_was_asked_to_what_failed(trial: Trial) -> None:
    chains = {
        package: [(edge["parent"], edge["req"], edge["child"]) for edge in record["chain"]]
        for package, record in trial.records.items()
    }

    assert chains["header"] == [
        (None, "application", "application==1.0"),
        ("application==1.0", "tool", "tool==1.0"),
        ("tool==1.0", "header", "header==1.0"),
    ]
    assert chains["misfit"] == [(None, "misfit", "misfit==1.0")]
    assert trial.records["absent"]["requirement"] == "absent>=2"
    assert trial.records["absent"]["asked_by"] == "the command line"


def test_the_report_says_which_wheels_serve_and_why_others_do_not(
    trial: Trial, broken: Broken
) -> None:
    served = {name: one["fallback"] for name, one in trial.records.items() if is_served(one)}

    assert sorted(served) == sorted(REPLACED)
    for package in broken.packages:
        if package.name in REPLACED:
            fallback = served[package.name]
            assert fallback["url"].endswith(f"/files/{package.wheel_filename}")
            assert fallback["sha256"] == Digest.of_bytes(package.wheel()).sha256
            prebuilt = trial.program.output / "wheels-repo/prebuilt" / package.wheel_filename
            assert prebuilt.read_bytes() == package.wheel()
    assert "the index has no wheel of online==1.0" in trial.records["online"]["fallback"]["reason"]


def is_served(record: dict[str, Any]) -> bool:
    return record["fallback"]["served"] is True


def test_the_graph_marks_what_was_replaced_and_everything_built_with_it(trial: Trial) -> None:
    graph = trial.file("graph.json")

    assert {key: node.get("tainted_by", []) for key, node in graph.items() if key} == {
        "application==1.0": ["header==1.0"],
        "header==1.0": ["header==1.0"],
        "misfit==1.0": ["misfit==1.0"],
        "sound==1.0": [],
        "tool==1.0": ["header==1.0"],
    }
    pre_built = {key for key, node in graph.items() if node["pre_built"]}
    assert pre_built == {"header==1.0", "misfit==1.0"}
    assert not (trial.program.output / "work-dir/constraints.txt").exists()
    assert trial.program.wheels() == [
        "application-1.0-0-py3-none-any.whl",
        "sound-1.0-0-py3-none-any.whl",
        "tool-1.0-0-py3-none-any.whl",
    ]


def test_one_worker_and_four_report_the_same(trials: dict[str, Trial]) -> None:
    serial, parallel = trials["serial"], trials["parallel"]

    assert len(serial.reports) == len(parallel.reports) == 1
    assert [without_log_path(one) for one in serial.reports[0]] == [
        without_log_path(one) for one in parallel.reports[0]
    ]
    for name in RECORDS:
        assert serial.file(name) == parallel.file(name)


def without_log_path(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "log": record["log"] and Path(record["log"]).name}


RECORDS = ("graph.json", "build-order.json")


def test_two_acts_report_and_leave_what_one_does(trials: dict[str, Trial]) -> None:
    """Each act has its report; a log tells of both."""
    one_act, two_acts = trials["serial"], trials["two acts"]
    varies = ("log", "log_tail")

    discovery, build = two_acts.reports
    assert [record["package"] for record in discovery] == ["absent", "misfit"]
    assert len(build) == len(FAILURES) - len(discovery)
    assert two_acts.records.keys() == one_act.records.keys()
    for package, record in two_acts.records.items():
        for key in record.keys() - varies:
            assert record[key] == one_act.records[package][key], (package, key)
    for name in RECORDS:
        assert two_acts.file(name) == one_act.file(name)


def test_a_build_from_a_lock_leaves_the_lock_as_it_is_and_a_marked_graph_beside_it(
    broken: Broken, tmp_path: Path
) -> None:
    discovered = Program(broken.engine, broken.index, tmp_path / "output")
    assert discovered.run("bootstrap", "--sdist-only", "application").status == 0
    before = discovered.graph.read_bytes()

    trial = broken.tried(discovered.output, "build-parallel", str(discovered.graph))

    assert trial.done.status == 100, trial.done.stderr
    assert list(trial.records) == ["header"]
    assert discovered.graph.read_bytes() == before
    marked = trial.file("test-mode-graph.json")
    tainted = {key for key, node in marked.items() if node.get("tainted_by") == ["header==1.0"]}
    assert tainted == {"application==1.0", "header==1.0", "tool==1.0"}
    assert marked["header==1.0"]["pre_built"]
    origins = {one["name"]: one["origin"] for one in trial.file("build-sequence-summary.json")}
    assert origins["header"] == "replaced"

"""Crates are fetched once, by the one container that has a network, and held to the lock after."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from builder.domain.builds import Failure, Phase
from builder.domain.containers import Network
from builder.domain.customization import Preparation, Vendoring
from builder.domain.digests import Digest
from builder.domain.events import Event, Noted
from builder.domain.patches import Patch, Patches
from builder.domain.releases import Candidate
from builder.domain.sources import SourceTree
from builder.prepare.cargo_configuration import CargoAccess
from builder.stores.files import FileStore
from builder.workflows.agent import Agent
from builder.workflows.sandbox import Interior, Room, Sandbox
from builder.workflows.sources import SourceFolders, Sources
from builder.workflows.vendoring import CrateVendor
from tests.fakes.engine import FakeEngine, Stage
from tests.fakes.index import FakeIndex, FakeRelease

RELEASE = FakeRelease("some-pkg", "1.0")
SUM = "ab" * 32
LOCK = (
    '[[package]]\nname = "tiny"\nversion = "1.0.0"\n'
    f'source = "registry+https://index.example/crates"\nchecksum = "{SUM}"\n'
)
CONFIG = (
    '[source.crates-io]\nreplace-with = "vendored-sources"\n\n'
    '[source.vendored-sources]\ndirectory = "{folder}"\n'
)
LAID = {
    "state": "crates",
    "crates": [{"folder": "tiny", "package": SUM, "intact": True}],
}
NOTHING = {"state": "none", "crates": []}
SETTLED: dict[str, object] = {
    "status": "settled",
    "emptied": [],
    "changed": [],
    "compiled": [],
    "compiled_count": 0,
}
OTHER = {"state": "other", "crates": []}


@dataclass
class Project:
    """What the played agent finds in the source, and what the played cargo does."""

    requires: str = '"maturin"'
    manifests: list[str] = field(default_factory=lambda: ["Cargo.toml"])
    locks: dict[str, str | None] = field(default_factory=lambda: {"Cargo.lock": LOCK})
    config: str | None = None
    vendor: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    instead: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """Other answers, by action."""
    orders: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, stage: Stage) -> int:
        inputs = stage.folder("/in")
        order = json.loads((inputs / "task.json").read_text())
        self.orders.append(order)
        answer = getattr(self, order["action"].replace(" ", "_"))(stage, order)
        answer = self.instead.get(order["action"], answer)
        stage.write("/out/result.json", json.dumps(answer).encode())
        return 0

    @property
    def actions(self) -> list[str]:
        return [order["action"] for order in self.orders]

    def prepare(self, stage: Stage, order: Mapping[str, Any]) -> dict[str, object]:
        made = [(stage.folder("/in") / name).read_bytes() for name in order["patches"]]
        source = (stage.folder("/in") / order["archive"]).read_bytes()
        stage.write("/out/source.tar.gz", b"prepared " + b" ".join([source, *made]))
        text = f'[build-system]\nrequires = [{self.requires}]\nbuild-backend = "x"\n'
        told = {"pyproject": text, "pkg_info": None, "has_setup": True}
        return {"status": "prepared", **told, "compiled": [], "compiled_count": 0}

    def survey_crates(self, stage: Stage, _order: Mapping[str, Any]) -> dict[str, object]:
        stage.print(b"--- cargo locate-project\n")
        return {
            "status": "surveyed",
            "manifests": self.manifests,
            "locks": self.locks if self.manifests else {},
            "config": self.config,
            "vendor": {"vendor": self.vendor, "vendored-crates": NOTHING},
        }

    def fetch_crates(self, stage: Stage, _order: Mapping[str, Any]) -> dict[str, object]:
        stage.print(b"--- cargo vendor\n")
        stage.write("/out/crates.tar.gz", b"crates")
        printed = CONFIG.format(folder="/build/fetched")
        return {"status": "fetched", "config": printed, "locks": {"Cargo.lock": LOCK}}

    def settle_crates(self, stage: Stage, _order: Mapping[str, Any]) -> dict[str, object]:
        source = (stage.folder("/in") / "source.tar.gz").read_bytes()
        stage.write("/out/source.tar.gz", b"settled " + source)
        return SETTLED


@dataclass
class Workbench:
    folder: Path
    project: Project = field(default_factory=Project)
    heard: list[Event] = field(default_factory=list)
    preparation: Preparation = field(default_factory=Preparation)
    interior: Interior | None = None

    def __post_init__(self) -> None:
        self.engine = FakeEngine(self.project)

    def source(self, candidate: Candidate = RELEASE.candidate) -> SourceTree | Failure:
        room = Room("sha256:0", "python3", self.folder / "scratch", {"builder.run": "1"})
        agent = Agent(self.folder, Digest.of_bytes(b"agent"))
        store = FileStore(self.folder / "store")
        sandbox = Sandbox(self.engine, agent, room, threading.Event())
        vendor = CrateVendor(
            store,
            sandbox,
            self.folder / "logs",
            lambda: CargoAccess(proxies=(("HTTPS_PROXY", "http://proxy.example"),)),
            self.heard.append,
            lambda _pin: self.interior,
        )
        sources = Sources(
            FakeIndex([RELEASE]),
            store,
            sandbox,
            SourceFolders(self.folder / "down", self.folder / "built", self.folder / "logs"),
            {},
            self.heard.append,
            lambda _pin: self.preparation,
            with_crates=vendor.with_crates,
        )
        return sources.source(candidate)

    def made(self, candidate: Candidate = RELEASE.candidate) -> SourceTree:
        found = self.source(candidate)
        assert isinstance(found, SourceTree), found
        return found

    def failed(self) -> Failure:
        found = self.source()
        assert isinstance(found, Failure)
        return found

    def patch(self, text: str) -> Patches:
        path = self.folder / "a.patch"
        path.write_text(text)
        return Patches((Patch("some_pkg/a.patch", path),))

    @property
    def order(self) -> dict[str, Any]:
        """The last one."""
        return self.project.orders[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def test_only_the_container_that_fetches_crates_has_a_network(bench: Workbench) -> None:
    bench.made()

    networks = [spec.network for spec in bench.engine.specs]
    assert bench.project.actions == ["prepare", "survey crates", "fetch crates", "settle crates"]
    assert networks == [Network.NONE, Network.NONE, Network.HOST, Network.NONE]
    variables = dict(bench.engine.specs[2].environment)
    assert variables["HTTPS_PROXY"] == "http://proxy.example"
    assert all("HTTPS_PROXY" not in dict(spec.environment) for spec in bench.engine.specs[3:])


def test_crates_are_settled_as_the_lock_names_them(bench: Workbench) -> None:
    bench.made()

    assert bench.order["crates"] == [{"name": "tiny", "version": "1.0.0", "checksum": SUM}]
    assert bench.order["files"] == {".cargo/config.toml": CONFIG.format(folder="vendor")}
    assert (bench.order["folder"], bench.order["fetched"]) == ("vendor", True)
    assert bench.project.orders[2]["locked"] is True


def test_what_was_fetched_once_is_taken_from_the_store(bench: Workbench) -> None:
    first = bench.made()

    assert bench.made() == first
    assert len(bench.project.orders) == 4


def test_another_image_fetches_with_another_cargo(bench: Workbench) -> None:
    bench.made()
    bench.interior = Interior("sha256:1", "python3")
    bench.made()

    assert [spec.image for spec in bench.engine.specs[4:]] == ["sha256:1", "sha256:1", "sha256:0"]


def test_a_project_without_rust_is_left_alone(bench: Workbench) -> None:
    bench.project.requires = '"setuptools"'

    assert bench.made().rebuilt is None
    assert bench.project.actions == ["prepare"]


def test_a_project_that_may_have_no_crates_is_built_with_a_warning(bench: Workbench) -> None:
    bench.project.manifests = []

    bench.made()

    assert bench.project.actions == ["prepare", "survey crates"]
    assert any(isinstance(it, Noted) and "no Cargo.toml" in it.text for it in bench.heard)


def test_crates_that_the_source_brings_are_only_checked(bench: Workbench) -> None:
    bench.project.vendor = LAID
    bench.project.config = CONFIG.format(folder="vendor")

    bench.made()

    assert bench.project.actions == ["prepare", "survey crates", "settle crates"]
    assert (bench.order["fetched"], bench.order["files"]) == (False, {})


@pytest.mark.parametrize("config", [None, CONFIG.format(folder="elsewhere")])
def test_crates_that_nothing_leads_to_are_fetched_anew(
    bench: Workbench, config: str | None
) -> None:
    bench.project.vendor = LAID
    bench.project.config = config

    bench.made()

    assert "fetch crates" in bench.project.actions
    assert bench.order["folder"] == "vendor"


def test_a_folder_for_something_else_keeps_its_name(bench: Workbench) -> None:
    bench.project.vendor = OTHER

    bench.made()

    assert bench.order["folder"] == "vendored-crates"


def test_without_a_lock_nobody_chooses(bench: Workbench) -> None:
    bench.project.locks = {"rust/Cargo.lock": None}

    failure = bench.failed()

    assert failure.phase is Phase.PREPARE
    assert "it has no rust/Cargo.lock" in failure.reason
    assert "resolve_without_lock: true" in failure.hint
    assert "fetch crates" not in bench.project.actions


def test_a_lock_that_cargo_made_goes_into_the_source(bench: Workbench) -> None:
    bench.project.locks = {"Cargo.lock": None}
    bench.preparation = Preparation(
        build_dir="python", vendoring=Vendoring(resolve_without_lock=True)
    )

    bench.made()

    assert bench.project.orders[2]["locked"] is False
    assert bench.order["files"] == {
        "Cargo.lock": LOCK,
        "python/.cargo/config.toml": CONFIG.format(folder="vendor"),
    }


def test_a_failure_of_cargo_is_told_with_its_words_and_what_to_do(bench: Workbench) -> None:
    reason = "error: failed to sync: Could not resolve host: index.example"
    answer = {"status": "failed", "reason": reason, "said": reason}
    bench.project.instead["fetch crates"] = answer

    failure = bench.failed()

    assert failure.reason == f"some_pkg-1.0.tar.gz: {reason}"
    assert "is the registry reachable" in failure.hint
    assert failure.log_tail[-1] == "--- cargo vendor"


def test_crates_that_are_not_those_of_the_lock_are_a_failure(bench: Workbench) -> None:
    answer = {"status": "refused", "reason": "crate 'x' is not what was locked"}
    bench.project.instead["settle crates"] = answer

    assert "crate 'x' is not what was locked" in bench.failed().reason


def test_what_was_emptied_and_what_was_changed_is_told(bench: Workbench) -> None:
    names = [f"windows/lib/{number}.a" for number in range(7)]
    more = {"compiled": ["tiny/x.o"], "compiled_count": 7, "changed": ["tiny/src/lib.rs"]}
    bench.project.instead["settle crates"] = {**SETTLED, **more, "emptied": names}

    bench.made()

    told = [it.text for it in bench.heard if isinstance(it, Noted)]
    assert any("were emptied: windows/lib/0.a" in it and "and 2 more" in it for it in told)
    assert any("hold compiled files: tiny/x.o and 2 more" in it for it in told)
    assert any("not as they were released: tiny/src/lib.rs" in it for it in told)


def test_patches_can_be_applied_to_crates(bench: Workbench) -> None:
    bench.preparation = Preparation(bench.patch("fix"), vendoring=Vendoring(before_patches=True))

    bench.made()

    expected = ["prepare", "survey crates", "fetch crates", "settle crates", "prepare"]
    assert bench.project.actions == expected
    first, last = bench.project.orders[0], bench.project.orders[-1]
    assert (first["patches"], first["has_crates"]) == ([], False)
    assert (last["patches"], last["has_crates"]) == (["001-a.patch"], True)
    path = bench.folder / "built/some_pkg-1.0.tar.gz"
    assert path.read_bytes().startswith(b"prepared settled prepared ")
    assert path.read_bytes().endswith(b" fix")


def test_a_build_from_the_lock_takes_up_what_was_left(bench: Workbench, tmp_path: Path) -> None:
    bench.preparation = Preparation(bench.patch("fix"))
    made = bench.made()
    later = Workbench(tmp_path / "later", preparation=bench.preparation)
    later.project.vendor, later.project.config = LAID, CONFIG.format(folder="vendor")
    (later.folder / "built").mkdir(parents=True)
    left = (bench.folder / "built/some_pkg-1.0.tar.gz").read_bytes()
    (later.folder / "built/some_pkg-1.0.tar.gz").write_bytes(left)

    found = later.made(replace(RELEASE.candidate, rebuilt=made.rebuilt))

    assert later.project.actions == ["prepare", "survey crates", "settle crates"]
    assert later.project.orders[0]["patches"] == []
    assert not (later.folder / "down").exists()
    assert (found.url, found.sdist) == (made.url, made.sdist)


@pytest.mark.parametrize("what", ["settings", "file", "digest"])
def test_what_was_left_otherwise_is_made_anew(what: str, bench: Workbench, tmp_path: Path) -> None:
    made = bench.made()
    assert made.rebuilt is not None
    rebuilt = made.rebuilt
    later = Workbench(tmp_path / "later")
    (later.folder / "built").mkdir(parents=True)
    left = (bench.folder / "built/some_pkg-1.0.tar.gz").read_bytes()
    match what:
        case "settings":
            later.preparation = Preparation(later.patch("another"))
        case "file":
            left += b"changed"
        case _:
            rebuilt = replace(rebuilt, archive=Digest.of_bytes(b"another"))
    (later.folder / "built/some_pkg-1.0.tar.gz").write_bytes(left)

    later.made(replace(RELEASE.candidate, rebuilt=rebuilt))

    assert "fetch crates" in later.project.actions
    assert (later.folder / "down").exists()

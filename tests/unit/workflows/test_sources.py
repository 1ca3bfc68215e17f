"""Sources are prepared once for each archive and each set of patches."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.version import Version

from builder.domain.builds import Failure, Phase
from builder.domain.customization import Preparation
from builder.domain.digests import Digest
from builder.domain.events import Event, Noted
from builder.domain.instructions import RunCommand
from builder.domain.patches import Patch, Patches
from builder.domain.releases import Pin
from builder.domain.sources import SourceTree
from builder.errors import InputError
from builder.stores.files import FileStore
from builder.workflows.agent import Agent
from builder.workflows.sandbox import Interior, Room, Sandbox
from builder.workflows.sources import CommandRooms, SourceFolders, Sources
from tests.fakes.engine import FakeEngine, Stage
from tests.fakes.index import FakeIndex, FakeRelease

RELEASE = FakeRelease("some-pkg", "1.0")


def prepare(stage: Stage) -> int:
    """Plays the agent: what it packs is made of what it was given; `misfit` never fits."""
    inputs = stage.folder("/in")
    task = json.loads((inputs / "task.json").read_text())
    texts = [(inputs / name).read_text() for name in task["patches"]]
    answer: dict[str, object] = {
        "status": "prepared",
        "pyproject": None,
        "pkg_info": None,
        "has_setup": True,
        "compiled": [],
        "compiled_count": 0,
    }
    if "misfit" in texts:
        number = texts.index("misfit")
        answer = {"status": "unpatched", "number": number, "reason": "hunk 1 of f does not fit"}
    else:
        stage.write("/out/source.tar.gz", "\n".join(texts).encode())
    stage.write("/out/result.json", json.dumps(answer).encode())
    return 0


@dataclass
class Workbench:
    """Everything that preparing a source takes, on a folder of the test's own."""

    folder: Path
    engine: FakeEngine = field(default_factory=lambda: FakeEngine(prepare))
    heard: list[Event] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)

    def source(self, patches: Callable[[Pin], Patches]) -> SourceTree | Failure:
        agent = Agent(self.folder, Digest.of_bytes(b"agent"))
        room = Room("sha256:0", "python3", self.folder / "scratch", {"builder.run": "1"})
        sources = Sources(
            FakeIndex([RELEASE]),
            FileStore(self.folder / "store"),
            Sandbox(self.engine, agent, room, threading.Event()),
            SourceFolders(self.folder / "down", self.folder / "built", self.folder / "logs"),
            {},
            self.heard.append,
            lambda pin: Preparation(patches(pin)),
        )
        return sources.source(RELEASE.candidate)

    def commanded(self, *words: str, image: str | None = None) -> SourceTree | Failure:
        """The source after a plugin's command, run in an image of its own where it has one."""
        agent = Agent(self.folder, Digest.of_bytes(b"agent"))
        room = Room("sha256:0", "python3", self.folder / "scratch", {"builder.run": "1"})
        sources = Sources(
            FakeIndex([RELEASE]),
            FileStore(self.folder / "store"),
            Sandbox(self.engine, agent, room, threading.Event()),
            SourceFolders(self.folder / "down", self.folder / "built", self.folder / "logs"),
            {},
            self.heard.append,
            lambda _pin: Preparation(instructions=(RunCommand(words),)),
            rooms=CommandRooms(lambda _pin: image, self.ready),
        )
        return sources.source(RELEASE.candidate)

    def ready(self, image: str) -> Interior:
        self.probed.append(image)
        return Interior(image, "python3")

    def patched(self, **texts: str) -> SourceTree | Failure:
        """The source with patches of these names and texts, in this order."""
        patches = []
        for name, text in texts.items():
            path = self.folder / f"{name}.patch"
            path.write_text(text)
            patches.append(Patch(f"some_pkg/{path.name}", path))
        return self.source(lambda _pin: Patches(tuple(patches)))


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def test_commands_run_once_in_an_image_that_was_probed(bench: Workbench) -> None:
    first = bench.commanded("make")
    again = bench.commanded("make")

    assert isinstance(first, SourceTree)
    assert again == first
    assert bench.probed == ["sha256:0"]
    (spec,) = bench.engine.specs
    assert dict(spec.environment)["SOURCE_DATE_EPOCH"]


def test_other_commands_and_other_images_make_it_anew(bench: Workbench) -> None:
    bench.commanded("make")
    bench.commanded("make", "all")
    bench.commanded("make", image="sha256:1")

    assert bench.probed == ["sha256:0", "sha256:0", "sha256:1"]
    assert [spec.image for spec in bench.engine.specs] == bench.probed


def test_the_same_patches_are_applied_once(bench: Workbench) -> None:
    first = bench.patched(a="1", b="2")

    assert bench.patched(a="1", b="2") == first
    assert len(bench.engine.specs) == 1


@pytest.mark.parametrize(
    "texts", [{}, {"a": "1"}, {"a": "1", "b": "3"}, {"b": "2", "a": "1"}], ids=str
)
def test_other_patches_make_another_source(texts: dict[str, str], bench: Workbench) -> None:
    first = bench.patched(a="1", b="2")

    other = bench.patched(**texts)

    assert isinstance(first, SourceTree)
    assert isinstance(other, SourceTree)
    assert other.archive != first.archive
    assert len(bench.engine.specs) == 2


def test_a_patch_that_does_not_fit_is_a_failure_of_its_own_phase(bench: Workbench) -> None:
    failure = bench.patched(good="1", bad="misfit")

    assert isinstance(failure, Failure)
    assert failure.phase is Phase.PATCH
    assert failure.reason == (
        "some_pkg-1.0.tar.gz: patch some_pkg/bad.patch does not apply: hunk 1 of f does not fit"
    )


def test_patches_that_are_passed_over_are_told(bench: Workbench) -> None:
    left_behind = Patch("some_pkg-0.9/1.patch", bench.folder / "missing", Version("0.9"))

    bench.source(lambda _pin: Patches(passed_over=(left_behind,)))

    text = "some-pkg==1.0: some_pkg-0.9/1.patch is not applied: it is for 0.9"
    assert Noted(text, warning=True) in bench.heard


def test_a_patch_that_cannot_be_read_ends_the_run(bench: Workbench) -> None:
    missing = Patch("some_pkg/1.patch", bench.folder / "missing")

    with pytest.raises(InputError, match="missing: cannot be read"):
        bench.source(lambda _pin: Patches((missing,)))

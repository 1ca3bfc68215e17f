"""A commit is looked into once, in a container, and what is wrong with it is told."""

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.domain.repositories import GitReference
from builder.errors import InputError
from builder.stores.files import FileStore
from builder.workflows.agent import Agent
from builder.workflows.sandbox import Room, Sandbox
from builder.workflows.states import States
from tests.fakes.engine import FakeEngine, Stage
from tests.fakes.repositories import FakeRepositories

COMMIT = "1" * 40
URL = "git+https://git.example/project"
REFERENCE = GitReference.parse(f"{URL}@main")


@dataclass
class Bench:
    """Everything that looking takes; `answer` is what the container leaves."""

    folder: Path
    answer: bytes = b'{"status": "refused", "reason": "holds a device"}'
    status: int = 0
    seen: list[str] = field(default_factory=list)
    repositories: FakeRepositories = field(
        default_factory=lambda: FakeRepositories({f"{URL}@main": COMMIT})
    )

    def states(self) -> States:
        self.engine = FakeEngine(self.play)
        agent = Agent(self.folder, Digest.of_bytes(b"agent"))
        room = Room("sha256:0", "python3", self.folder, {"builder.run": "1"})
        sandbox = Sandbox(self.engine, agent, room, threading.Event())
        return States(self.repositories, FileStore(self.folder / "store"), sandbox)

    def play(self, stage: Stage) -> int:
        inputs = stage.folder("/in")
        archive = json.loads((inputs / "task.json").read_text())["archive"]
        self.seen.append((inputs / archive).read_text())
        stage.write("/out/result.json", self.answer)
        return self.status


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def seen(**said: str) -> bytes:
    fields = {"status": "seen", "pyproject": None, "pkg_info": None, "setup_cfg": None}
    return json.dumps(fields | said).encode()


def test_a_commit_is_looked_into_once(bench: Bench) -> None:
    bench.answer = seen(pyproject='[project]\nname = "a"\nversion = "1"\n')
    commit = bench.repositories.fetch(REFERENCE)

    first = bench.states().identity(commit)
    second = bench.states().identity(commit)

    assert commit == GitReference(REFERENCE.url, COMMIT)
    assert first == second
    assert (first.name, str(first.version)) == ("a", "1")
    assert bench.seen == [f"source of {commit}"]
    assert list(bench.folder.glob("*.tar.gz")) == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0, "the source holds a device"), (3, "could not be unpacked: .* exit status 3")],
)
def test_what_cannot_be_unpacked_is_told_and_not_remembered(
    status: int, reason: str, bench: Bench
) -> None:
    bench.status = status
    commit = bench.repositories.fetch(REFERENCE)

    for _ in range(2):
        with pytest.raises(InputError, match=reason) as caught:
            bench.states().identity(commit)
        assert str(commit) in caught.value.message

    assert len(bench.seen) == 2

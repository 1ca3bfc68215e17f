"""What a repair container leaves is believed only as far as it is of the known form."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.domain.builds import Repair
from builder.domain.containers import Limits, Network
from builder.domain.digests import Digest
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.inspect.collect import RefusedOutput
from builder.inspect.wheel import CanonicalWheel
from builder.workflows.agent import Agent
from builder.workflows.repair import RepairedWheel, RepairRoom, Repairs, Unrepairable
from builder.workflows.repair_tool import repair_tool_digest
from builder.workflows.sandbox import Interior, Room, Sandbox
from tests.facts import pin
from tests.fakes.engine import FakeEngine, Stage

MADE = "pkg-1.0-0-cp313-cp313-manylinux_2_28_x86_64.whl"
LIBRARY = {
    "file": "pkg.libs/libffi-1.so.8",
    "soname": "libffi.so.8",
    "package": "libffi8",
    "version": "3.4.8-2",
}
REPAIRED = {"status": "repaired", "wheel": MADE, "libraries": [LIBRARY]}
INTERIOR = Interior("sha256:derived", "/usr/bin/python3")


@dataclass
class Bench:
    """Repairs one wheel in a container that answers what a test wants it to."""

    folder: Path
    answer: Mapping[str, object] | str
    platform: str = "linux_x86_64"
    leaves: bytes = b"repaired"
    status: int = 0

    def __post_init__(self) -> None:
        self.stages: list[Stage] = []
        self.orders: list[object] = []

    def play(self, stage: Stage) -> int:
        self.stages.append(stage)
        self.orders.append(json.loads((stage.folder("/in") / "task.json").read_text()))
        answer = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        (stage.folder("/out") / "result.json").write_text(answer)
        if self.leaves:
            (stage.folder("/out") / MADE).write_bytes(self.leaves)
        return self.status

    def repaired(self, policy: str = "auto") -> RepairedWheel | None:
        room = Room("sha256:0", "python3", self.folder / "scratch", {"builder.run": "1"})
        agent = Agent(self.folder, Digest.of_bytes(b"agent"))
        sandbox = Sandbox(FakeEngine(self.play), agent, room, threading.Event())
        name = f"pkg-1.0-0-cp313-cp313-{self.platform}.whl"
        wheel = self.folder / name
        wheel.write_bytes(b"built")
        sound = CanonicalWheel(name, ReleaseMetadata(pin("pkg==1.0"), (), MetadataOrigin.WHEEL))
        where = RepairRoom(INTERIOR, Limits(), lambda _: None)
        return Repairs(sandbox).repaired(wheel, sound, Repair(policy, repair_tool_digest()), where)


def test_a_repaired_wheel_is_taken_and_says_what_was_grafted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, REPAIRED)

    made = bench.repaired()

    assert made is not None
    assert made.filename == MADE
    assert made.path.read_bytes() == b"repaired"
    said = json.loads(made.description)
    assert said["platforms"] == ["manylinux_2_28_x86_64"]
    assert said["libraries"] == [LIBRARY]


def test_it_is_done_in_the_image_of_the_build_and_without_a_network(tmp_path: Path) -> None:
    bench = Bench(tmp_path, REPAIRED)

    bench.repaired()

    (stage,) = bench.stages
    assert stage.spec.image == INTERIOR.image
    assert stage.spec.network is Network.NONE
    assert [str(one.target) for one in stage.spec.binds if one.writable] == ["/out"]
    tool = stage.folder("/auditwheel")
    assert {path.name.partition("-")[0] for path in tool.iterdir()} == {
        "auditwheel",
        "elftools",
        "packaging",
    }


@pytest.mark.parametrize(
    ("policy", "asked"),
    [("auto", "auto"), ("manylinux_2_28", "manylinux_2_28_aarch64")],
)
def test_a_policy_is_asked_for_with_the_architecture_of_the_wheel(
    policy: str, asked: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, REPAIRED, platform="linux_aarch64")

    bench.repaired(policy)

    assert bench.orders == [
        {
            "action": "repair",
            "wheel": "pkg-1.0-0-cp313-cp313-linux_aarch64.whl",
            "platform": asked,
        }
    ]


def test_a_wheel_for_any_machine_needs_no_container(tmp_path: Path) -> None:
    bench = Bench(tmp_path, REPAIRED, platform="any")

    assert bench.repaired() is None
    assert bench.stages == []


def test_a_policy_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path, REPAIRED)

    with pytest.raises(Unrepairable, match="knows no manylinux_2_33 for x86_64") as told:
        bench.repaired("manylinux_2_33")

    assert "manylinux_2_34" in told.value.hint
    assert bench.stages == []


def test_a_wheel_without_any_binary_is_left_alone_unless_a_policy_is_asked_for(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, {"status": "nothing", "reason": "no ELF files"})

    assert bench.repaired() is None
    with pytest.raises(Unrepairable, match="to manylinux_2_28: no ELF files"):
        bench.repaired("manylinux_2_28")


@pytest.mark.parametrize(
    ("answer", "reason", "hint"),
    [
        ({"status": "unrepairable", "reason": "too new", "hint": "older"}, "too new", "older"),
        ({"status": "unrepairable", "reason": "too new", "hint": ""}, "too new", "repair: off"),
        ({"status": "broken", "reason": "it broke"}, "it broke", ""),
    ],
)
def test_what_the_tool_says_is_the_reason(
    answer: dict[str, str], reason: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(Unrepairable, match=reason) as told:
        Bench(tmp_path, answer).repaired()

    assert hint in told.value.hint


def test_a_container_that_ends_badly_repairs_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unrepairable, match="exit status 3"):
        Bench(tmp_path, REPAIRED, status=3).repaired()


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON",
        {"status": "repaired", "wheel": MADE},
        {**REPAIRED, "wheel": "../../etc/passwd"},
        {**REPAIRED, "wheel": "other.whl"},
        {**REPAIRED, "libraries": [{**LIBRARY, "version": "1\n2"}]},
        {**REPAIRED, "libraries": [LIBRARY] * 1001},
        {**REPAIRED, "more": 1},
    ],
)
def test_an_answer_of_another_form_is_refused(
    answer: Mapping[str, object] | str, tmp_path: Path
) -> None:
    with pytest.raises(RefusedOutput):
        Bench(tmp_path, answer).repaired()

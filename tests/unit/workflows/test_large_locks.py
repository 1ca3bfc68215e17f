"""Ten thousand nodes are scheduled in little memory and little time."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from builder.domain.digests import Digest
from builder.domain.graph import BuildRecipe, EnvironmentPart, GraphNode
from builder.domain.releases import Pin
from builder.schedule.budget import Budget
from builder.workflows.locked import LockedBuild
from builder.workflows.locks import LockBuilt, LockRequest
from tests.facts import TARGET, pin
from tests.fakes.world import Package
from tests.unit.workflows.test_locked import LockWorld

COUNT = 10_000
ROOT = Path(__file__).parents[3]


def needs(number: int) -> Iterator[int]:
    yield from {one for one in (number // 2, number // 3, number - 97) if 0 <= one < number}


def nodes() -> dict[Pin, GraphNode]:
    pins = [pin(f"p{number}==1") for number in range(COUNT)]
    return {
        of: GraphNode(
            of,
            "https://index.example/p",
            recipe=BuildRecipe(
                (), (), tuple(EnvironmentPart(pins[one]) for one in sorted(needs(number)))
            ),
        )
        for number, of in enumerate(pins)
    }


def build(lock: dict[Pin, GraphNode]) -> LockBuilt:
    world = LockWorld([Package(str(of)) for of in lock])
    request = LockRequest(
        lock, {}, tuple(lock), TARGET, "image", Digest.of_bytes(b"agent"), Budget(8, 1, 64.0)
    )
    return LockedBuild(request, world, world, Event()).run()


def measured() -> None:
    """Builds once, and prints the processor time in seconds and the memory in megabytes."""
    began = time.process_time()
    result = build(nodes())
    assert len(result.packages) == COUNT
    sys.stdout.write(f"{time.process_time() - began} {most_memory()}\n")


def most_memory() -> float:
    """Not what getrusage says, for that includes what the parent had when it started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM:"))


def test_ten_thousand_builds_cost_a_millisecond_each_and_less_than_300_megabytes() -> None:
    program = "from tests.unit.workflows.test_large_locks import measured; measured()"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )

    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 15  # measured: 5, with the world that plays the builds
    assert megabytes < 300

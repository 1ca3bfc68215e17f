"""Ten thousand nodes are scheduled in little memory and little time."""

import time
import tracemalloc
from collections.abc import Iterator
from threading import Event

from builder.domain.digests import Digest
from builder.domain.graph import BuildRecipe, EnvironmentPart, GraphNode
from builder.domain.releases import Pin
from builder.schedule.budget import Budget
from builder.workflows.locked import LockBuilt, LockedBuild, LockRequest
from tests.facts import TARGET, pin
from tests.fakes.world import Package
from tests.unit.workflows.test_locked import LockWorld

COUNT = 10_000


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


def test_ten_thousand_builds_cost_about_a_millisecond_each() -> None:
    lock = nodes()
    began = time.process_time()

    result = build(lock)

    assert len(result.packages) == COUNT
    assert time.process_time() - began < 15  # measured: 5, with the world that plays the builds


def test_ten_thousand_builds_fit_into_300_megabytes() -> None:
    lock = nodes()
    tracemalloc.start()

    build(lock)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300_000_000

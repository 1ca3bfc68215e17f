"""A build from a lock is eager: it never waits for what it does not need."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.domain.builds import BuildOutcome, BuildSpec
from tests.fakes.world import Package
from tests.unit.workflows.test_locked import LockWorld, build, lock_request, plan


@dataclass
class TimedWorld(LockWorld):
    """Builds take as long as they are said to, in seconds."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._spans_lock = threading.Lock()

    def build(self, spec: BuildSpec) -> BuildOutcome:
        began = time.monotonic()
        time.sleep(self.seconds.get(spec.source.pin.name, 0.0))
        outcome = super().build(spec)
        with self._spans_lock:
            self.spans[spec.source.pin.name] = (began, time.monotonic())
        return outcome


def test_slow_and_quick_branches_take_no_longer_than_the_critical_path() -> None:
    quick = [Package(f"quick-{n}==1", build=(f"quick-{n - 1}",) if n else ()) for n in range(8)]
    slow = [Package("slow==1"), Package("after-slow==1", build=("slow",))]
    packages = (*quick, *slow)
    graph = plan(packages, "quick-7", "after-slow")
    seconds = {"slow": 1.2, "after-slow": 0.8} | {f"quick-{n}": 0.25 for n in range(8)}
    world = TimedWorld(packages, seconds=seconds)
    began = time.monotonic()

    result = build(world, lock_request(graph, workers=2))

    took = time.monotonic() - began
    assert result.failures == ()
    assert took <= 1.1 * 2.0  # both branches: 8 x 0.25 s, and 1.2 s + 0.8 s


def test_an_exclusive_build_overlaps_with_none() -> None:
    packages = [Package(f"p{n}==1") for n in range(6)] + [Package("alone==1")]
    graph = plan(packages, *(one.pin.name for one in packages))
    seconds = {str(one.pin.name): 0.05 for one in packages}
    world = TimedWorld(packages, seconds=seconds, exclusive=frozenset({"alone"}))

    build(world, lock_request(graph, workers=4))

    began, ended = world.spans.pop("alone")
    assert all(end <= began or ended <= start for start, end in world.spans.values())
    starts = sorted(start for start, _ in world.spans.values())
    assert starts[1] < min(end for _, end in world.spans.values())

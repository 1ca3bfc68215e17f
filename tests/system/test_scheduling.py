"""Builds run as early as they may, beside one another as far as settings let them.

When a build was inside its hook is read from its own log: the clock is the same in there.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.index_server import index_server
from tests.system.conftest import Done, Program, Span
from tests.system.sdists import Package

pytestmark = pytest.mark.once

TAKES = """
import time
if PHASE == "build_wheel":
    print("BEGAN", time.time(), flush=True)
    time.sleep({seconds})
    print("ENDED", time.time(), flush=True)
"""
FAILS = TAKES + "    raise SystemExit('it breaks')\n"


def a_package(name: str, salt: str, seconds: float, *needs: str, payload: str = TAKES) -> Package:
    """Builds itself in so many seconds; discovery need not build what it needs."""
    text = payload.format(seconds=seconds)
    return Package(name, backend="", hook_requires=needs, payload=text, salt=salt)


def a_chain(name: str, salt: str, length: int, seconds: float) -> list[Package]:
    """Packages each of which needs the one before."""
    names = [f"{name}-{number}" for number in range(length)]
    return [
        a_package(one, salt, seconds, *names[number - 1 : number] if number else ())
        for number, one in enumerate(names)
    ]


@dataclass(frozen=True)
class Ran:
    """A run, and when the hooks that make wheels were at work."""

    done: Done
    inside: Mapping[str, Span]

    def overlap(self, one: str, other: str) -> bool:
        mine, theirs = self.inside[one], self.inside[other]
        return mine.began < theirs.ended and theirs.began < mine.ended

    def beside(self, name: str) -> set[str]:
        """Whatever was built while a package was."""
        return {other for other in self.inside if other != name and self.overlap(name, other)}


def ran(program: Program, packages: list[Package], *arguments: str) -> Ran:
    """Runs a command; of what is built repeatedly, the last time counts."""
    done = program.run(*arguments)
    assert done.status == 0, done.stderr
    inside = {}
    for package in packages:
        log = program.log(package)
        inside[package.name] = Span(last(log, "BEGAN"), last(log, "ENDED"))
    return Ran(done, inside)


def last(log: str, word: str) -> float:
    return float(re.findall(rf"^{word} (\S+)$", log, re.MULTILINE)[-1])


# One slow branch, and several quick ones.

SLOW_SECONDS, QUICK_SECONDS = 5.0, 0.2


def critical_path(graph: Path, spans: Mapping[str, Span]) -> float:
    """The seconds of the builds on the longest way through a graph."""
    lock = json.loads(graph.read_text())

    @cache
    def until(key: str) -> float:
        environment = [part["key"] for part in lock[key]["build_environment"]]
        before = max((until(part) for part in environment), default=0.0)
        return before + spans[lock[key]["canonicalized_name"]].seconds

    return max(until(key) for key in lock if key)


def test_a_slow_branch_and_quick_ones_take_no_longer_than_the_critical_path(
    program: Program, salt: str
) -> None:
    slow = [
        a_package("slow", salt, SLOW_SECONDS),
        a_package("after-slow", salt, QUICK_SECONDS, "slow"),
    ]
    quick = [*a_chain("left", salt, 3, QUICK_SECONDS), *a_chain("right", salt, 2, QUICK_SECONDS)]
    program.publish(*slow, *quick)
    discovered = program.run("bootstrap", "--sdist-only", "after-slow", "left-2", "right-1")
    assert discovered.status == 0, discovered.stderr
    assert program.wheels() == []

    done = program.run("build-parallel", "-m", "3", "-j", "1", str(program.graph))

    assert done.status == 0, done.stderr
    spans = done.spans
    assert len(spans) == len(slow) + len(quick)
    took = max(it.ended for it in spans.values()) - min(it.began for it in spans.values())
    assert took <= 1.1 * critical_path(program.graph, spans), spans
    # In rounds, nothing but the first build of each branch would have begun by then.
    assert max(spans[it].began for it in ("left-1", "right-1")) < spans["slow"].ended, spans


# Settings that keep builds apart.

SETTINGS = {
    "alone": "exclusive_build: true",
    "huge": "memory_per_job_gb: 1000000",
    "broad-1": "cpu_cores_per_job: 3",
    "broad-2": "cpu_cores_per_job: 3",
}
NARROW = ["narrow-0", "narrow-1", "narrow-2"]


@pytest.fixture(scope="module", params=["bootstrap", "build-parallel"])
def apart(
    request: pytest.FixtureRequest, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    """Builds of which four may run at once, on four cores; the narrow ones wait for one another."""
    folder = tmp_path_factory.mktemp("apart")
    for name, options in SETTINGS.items():
        file = folder / "settings" / f"{name.replace('-', '_')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"build_options:\n  {options}\n")
    salt = secrets.token_hex(8)
    packages = [a_package(name, salt, 1.0) for name in SETTINGS]
    packages += a_chain("narrow", salt, len(NARROW), 1.0)
    manner = ("-m", "4", "-j", "1", "--settings-dir", str(folder / "settings"))
    with index_server() as index:
        program = Program(engine, index, folder / "output")
        program.publish(*packages)
        names = [package.name for package in packages]
        if request.param == "bootstrap":
            return ran(program, packages, "bootstrap", *manner, *names)
        discovered = program.run("bootstrap", "--sdist-only", *names)
        assert discovered.status == 0, discovered.stderr
        return ran(program, packages, "build-parallel", *manner, str(program.graph))


def test_an_exclusive_build_overlaps_with_none(apart: Ran) -> None:
    assert apart.beside("alone") == set()
    assert any(apart.beside(other) for other in apart.inside)


def test_a_build_that_asks_for_more_memory_than_there_is_overlaps_with_none(apart: Ran) -> None:
    assert apart.beside("huge") == set()


def test_builds_that_need_most_cores_are_kept_apart_and_small_ones_fill_the_rest(
    apart: Ran,
) -> None:
    beside = apart.beside("broad-1") | apart.beside("broad-2")
    assert beside
    assert beside <= set(NARROW)


# Failures.


@dataclass(frozen=True)
class Failing:
    """A tree in which one build fails, and how to build it."""

    program: Program
    command: tuple[str, ...]


@pytest.fixture(params=["bootstrap", "build-parallel"])
def failing(request: pytest.FixtureRequest, program: Program, salt: str) -> Failing:
    """Two builds may run at once: `broken` fails beside others, of which one takes longer.

    What a bootstrap is to build waits for its needs from the start.
    """
    packages = [
        a_package("broken", salt, 1.0, payload=FAILS),
        a_package("needs-broken", salt, 0.0, "broken"),
        a_package("needs-that", salt, 0.0, "needs-broken"),
        a_package("beside", salt, 6.0),
        a_package("after", salt, 0.0, "beside"),
        a_package("idle", salt, 2.0),
    ]
    asked = ("needs-that", "after", "idle")
    if request.param == "bootstrap":
        at_once = [
            replace(it, build_requires=it.hook_requires, hook_requires=()) for it in packages
        ]
        program.publish(*at_once)
        return Failing(program, ("bootstrap", "-m", "2", *asked))
    program.publish(*packages)
    discovered = program.run("bootstrap", "--sdist-only", *asked)
    assert discovered.status == 0, discovered.stderr
    return Failing(program, ("build-parallel", "-m", "2", str(program.graph)))


def test_after_a_failure_everything_that_does_not_need_it_is_built(failing: Failing) -> None:
    done = failing.program.run(*failing.command, "--keep-going")

    assert done.status == 100, done.stderr
    assert sorted(done.spans) == ["after", "beside", "idle"]
    assert sorted(done.begun) == sorted([*done.spans, "broken"])
    assert "needs-broken==1.0: needs broken==1.0, which failed" in done.stderr
    assert "1 failed, 2 could not start because of them" in done.stderr


def test_fail_fast_starts_nothing_after_a_failure_and_stops_what_runs(failing: Failing) -> None:
    done = failing.program.run(*failing.command, "--fail-fast")

    assert done.status == 100, done.stderr
    after = done.stderr.partition("failed    broken==1.0")[2]
    assert "building" not in after
    assert "after" not in done.begun
    assert "beside" not in done.spans
    assert "failed: broken==1.0: build: " in after
    assert "1 failed, 0 could not start because of them" in after

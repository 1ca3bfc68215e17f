"""The driver carries flows out: each question once, so many builds at once, rings found."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import pytest

from builder.domain.builds import BuildOutcome, BuildSpec, Failure, Goal, Phase
from builder.domain.digests import Digest
from builder.domain.sources import BuildSystem, SourceTree
from builder.schedule.budget import Budget, Claim
from builder.workflows.flows import Await, Deadlock, Driver, Flow, Learn, Run, Step
from tests.facts import pin

SPEC = BuildSpec(
    Goal.WHEEL,
    SourceTree(
        pin("p==1"),
        Digest("a" * 64),
        Digest("b" * 64),
        "https://index.example/p",
        BuildSystem((), "backend", ()),
        None,
    ),
    "image",
    Digest("c" * 64),
    (),
    (),
    (),
)
TOP = Step("top")


def step(name: str) -> Step:
    return Step("wheel", pin(f"{name}==1"))


def answered(spec: BuildSpec) -> BuildOutcome:
    return Failure(pin("p==1"), Phase.BUILD, spec.image)


@dataclass(frozen=True)
class PlayedWorld:
    """A world of functions; every build claims one place."""

    start: Callable[[Step], Flow]
    answer: Callable[[Any], object]
    carry_out: Callable[[BuildSpec], BuildOutcome]

    def flow(self, step: Step) -> Flow:
        return self.start(step)

    def learn(self, question: Any, /) -> object:
        return self.answer(question)

    def build(self, spec: BuildSpec) -> BuildOutcome:
        return self.carry_out(spec)

    def claim(self, _spec: BuildSpec) -> Claim:
        return Claim(1, 1, 0.0)


def driver(
    start: Callable[[Step], Flow],
    learn: Callable[[Any], object] = lambda question: f"answer to {question}",
    build: Callable[[BuildSpec], BuildOutcome] = answered,
    workers: int = 2,
    stop: Event | None = None,
) -> Driver:
    world = PlayedWorld(start, learn, build)
    return Driver(world, Budget(workers, 1, 64.0), stop or Event())


def test_a_flow_gets_what_it_asks_for() -> None:
    def flow(_: Step) -> Flow:
        facts = yield Learn(("a", "b"))
        nothing = yield Learn(())
        outcome = yield Run(SPEC)
        return facts, nothing, outcome.reason

    assert driver(flow).run(TOP) == (
        {"a": "answer to a", "b": "answer to b"},
        {},
        "image",
    )


def test_equal_questions_are_asked_once() -> None:
    asked: list[str] = []

    def learn(question: str) -> None:
        asked.append(question)
        time.sleep(0.005)

    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await((step("a"), step("b"), step("c")))
        yield Learn(("q", which.kind))
        yield Learn(("q",))

    driver(flow, learn).run(TOP)

    assert sorted(asked) == ["q", "top", "wheel"]


def test_a_step_that_many_await_runs_once_and_gives_all_its_result() -> None:
    started: list[Step] = []

    def flow(which: Step) -> Flow:
        started.append(which)
        if which == TOP:
            return (yield Await((step("a"), step("b"))))
        if which == step("shared"):
            yield Learn(("q",))
            return 7
        return (yield Await((step("shared"),)))[step("shared")]

    assert driver(flow).run(TOP) == {step("a"): 7, step("b"): 7}
    assert len(started) == len(set(started)) == 4


def test_never_more_builds_run_than_there_are_workers() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def build(spec: BuildSpec) -> BuildOutcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.003)
        with lock:
            running -= 1
        return answered(spec)

    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await(tuple(step(f"n{number}") for number in range(20)))
        else:
            yield Run(replace(SPEC, image=str(which.pin)))

    driver(flow, build=build, workers=3).run(TOP)

    assert most == 3


def test_facts_are_learned_while_every_place_for_builds_is_taken() -> None:
    learned = Event()

    def learn(_: object) -> None:
        learned.set()

    def build(spec: BuildSpec) -> BuildOutcome:
        assert learned.wait(10)
        return answered(spec)

    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await((step("builds"), step("learns")))
        elif which == step("builds"):
            yield Run(SPEC)
        else:
            yield Learn(("q",))

    driver(flow, learn, build, workers=1).run(TOP)


def test_the_package_that_most_wait_for_is_built_first() -> None:
    built: list[str] = []

    def build(spec: BuildSpec) -> BuildOutcome:
        built.append(spec.image)
        return answered(spec)

    def flow(which: Step) -> Flow:
        needs = {TOP: ("a", "z"), step("z"): ("base",)}.get(which, ())
        yield Await(tuple(step(name) for name in needs))
        if which != TOP:
            yield Run(replace(SPEC, image=str(which.pin)))

    driver(flow, build=build, workers=1).run(TOP)

    assert built == ["base==1", "a==1", "z==1"]


def test_flows_that_wait_for_one_another_are_named() -> None:
    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await((step("a"), step("fine")))
        elif which == step("fine"):
            yield Run(SPEC)
        else:
            yield Await((step("b") if which == step("a") else step("a"),))

    with pytest.raises(Deadlock) as raised:
        driver(flow).run(TOP)

    assert set(raised.value.ring) == {step("a"), step("b")}
    assert raised.value.ring[0] == raised.value.ring[-1]


def test_a_ring_is_told_while_other_builds_run_and_stops_them() -> None:
    stop, begun = Event(), Event()

    def build(spec: BuildSpec) -> BuildOutcome:
        begun.set()
        assert stop.wait(10)
        return answered(spec)

    def learn(_: object) -> None:
        assert begun.wait(10)

    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await((step("a"), step("slow")))
        elif which == step("slow"):
            yield Run(SPEC)
        else:
            yield Learn(("what it needs",))
            yield Await((step("b") if which == step("a") else step("a"),))

    with pytest.raises(Deadlock) as raised:
        driver(flow, learn, build, stop=stop).run(TOP)

    assert set(raised.value.ring) == {step("a"), step("b")}


def test_a_ring_that_is_known_at_once_keeps_builds_from_starting() -> None:
    built: list[BuildSpec] = []

    def build(spec: BuildSpec) -> BuildOutcome:
        built.append(spec)
        return answered(spec)

    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await((step("a"), step("fine")))
        elif which == step("fine"):
            yield Run(SPEC)
        else:
            yield Await((step("b") if which == step("a") else step("a"),))

    with pytest.raises(Deadlock):
        driver(flow, build=build).run(TOP)

    assert built == []


def test_a_flow_that_waits_for_itself_is_named() -> None:
    def flow(_: Step) -> Flow:
        yield Await((step("a"),))

    with pytest.raises(Deadlock) as raised:
        driver(flow).run(TOP)

    assert raised.value.ring == (step("a"), step("a"))


@pytest.mark.parametrize("where", ["learn", "build", "flow"])
def test_whatever_goes_wrong_stops_all_that_runs(where: str) -> None:
    stop, stopped = Event(), Event()

    def wrong(argument: object) -> Any:
        if argument == "wait" or where == "flow":
            assert stop.wait(10)
            stopped.set()
            return answered(SPEC)
        raise OSError("gone")

    def flow(which: Step) -> Flow:
        if which == TOP:
            yield Await((step("waits"), step("fails")))
        elif which == step("waits"):
            yield Learn(("wait",))
        elif where == "flow":
            raise OSError("gone")
        else:
            yield Run(SPEC) if where == "build" else Learn(("fail",))

    with pytest.raises(OSError, match="gone"):
        driver(flow, wrong, wrong, stop=stop).run(TOP)

    assert stop.is_set()


def test_a_thousand_flows_are_no_trouble() -> None:
    def flow(which: Step) -> Flow:
        number = 1000 if which.pin is None else int(which.pin.name.removeprefix("n"))
        if number:
            below = yield Await((step(f"n{number - 1}"),))
            return next(iter(below.values())) + 1
        return 0

    assert driver(flow).run(TOP) == 1000

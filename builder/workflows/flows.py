"""The words in which a package's way is told, and the driver that carries them out.

A flow is a generator: it yields what it needs next and is resumed when that is there. All flows
advance in one thread; effects run in others and never touch a flow's state.
"""

from collections import deque
from collections.abc import Callable, Generator, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import Any, Protocol

from builder.domain.builds import BuildOutcome, BuildSpec
from builder.domain.releases import Pin
from builder.schedule.waiting import Schedule


@dataclass(frozen=True, order=True)
class Step:
    """One flow: the wheel of a release, the metadata of a release, or the whole request."""

    kind: str
    pin: Pin | None = None


class Question(Hashable, Protocol):
    """A fact to be learned by an effect; equal questions are asked once."""


@dataclass(frozen=True)
class Learn:
    """Resume with the answers to all these questions, as a mapping."""

    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Await:
    """Resume once these flows are over, with what they returned, as a mapping."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Run:
    """Resume with the outcome of this build, once there was a free place for it."""

    spec: BuildSpec


Need = Learn | Await | Run
Flow = Generator[Need, Any, Any]


@dataclass
class _Running:
    flow: Flow
    unanswered: set[Question] = field(default_factory=set)
    need: Need | None = None


class Deadlock(Exception):  # noqa: N818 - a finding about packages, not our error
    """Flows wait for one another in a ring."""

    def __init__(self, ring: tuple[Step, ...]) -> None:
        super().__init__(" -> ".join(str(step.pin) for step in ring))
        self.ring = ring


class Driver:
    """Advances flows, as many builds at once as allowed, facts beside them.

    Args:
        start: makes the flow of a step that somebody awaits for the first time.
        learn: answers a question; called in threads of its own.
        build: carries out a build; called in as many threads as there are `workers`.
        stop: is set when the run ends early, so that containers are killed.
    """

    def __init__(
        self,
        start: Callable[[Step], Flow],
        learn: Callable[[Any], object],
        build: Callable[[BuildSpec], BuildOutcome],
        workers: int,
        stop: Event,
    ) -> None:
        self._start = start
        self._learn = learn
        self._build = build
        self._workers = workers
        self._stop = stop
        self._schedule: Schedule[Step] = Schedule()
        self._flows: dict[Step, _Running] = {}
        self._results: dict[Step, Any] = {}
        self._facts: dict[Question, Any] = {}
        self._asked: dict[Question, list[Step]] = {}
        self._unasked: deque[Question] = deque()
        self._due: deque[tuple[Step, object]] = deque()
        self._runnable: list[Step] = []
        self._building = 0
        self._in_flight = 0
        self._finished: SimpleQueue[Callable[[], None]] = SimpleQueue()

    @property
    def results(self) -> Mapping[Step, Any]:
        """What every flow that is over returned."""
        return self._results

    def run(self, first: Step) -> Any:  # noqa: ANN401 - each kind of flow returns its own
        """Carries everything out that `first` leads to, and returns what it returned.

        Raises:
            Deadlock: what is left waits for itself.
            BuilderError: whatever an effect raised; everything that runs is stopped before.
        """
        with (
            ThreadPoolExecutor(self._workers, "build") as builders,
            ThreadPoolExecutor(max(8, self._workers), "fact") as learners,
        ):
            try:
                self._begin(first)
                while self._flows:
                    self._advance()
                    self._dispatch(builders, learners)
                    if self._in_flight:
                        self._finished.get()()
                    elif not self._due:
                        self._check_for_deadlock()
            except BaseException:
                self._stop.set()
                builders.shutdown(wait=True, cancel_futures=True)
                learners.shutdown(wait=True, cancel_futures=True)
                raise
        return self._results[first]

    def _check_for_deadlock(self) -> None:
        if self._flows:
            raise Deadlock(self._schedule.ring())

    def _begin(self, step: Step) -> None:
        self._flows[step] = _Running(self._start(step))
        self._due.append((step, None))

    def _advance(self) -> None:
        while self._due:
            step, value = self._due.popleft()
            running = self._flows[step]
            try:
                running.need = running.flow.send(value)
            except StopIteration as stopped:
                self._end(step, stopped.value)
                continue
            match running.need:
                case Learn(questions):
                    self._ask(step, running, questions)
                case Await(steps):
                    self._await(step, steps)
                case Run():
                    self._runnable.append(step)

    def _end(self, step: Step, result: object) -> None:
        del self._flows[step]
        self._results[step] = result
        for waiter in self._schedule.over(step):
            self._awaited(waiter)

    def _await(self, step: Step, needed: tuple[Step, ...]) -> None:
        must_wait = self._schedule.wait(step, needed)
        for each in needed:
            if each not in self._flows and each not in self._results:
                self._begin(each)
        if not must_wait:
            self._awaited(step)

    def _awaited(self, step: Step) -> None:
        need = self._flows[step].need
        if isinstance(need, Await):
            self._due.append((step, {each: self._results[each] for each in need.steps}))

    def _ask(self, step: Step, running: _Running, questions: tuple[Question, ...]) -> None:
        running.unanswered = {each for each in questions if each not in self._facts}
        for question in running.unanswered:
            if question not in self._asked:
                self._unasked.append(question)
            self._asked.setdefault(question, []).append(step)
        self._learned(step)

    def _learned(self, step: Step) -> None:
        running = self._flows[step]
        if not running.unanswered and isinstance(running.need, Learn):
            self._due.append((step, {each: self._facts[each] for each in running.need.questions}))

    def _dispatch(self, builders: ThreadPoolExecutor, learners: ThreadPoolExecutor) -> None:
        while self._unasked:
            self._submit(learners, self._learn, self._unasked.popleft(), self._answered)
        while self._runnable and self._building < self._workers:
            step = min(self._runnable, key=self._schedule.urgency)
            self._runnable.remove(step)
            need = self._flows[step].need
            if isinstance(need, Run):
                self._building += 1
                self._submit(builders, self._build, need.spec, partial(self._built, step))

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        effect: Callable[[Any], object],
        argument: Any,  # noqa: ANN401 - a question or a spec
        done: Callable[[Any, Any], None],
    ) -> None:
        self._in_flight += 1
        future = pool.submit(effect, argument)

        def back(finished: Future[object]) -> None:
            self._finished.put(partial(self._land, finished, partial(done, argument)))

        future.add_done_callback(back)

    def _land(self, finished: Future[object], done: Callable[[Any], None]) -> None:
        self._in_flight -= 1
        done(finished.result())

    def _answered(self, question: Question, answer: object) -> None:
        self._facts[question] = answer
        for step in self._asked.pop(question, ()):
            self._flows[step].unanswered.discard(question)
            self._learned(step)

    def _built(self, step: Step, _spec: BuildSpec, outcome: object) -> None:
        self._building -= 1
        self._due.append((step, outcome))

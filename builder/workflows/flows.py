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

from builder.domain.builds import BuildOutcome
from builder.domain.releases import Pin
from builder.schedule.budget import Budget, Claim
from builder.schedule.ready import Ready
from builder.schedule.waiting import Schedule


@dataclass(frozen=True, order=True)
class Step:
    """One flow: what is to be found out or made, and of which release.

    Attributes:
        pin: None for the request, and for what has to be looked at before it has a name.
        source: the commit that the release is, where no index has it.
        variant: whose flow it is, where a run has several; empty for that of whoever asks.
    """

    kind: str
    pin: Pin | None = None
    source: str = ""
    variant: str = ""


class Question(Hashable, Protocol):
    """A fact to be learned by an effect; equal questions are asked once."""


@dataclass(frozen=True)
class Put:
    """A question to one variant, or a build for it, where a run has several."""

    variant: str
    what: Any


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

    spec: Hashable


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


class HaltedError(Exception):
    """A flow ended in a way after which nothing else was to go on."""


class World(Protocol):
    """What a driver does not do itself. Effects are called from several threads."""

    def flow(self, step: Step) -> Flow:
        """The flow of a step that somebody awaits for the first time."""
        ...

    def learn(self, question: Any, /) -> object:  # noqa: ANN401 - each workflow has its questions
        """Answers a question."""
        ...

    def build(self, spec: Any, /) -> BuildOutcome:  # noqa: ANN401 - with whatever tells whose it is
        """Carries a build out."""
        ...

    def claim(self, spec: Any, /) -> Claim:  # noqa: ANN401
        """What a build counts for while it runs."""
        ...


class Driver:
    """Advances flows, as many builds at once as the budget allows, facts beside them.

    Args:
        world: makes flows and carries out effects.
        budget: what running builds may use together.
        stop: is set when the run ends early, so that containers are killed.
        halts: says whether what a flow returned ends the run.
    """

    def __init__(
        self,
        world: World,
        budget: Budget,
        stop: Event,
        halts: Callable[[object], bool] = lambda _result: False,
    ) -> None:
        self._world = world
        self._workers = budget.workers
        self._stop = stop
        self._halts = halts
        self._schedule: Schedule[Step] = Schedule()
        self._ready: Ready[Step] = Ready(self._schedule, budget)
        self._flows: dict[Step, _Running] = {}
        self._results: dict[Step, Any] = {}
        self._facts: dict[Question, Any] = {}
        self._asked: dict[Question, list[Step]] = {}
        self._unasked: deque[Question] = deque()
        self._due: deque[tuple[Step, object]] = deque()
        self._in_flight = 0
        self._learning = 0
        self._sound_revision = 0
        self._finished: SimpleQueue[Callable[[], None]] = SimpleQueue()

    @property
    def results(self) -> Mapping[Step, Any]:
        """What every flow that is over returned."""
        return self._results

    def run(self, first: Step) -> Any:  # noqa: ANN401 - each kind of flow returns its own
        """Carries everything out that `first` leads to, and returns what it returned.

        Raises:
            Deadlock: flows wait for one another; everything that runs is stopped before.
            HaltedError: a flow ended the run; everything that runs is stopped before.
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
                    self._learn(learners)
                    self._check_for_rings()
                    self._build(builders)
                    self._take_in()
            except BaseException:
                self._stop.set()
                builders.shutdown(wait=True, cancel_futures=True)
                learners.shutdown(wait=True, cancel_futures=True)
                raise
        return self._results[first]

    def _check_for_rings(self) -> None:
        """Where there is a ring, whatever else is built is built in vain.

        Looked for whenever nothing but a build could tell more, and somebody began to wait.
        """
        if self._learning or self._schedule.revision == self._sound_revision:
            return
        ring = self._schedule.ring()
        if ring:
            raise Deadlock(ring)
        self._sound_revision = self._schedule.revision

    def _take_in(self) -> None:
        """Waits for an effect to end."""
        if self._in_flight:
            self._finished.get()()
        elif self._flows:
            raise Deadlock(self._schedule.ring())

    def _begin(self, step: Step) -> None:
        self._flows[step] = _Running(self._world.flow(step))
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
                case Run(spec):
                    self._ready.add(step, self._world.claim(spec))

    def _end(self, step: Step, result: object) -> None:
        del self._flows[step]
        self._results[step] = result
        if self._halts(result):
            raise HaltedError
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

    def _learn(self, learners: ThreadPoolExecutor) -> None:
        while self._unasked:
            self._learning += 1
            self._submit(learners, self._world.learn, self._unasked.popleft(), self._answered)

    def _build(self, builders: ThreadPoolExecutor) -> None:
        while (step := self._ready.next()) is not None:
            need = self._flows[step].need
            if isinstance(need, Run):
                self._submit(builders, self._world.build, need.spec, partial(self._built, step))

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
        self._learning -= 1
        self._facts[question] = answer
        for step in self._asked.pop(question, ()):
            self._flows[step].unanswered.discard(question)
            self._learned(step)

    def _built(self, step: Step, _spec: object, outcome: object) -> None:
        self._ready.ended(step)
        self._due.append((step, outcome))

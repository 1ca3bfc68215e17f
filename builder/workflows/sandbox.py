"""Runs one task in one fresh container and hands over the folder that it wrote."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from threading import Event, Lock

from builder.domain.containers import (
    GIB,
    BindMount,
    ContainerExit,
    ContainerSpec,
    Ending,
    Limits,
    Network,
    Tmpfs,
)
from builder.domain.emulation import EMULATOR_VARIABLES, PATIENCE
from builder.domain.images import Image
from builder.errors import StorageError
from builder.ports import Engine
from builder.workflows.agent import Agent

RESULT = "result.json"
_SHORT = Limits(wall_seconds=1800.0)


@dataclass(frozen=True)
class Room:
    """What every container of a run has in common.

    Attributes:
        image: the image's ID in the engine.
        interpreter: the image's Python.
        scratch: a folder of this run alone, for what goes into and comes out of containers.
        labels: who owns the containers, for a later run to find what this one leaves if killed.
        emulated: the architecture of the image where its processor is emulated, else empty.
    """

    image: str
    interpreter: str
    scratch: Path
    labels: Mapping[str, str]
    emulated: str = ""
    build_bytes: int = 8 * GIB
    temporary_bytes: int = 4 * GIB


@dataclass(frozen=True)
class Interior:
    """What a container is made of.

    Attributes:
        image: the image's ID in the engine.
        interpreter: the image's Python.
        source: what the engine loads it from; None for one that it has.
    """

    image: str
    interpreter: str
    source: Image | None = None


@dataclass(frozen=True)
class Finished:
    """How a task ended, and the folder that it wrote; the folder goes when the block ends."""

    exit: ContainerExit
    out: Path


@dataclass(frozen=True)
class Task:
    """What to run.

    Attributes:
        name: goes into the container's name.
        order: what the agent reads from /in/task.json.
        inputs: files below /in, by name.
        binds: further folders that the container sees, read-only.
        interior: what to run it in, if not in the image of the run.
        network: anything but `NONE` is for tasks that run nothing of upstream's.
    """

    name: str
    order: Mapping[str, object]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    binds: Sequence[BindMount] = ()
    variables: Sequence[tuple[str, str]] = ()
    limits: Limits = _SHORT
    interior: Interior | None = None
    network: Network = Network.NONE


class Sandbox:
    """The only way from a workflow to a container. Safe from several threads."""

    def __init__(self, engine: Engine, agent: Agent, room: Room, stop: Event) -> None:
        self._engine = engine
        self._agent = agent
        self._room = room
        self._stop = stop
        self._numbers = itertools.count(1)
        self._loaded: set[str] = set()
        self._loading = Lock()

    @property
    def agent(self) -> Agent:
        return self._agent

    @property
    def image(self) -> str:
        return self._room.image

    @property
    def interior(self) -> Interior:
        """The image of the run."""
        return Interior(self._room.image, self._room.interpreter)

    @property
    def emulated(self) -> str:
        """The architecture of the run's images where its processor is emulated, else empty."""
        return self._room.emulated

    @property
    def scratch(self) -> Path:
        return self._room.scratch

    @contextmanager
    def run(self, task: Task, output: Callable[[bytes], None]) -> Iterator[Finished]:
        """Runs a task to its end.

        Args:
            task: what to run.
            output: takes what the container prints.

        Raises:
            EngineError: the engine refused.
            ImageError: the image of the task cannot be loaded.
            StorageError: the scratch folder cannot be written.
        """
        number = next(self._numbers)
        folder = self._room.scratch / str(number)
        try:
            _fill(folder, task)
            spec = self._spec(task, folder, number)
            self._load(task.interior)
            yield Finished(self._engine.run(spec, output, self._stop), folder / "out")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _load(self, interior: Interior | None) -> None:
        """Once for each image, when it is first needed."""
        if interior is None or interior.source is None:
            return
        with self._loading:
            if interior.image not in self._loaded:
                self._engine.ensure_image(interior.source)
                self._loaded.add(interior.image)

    def _spec(self, task: Task, folder: Path, number: int) -> ContainerSpec:
        room = self._room
        interior = task.interior or self.interior
        return ContainerSpec(
            name=f"builder-{room.labels['builder.run']}-{number}-{task.name}",
            image=interior.image,
            command=(interior.interpreter, "-I", "-B", "-u", "/agent"),
            environment=self._variables(task),
            binds=(
                BindMount(self._agent.folder, PurePosixPath("/agent")),
                BindMount(folder / "in", PurePosixPath("/in")),
                BindMount(folder / "out", PurePosixPath("/out"), writable=True),
                *task.binds,
            ),
            tmpfs=(
                Tmpfs(PurePosixPath("/build"), room.build_bytes),
                Tmpfs(PurePosixPath("/tmp"), room.temporary_bytes),  # noqa: S108 - inside
            ),
            network=task.network,
            limits=self._limits(task.limits),
            labels=tuple(sorted(room.labels.items())),
        )

    def _variables(self, task: Task) -> tuple[tuple[str, str], ...]:
        of_emulator = EMULATOR_VARIABLES.get(self.emulated, ())
        return tuple({**dict(of_emulator), **dict(task.variables)}.items())

    def _limits(self, limits: Limits) -> Limits:
        """Time that nobody asked for is meant for the host's own processor."""
        if not self.emulated or limits.asked_for:
            return limits
        return replace(limits, wall_seconds=limits.wall_seconds * PATIENCE)


def in_words(ended: ContainerExit) -> str:
    """How a container ended, as the end of a sentence."""
    match ended.ending:
        case Ending.EXITED:
            return f"the container ended with exit status {ended.status}"
        case Ending.OUT_OF_MEMORY:
            return "it needed more memory than it may use"
        case Ending.TIMED_OUT:
            return f"it was stopped after {ended.seconds:.0f} s, its limit"
        case Ending.TOO_MUCH_OUTPUT:
            return "it printed more than it may"
        case Ending.STOPPED:
            return "it was stopped, as the run was"


def _fill(folder: Path, task: Task) -> None:
    inputs = folder / "in"
    try:
        inputs.mkdir(parents=True)
        folder.chmod(0o700)
        (folder / "out").mkdir()
        order = inputs / "task.json"
        order.write_text(json.dumps(task.order))
        order.chmod(0o644)
        for name, source in task.inputs.items():
            _lay_in(source, inputs / name)
        inputs.chmod(0o755)
    except OSError as error:
        raise StorageError(
            f"the scratch folder cannot be written: {folder}: {error.strerror}",
            hint="free some space, or choose another folder with --cache-dir",
        ) from error


def _lay_in(source: Path, target: Path) -> None:
    """By a hard link where the user inside could read that, else by a copy."""
    if source.stat().st_mode & 0o004:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(0o644)

"""An engine under test, and the short way to ask it for a container."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from builder.domain.containers import BindMount, ContainerExit, ContainerSpec, Limits, Tmpfs
from builder.domain.images import LayoutImage
from builder.ports import Engine
from tests.fakes.engine import Stage

PATIENT = Limits(wall_seconds=120.0)


@dataclass
class Play:
    """Sends each container of a fake engine to the program that the test at hand names."""

    program: Callable[[Stage], int] = lambda _: 0

    def __call__(self, stage: Stage) -> int:
        return self.program(stage)


@dataclass(frozen=True)
class Ran:
    """What came of a container."""

    exit: ContainerExit
    output: bytes

    @property
    def text(self) -> str:
        return self.output.decode()


@dataclass(frozen=True)
class Subject:
    """An engine, an image that it has, and a run of its own to label containers with."""

    engine: Engine
    image: LayoutImage
    identifier: str
    play: Play
    label: str = field(default_factory=lambda: f"contract-{secrets.token_hex(6)}")

    def spec(
        self,
        *command: str,
        binds: tuple[BindMount, ...] = (),
        tmpfs: tuple[Tmpfs, ...] = (),
        environment: tuple[tuple[str, str], ...] = (),
        limits: Limits = PATIENT,
        working_folder: str = "/",
    ) -> ContainerSpec:
        return ContainerSpec(
            name="contract",
            image=self.identifier,
            command=command,
            binds=binds,
            tmpfs=tmpfs,
            environment=environment,
            limits=limits,
            working_folder=PurePosixPath(working_folder),
            labels=(("builder.run", self.label),),
        )

    def run(self, spec: ContainerSpec, stop: threading.Event | None = None) -> Ran:
        chunks: list[bytes] = []
        ended = self.engine.run(spec, chunks.append, stop or threading.Event())
        return Ran(ended, b"".join(chunks))

    def sh(self, script: str, **changes: object) -> Ran:
        """Runs a shell script; what it is given beside that goes into the spec."""
        return self.run(self.spec("/bin/sh", "-c", script, **changes))  # type: ignore[arg-type] # passed on

    def plays(self, program: Callable[[Stage], int]) -> None:
        """Says what a fake engine does where a real one runs the script."""
        self.play.program = program

    def leftovers(self) -> int:
        return self.engine.remove_leftovers(lambda labels: labels["builder.run"] == self.label)

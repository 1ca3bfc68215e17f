"""An Engine whose containers are Python functions that play a program on the host's folders."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from builder.domain.containers import ContainerExit, ContainerSpec, Ending, EngineFacts
from builder.domain.digests import Digest
from builder.domain.images import Image, LayoutImage, RegistryImage
from builder.errors import EngineError, ImageError

KILLED = 137
_PLATFORM = "linux/amd64"

FACTS = EngineFacts(
    name="fake",
    version="0",
    rootless=True,
    runtime="none",
    cgroups="v2",
    identity="the caller",
    enforcement=(),
)


class _Ended(BaseException):  # a program must not be able to catch it by `except Exception`
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


@dataclass
class Stage:
    """What a played program has to act on.

    Attributes:
        spec: of the container that is played.
    """

    spec: ContainerSpec
    _output: Callable[[bytes], None]
    _stop: threading.Event
    _deadline: float
    _left: int

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.spec.environment)

    def print(self, text: bytes) -> None:
        """Prints, until the container is stopped or has printed more than it may."""
        self._look()
        if text[: self._left]:
            self._output(text[: self._left])
        self._left -= len(text)
        if self._left < 0:
            raise _Ended(Ending.TOO_MUCH_OUTPUT)

    def sleep(self, seconds: float) -> None:
        """Sleeps as a program would, until the container is stopped or runs out of time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()
            self._stop.wait(0.01)

    def folder(self, target: str) -> Path:
        """The host's folder behind a path inside.

        Raises:
            FileNotFoundError: nothing is mounted there.
        """
        for bind in self.spec.binds:
            if bind.target == PurePosixPath(target):
                return bind.source
        raise FileNotFoundError(target)

    def write(self, target: str, content: bytes) -> None:
        """Writes a file inside.

        Raises:
            OSError: the folder is not writable inside.
        """
        path = PurePosixPath(target)
        for bind in self.spec.binds:
            if path.is_relative_to(bind.target) and bind.writable:
                file = bind.source / path.relative_to(bind.target)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                return
        raise OSError(f"{target}: Read-only file system")

    def _look(self) -> None:
        if self._stop.is_set():
            raise _Ended(Ending.STOPPED)
        if time.monotonic() > self._deadline:
            raise _Ended(Ending.TIMED_OUT)


Program = Callable[[Stage], int]


@dataclass
class FakeEngine:
    """Plays every container with one program.

    Attributes:
        program: plays a container, and returns its exit status.
        specs: of every container so far, in order.
        images: every image that was asked for, in order.
        left_behind: labels of containers that a killed run has left.
    """

    program: Program
    facts: EngineFacts = FACTS
    specs: list[ContainerSpec] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    left_behind: list[dict[str, str]] = field(default_factory=list)

    def ensure_image(self, image: Image) -> str:
        self.images.append(image)
        if image.platform != _PLATFORM:
            raise ImageError(f"{image.name} is for {image.platform}")
        match image:
            case LayoutImage():
                path = image.layout / "blobs" / "sha256" / image.config.sha256
                if not path.is_file() or Digest.of_file(path) != image.config:
                    raise ImageError(f"{image.layout} does not hold {image.config}")
                return str(image.config)
            case RegistryImage():
                _, _, digest = image.reference.partition("@")
                if not digest:
                    raise ImageError(f"{image.reference} is not named by digest")
                return digest

    def run(
        self, spec: ContainerSpec, output: Callable[[bytes], None], stop: threading.Event
    ) -> ContainerExit:
        self.specs.append(spec)
        for bind in spec.binds:
            if not bind.source.exists():
                raise EngineError(f"{bind.source} does not exist")
        began = time.monotonic()
        limits = spec.limits
        stage = Stage(spec, output, stop, began + limits.wall_seconds, limits.output_bytes)
        try:
            status = self.program(stage)
        except _Ended as end:
            return ContainerExit(end.ending, KILLED, time.monotonic() - began)
        return ContainerExit(Ending.EXITED, status, time.monotonic() - began)

    def remove_leftovers(self, is_abandoned: Callable[[dict[str, str]], bool]) -> int:
        kept = [labels for labels in self.left_behind if not is_abandoned(labels)]
        removed = len(self.left_behind) - len(kept)
        self.left_behind[:] = kept
        return removed

"""Makes built wheels run on other systems: libraries of their image are grafted into them.

A wheel that was just built runs where its image's libraries are. auditwheel copies those that not
every system has into the wheel, and gives it the tag of the systems that are left. It reads and
rewrites what upstream made, and so it does that in a container of its own, without a network.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from builder.build.task import MAX_WHEEL_BYTES
from builder.domain.builds import Repair
from builder.domain.containers import BindMount, Limits
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.inspect.machines import ANY, architecture_of
from builder.inspect.promises import policies_of
from builder.inspect.wheel import CanonicalWheel
from builder.workflows.laid_down import LaidDown
from builder.workflows.repair_tool import install_repair_tool, repair_tool_version
from builder.workflows.sandbox import RESULT, Finished, Interior, Sandbox, Task, in_words

AUTO = "auto"
_MOUNT = PurePosixPath("/auditwheel")
_VARIABLES = (
    ("HOME", "/tmp"),  # noqa: S108 - inside a container, whose /tmp is its own
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("SOURCE_DATE_EPOCH", "315532800"),
    ("TMPDIR", "/build"),
    ("TZ", "UTC"),
)
_MOST_LIBRARIES = 1000
_Text = Annotated[str, Field(max_length=1024, pattern=r"^[!-~]+$")]
_Words = Annotated[str, Field(max_length=4096)]


class Unrepairable(ValueError):  # noqa: N818 - a finding about a wheel, not our error
    """A wheel cannot be made to run where it was asked for."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True)
class RepairedWheel:
    """A wheel that was made anew: where it lies, its name, and what it is to say of that."""

    path: Path
    filename: str
    description: bytes


@dataclass(frozen=True)
class RepairRoom:
    """Where a wheel is repaired.

    Attributes:
        interior: what it was built in; its libraries are grafted.
        output: takes what the container prints.
    """

    interior: Interior
    limits: Limits
    output: Callable[[bytes], None]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Library(_Strict):
    file: _Text
    soname: _Text
    package: _Text | None
    version: _Text | None


class _Repaired(_Strict):
    status: Literal["repaired"]
    wheel: _Text
    libraries: Annotated[tuple[_Library, ...], Field(max_length=_MOST_LIBRARIES)]


class _Nothing(_Strict):
    status: Literal["nothing"]
    reason: _Words


class _Unrepairable(_Strict):
    status: Literal["unrepairable"]
    reason: _Words
    hint: _Words


class _Broken(_Strict):
    status: Literal["broken", "refused"]
    reason: _Words


_Answer = _Repaired | _Nothing | _Unrepairable | _Broken
_ANSWER: TypeAdapter[_Answer] = TypeAdapter(Annotated[_Answer, Field(discriminator="status")])


class Repairs:
    """Repairs wheels. Safe from several threads."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = Lock()

    def repaired(
        self, wheel: Path, sound: CanonicalWheel, repair: Repair, room: RepairRoom
    ) -> RepairedWheel | None:
        """A wheel for other systems; None for one without anything that only some can load.

        Args:
            wheel: the wheel in its canonical form; the new one is laid beside it.
            sound: what it is.
            repair: what to make of it.
            room: where to do it.

        Raises:
            EngineError: the engine refused the container.
            RefusedOutput: the container left no wheel.
            StorageError: the scratch folder cannot be written.
            Unrepairable: it cannot be made to run there.
        """
        if sound.platforms == (ANY,):
            return None
        task = Task(
            name="repair",
            order={
                "action": "repair",
                "wheel": sound.filename,
                "platform": _platform(sound.platforms, repair.policy),
            },
            inputs={sound.filename: wheel},
            binds=(BindMount(self._tool().folder, _MOUNT),),
            variables=_VARIABLES,
            limits=room.limits,
            interior=room.interior,
        )
        with self._sandbox.run(task, room.output) as finished:
            return self._taken(finished, wheel.parent, repair)

    def _tool(self) -> LaidDown:
        with self._lock:
            return install_repair_tool(self._sandbox.scratch / "auditwheel")

    def _taken(self, finished: Finished, folder: Path, repair: Repair) -> RepairedWheel | None:
        if not finished.exit.succeeded:
            raise Unrepairable(in_words(finished.exit))
        try:
            answer = _ANSWER.validate_json(read_small(finished.out, RESULT))
        except ValidationError as error:
            raise RefusedOutput("the repair left no usable result") from error
        match answer:
            case _Nothing() if repair.policy == AUTO:
                return None
            case _Nothing():
                raise Unrepairable(f"to {repair.policy}: {answer.reason}")
            case _Unrepairable():
                hint = answer.hint or "its log tells more; `repair: off` leaves it as it was built"
                raise Unrepairable(answer.reason, hint)
            case _Broken():
                raise Unrepairable(answer.reason)
            case _Repaired():
                path = folder / "repaired.whl"
                take(finished.out, answer.wheel, path, MAX_WHEEL_BYTES)
                return RepairedWheel(path, answer.wheel, _description(answer))


def _platform(platforms: tuple[str, ...], policy: str) -> str:
    if policy == AUTO:
        return AUTO
    architectures = {architecture_of(platform) for platform in platforms}
    if len(architectures) != 1:
        raise Unrepairable(f"a wheel tagged {'.'.join(platforms)} is for more than one machine")
    (architecture,) = architectures
    known = policies_of(architecture)
    if policy not in known:
        told = f"those of {architecture} are {', '.join(known)}" if known else ""
        raise Unrepairable(f"auditwheel knows no {policy} for {architecture}", told)
    return f"{policy}_{architecture}"


def _description(answer: _Repaired) -> bytes:
    """What the wheel says of it; the same contents give the same bytes."""
    platform = answer.wheel.removesuffix(".whl").rpartition("-")[2]
    fields = {
        "auditwheel": repair_tool_version(),
        "platforms": sorted(platform.split(".")),
        "libraries": [one.model_dump() for one in answer.libraries],
    }
    return json.dumps(fields, indent=1).encode() + b"\n"

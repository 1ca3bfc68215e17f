"""One build container: its variables, what it is told, and what its answer means."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from packaging.requirements import Requirement
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from builder.domain.builds import BuildSpec
from builder.domain.core_metadata import UnusableMetadataError, parse_requirements
from builder.domain.instructions import orders
from builder.domain.variants import NAMES

SOURCE_ARCHIVE = "source.tar.gz"
MAX_WHEEL_BYTES = 8 << 30
_PROGRAMS = "/env/bin"


class UnusableAnswer(ValueError):  # noqa: N818 - a finding about what upstream did, not our error
    """A build container left no answer, or one that means nothing."""


@dataclass(frozen=True)
class WheelMade:
    """The backend left a wheel of this file name."""

    filename: str
    requires: tuple[Requirement, ...]


@dataclass(frozen=True)
class MetadataMade:
    """The backend's METADATA, as text."""

    text: str
    requires: tuple[Requirement, ...]


@dataclass(frozen=True)
class WantsMore:
    """The backend asks for requirements that were not accepted beforehand.

    `words` are the same, spelled as the backend did.
    """

    requires: tuple[Requirement, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class HookFailed:
    """A hook ended badly; its own words are in the log."""

    hook: str
    reason: str


Answer = WheelMade | MetadataMade | WantsMore | HookFailed


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Built(_Strict):
    status: Literal["built"]
    requires: list[str]
    wheel: str


class _Metadata(_Strict):
    status: Literal["metadata"]
    requires: list[str]
    metadata: str


class _More(_Strict):
    status: Literal["more"]
    requires: list[str]


class _Failed(_Strict):
    status: Literal["failed"]
    hook: str
    reason: str


class _Broken(_Strict):
    status: Literal["broken", "refused"]
    reason: str


_ANSWER: TypeAdapter[_Built | _Metadata | _More | _Failed | _Broken] = TypeAdapter(
    Annotated[_Built | _Metadata | _More | _Failed | _Broken, Field(discriminator="status")]
)


def fixed_variables(epoch: int) -> tuple[tuple[str, str], ...]:
    """The environment of every hook, in full, but for the number of jobs."""
    return (
        ("CARGO_HOME", "/tmp/cargo"),  # noqa: S108 - inside a container, whose /tmp is its own
        ("CARGO_NET_OFFLINE", "true"),
        ("HOME", "/tmp/home"),  # noqa: S108 - inside a container, whose /tmp is its own
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("PATH", f"{_PROGRAMS}:/usr/local/bin:/usr/bin:/bin"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PIP_INDEX_URL", "file:///index/simple/"),
        ("PIP_NO_CACHE_DIR", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONHASHSEED", "0"),
        ("PYTHONNOUSERSITE", "1"),
        ("PYTHONUNBUFFERED", "1"),
        ("SHELL", "/bin/sh"),
        ("SOURCE_DATE_EPOCH", str(epoch)),
        ("TERM", "dumb"),
        ("TMPDIR", "/tmp"),  # noqa: S108 - inside a container
        ("TZ", "UTC"),
        ("USER", "builder"),
        ("UV_DEFAULT_INDEX", "file:///index/simple/"),
        ("UV_OFFLINE", "1"),
        ("VIRTUAL_ENV", "/env"),
    )


def job_variables(jobs: int) -> tuple[tuple[str, str], ...]:
    """Tells every build tool we know of how many jobs it may run at once."""
    return (
        ("CARGO_BUILD_JOBS", str(jobs)),
        ("CMAKE_BUILD_PARALLEL_LEVEL", str(jobs)),
        ("MAKEFLAGS", f"-j{jobs}"),
        ("MAX_JOBS", str(jobs)),
        ("NPY_NUM_BUILD_JOBS", str(jobs)),
    )


def with_environment(path: str) -> str:
    """A search path that has the programs of the build environment: first, if it has them not."""
    return path if _PROGRAMS in path.split(":") else f"{_PROGRAMS}:{path}"


def with_folders(path: str, folders: tuple[str, ...]) -> str:
    """A search path that has further folders: right behind the build environment's programs."""
    rest = [part for part in path.split(":") if part != _PROGRAMS and part not in folders]
    return ":".join((_PROGRAMS, *folders, *rest)) if folders else path


def variant_variables(variant: str) -> tuple[tuple[str, str], ...]:
    """Tells builds what they are for."""
    return tuple((name, variant) for name in NAMES)


def build_task(spec: BuildSpec, top: str) -> dict[str, object]:
    """What the agent is told; `top` is the folder in the prepared source."""
    system = spec.source.build_system
    return {
        "action": "build",
        "goal": spec.goal.value,
        "top": top,
        "build_dir": spec.build_dir,
        "backend": system.backend,
        "backend_path": list(system.backend_path),
        "accepted": list(spec.accepted),
        "instructions": orders(spec.instructions),
        "config_settings": {
            name: given if isinstance(given, str) else list(given)
            for name, given in spec.config_settings
        },
    }


def read_answer(answer: bytes) -> Answer:
    """Reads what the agent left.

    Raises:
        UnusableAnswer: it is not of a known form, or asks for what no requirement can be.
    """
    try:
        parsed = _ANSWER.validate_python(json.loads(answer))
    except (ValidationError, ValueError, RecursionError) as error:
        raise UnusableAnswer("the container left no usable result") from error
    match parsed:
        case _Built():
            return WheelMade(parsed.wheel, _requirements(parsed.requires))
        case _Metadata():
            return MetadataMade(parsed.metadata, _requirements(parsed.requires))
        case _More():
            return WantsMore(_requirements(parsed.requires), tuple(parsed.requires))
        case _Failed():
            return HookFailed(parsed.hook, parsed.reason)
        case _Broken():
            raise UnusableAnswer(parsed.reason)


def _requirements(texts: Iterable[str]) -> tuple[Requirement, ...]:
    try:
        return parse_requirements(texts)
    except UnusableMetadataError as error:
        raise UnusableAnswer(f"the backend asks for what cannot be had: {error}") from error

"""Builds: what goes in, what comes out, and the key that names the first."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from packaging.requirements import Requirement

from builder.domain.containers import ContainerExit
from builder.domain.customization import ConfigSettings
from builder.domain.digests import Digest
from builder.domain.instructions import Instruction, fingerprint
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Pin
from builder.domain.sources import SourceTree


class Goal(Enum):
    """What a build container is asked for."""

    REQUIREMENTS = "requirements"
    """What the backend asks for; always answered by MoreRequired, whatever was accepted."""
    METADATA = "metadata"
    WHEEL = "wheel"


@dataclass(frozen=True)
class Wheel:
    """A finished, validated, canonically packed wheel."""

    pin: Pin
    filename: str
    digest: Digest
    metadata: ReleaseMetadata


@dataclass(frozen=True)
class Repair:
    """How a built wheel is made to run on other systems, by grafting libraries into it.

    Attributes:
        policy: `manylinux_X_Y`, or `auto` for the most general that its contents allow.
        tool: of what does it.
    """

    policy: str
    tool: Digest


@dataclass(frozen=True)
class BuildSpec:
    """Everything that may influence a wheel. Two builds with the same key give the same result.

    Attributes:
        environment: exactly the wheels that the container sees.
        accepted: the requirements that `environment` is known to satisfy, as strings; where the
            backend asks for anything else, the container stops and says what it wants.
        variables: the environment variables, without those that only say how many jobs to run;
            what the user says of jobs is among them.
        build_number: the wheel's build tag.
        build_dir: the folder inside the source that is built; empty for all of it.
        instructions: what is done instead of calling the backend's `build_wheel`.
        config_settings: what the hooks are given.
        settings: what is laid down for the release, as its wheel will say it.
        foreign_binaries: whether the wheel may hold programs and libraries for other machines.
        repair: what is made of the built wheel; None for nothing.
    """

    goal: Goal
    source: SourceTree
    image: str
    sandbox: Digest
    environment: tuple[Wheel, ...]
    accepted: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = field(repr=False)
    build_number: int = 0
    build_dir: str = ""
    instructions: tuple[Instruction, ...] = ()
    config_settings: ConfigSettings = ()
    settings: str = field(default="", repr=False)
    foreign_binaries: bool = False
    repair: Repair | None = None

    @property
    def key(self) -> Digest:
        """sha256 over tagged fields, each with its length, so that no two specs collide."""
        hasher = hashlib.sha256(b"builder build key 2\n")
        for tag, value in self._fields():
            encoded = value.encode()
            hasher.update(f"{tag}:{len(encoded)}:".encode() + encoded)
        return Digest(hasher.hexdigest())

    def _fields(self) -> Iterator[tuple[str, str]]:
        yield "goal", self.goal.value
        yield "pin", str(self.source.pin)
        yield "source", self.source.archive.sha256
        yield "backend", self.source.build_system.backend
        for path in self.source.build_system.backend_path:
            yield "backend-path", path
        for needed in self.source.build_system.requires:
            yield "requires", str(needed)
        yield "image", self.image
        yield "build-number", str(self.build_number)
        yield "sandbox", self.sandbox.sha256
        if self.build_dir:
            yield "build-dir", self.build_dir
        yield "instructions", fingerprint(self.instructions)
        for name, given in self.config_settings:
            yield "config-setting", name
            for one in (given,) if isinstance(given, str) else ("a list", *given):
                yield "given", one
        if self.settings:
            yield "settings", self.settings
        for wheel in self.environment:
            yield "wheel", f"{wheel.filename} {wheel.digest.sha256}"
        for requirement in self.accepted:
            yield "accepted", requirement
        yield from self._about_the_wheel()
        for name, value in self.variables:
            yield "variable", name
            yield "value", value

    def _about_the_wheel(self) -> Iterator[tuple[str, str]]:
        if self.foreign_binaries:
            yield "foreign-binaries", "allowed"
        if self.repair is not None:
            yield "repair", self.repair.policy
            yield "repair-tool", self.repair.tool.sha256


@dataclass(frozen=True)
class BuildSucceeded:
    """A wheel came out and passed inspection.

    Attributes:
        hook_requires: what the backend asked for.
        reused: whether it was built before.
        seconds: how long the container ran that built it.
    """

    wheel: Wheel
    hook_requires: tuple[Requirement, ...]
    reused: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class MetadataFound:
    """The backend's metadata hook answered."""

    metadata: ReleaseMetadata
    hook_requires: tuple[Requirement, ...]


@dataclass(frozen=True)
class MoreRequired:
    """The backend asks for requirements that its environment was not made for.

    `words` are the same, spelled as the backend did: what a spec can accept.
    """

    hook_requires: tuple[Requirement, ...]
    words: tuple[str, ...]


class Phase(Enum):
    """Where in its life a package failed."""

    RESOLVE = "resolve"
    FETCH = "fetch"
    PATCH = "patch"
    PREPARE = "prepare"
    ENVIRONMENT = "environment"
    HOOKS = "hooks"
    BUILD = "build"
    REPAIR = "repair"
    INSPECT = "inspect"


@dataclass(frozen=True)
class Failure:
    """Why one package has no wheel.

    Attributes:
        reason: one sentence, safe to print.
        log_tail: the last lines of the package's own log, as upstream printed them.
        blocked_by: the package that failed first, where this one only waited for it.
        ending: how the container ended, where one had started.
    """

    pin: Pin
    phase: Phase
    reason: str
    hint: str = ""
    log: Path | None = None
    log_tail: tuple[str, ...] = ()
    blocked_by: Pin | None = None
    ending: ContainerExit | None = None
    findings: tuple[str, ...] = field(default=())


BuildOutcome = BuildSucceeded | MetadataFound | MoreRequired | Failure

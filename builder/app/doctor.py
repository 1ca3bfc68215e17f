"""What this host's engines are and what they hold, and what its processor can run."""

import shutil
from dataclasses import dataclass

from builder.app.settings import Settings
from builder.app.workshop import probe_engine
from builder.domain.containers import Enforcement
from builder.engines.discovery import (
    EngineName,
    FoundEngine,
    UnusableEngine,
    WorkingEngine,
    find_engines,
)
from builder.engines.emulation import (
    Emulated,
    Native,
    NotRunnable,
    execution,
    native_platform,
)
from builder.errors import BuilderError
from builder.images.recipe import ARCHITECTURES


@dataclass(frozen=True)
class Finding:
    """One engine, as it was found."""

    name: str
    works: bool
    summary: str
    """Version and mode where it works, else why it does not."""
    remedy: str
    promises: tuple[Enforcement, ...]
    probed: tuple[Enforcement, ...] = ()


@dataclass(frozen=True)
class Processors:
    """What containers can be for on this host.

    Attributes:
        native: what the processor runs by itself.
        foreign: every other platform that an image can be for.
    """

    native: str
    foreign: tuple["ForeignPlatform", ...]


@dataclass(frozen=True)
class ForeignPlatform:
    """A platform of another processor.

    Attributes:
        platform: `linux/arm64` and the like.
        emulated: whether its containers run here.
        summary: what emulates it, else why nothing does.
        remedy: what root is to do for it to be emulated.
    """

    platform: str
    emulated: bool
    summary: str
    remedy: str = ""


def examine(settings: Settings, *, with_probe: bool) -> tuple[Finding, ...]:
    """Tries every engine, or the one that was chosen; looks from inside where that is asked.

    Raises:
        ImageError: a look from inside needs an image, and it is not there.
    """
    found = (
        _finding(engine, settings, with_probe=with_probe)
        for engine in find_engines(settings.engine_variables)
    )
    return tuple(one for one in found if settings.engine in ("auto", one.name))


def processors() -> Processors:
    """Which platforms' containers run on this host, and by what means."""
    native = native_platform()
    others = (platform for platform in ARCHITECTURES if platform != native)
    return Processors(native, tuple(map(_foreign, others)))


def _foreign(platform: str) -> ForeignPlatform:
    match execution(platform):
        case Native():
            return ForeignPlatform(platform, emulated=True, summary="the processor itself")
        case Emulated(interpreter):
            return ForeignPlatform(platform, emulated=True, summary=interpreter)
        case NotRunnable(reason, remedy):
            return ForeignPlatform(platform, emulated=False, summary=reason, remedy=remedy)


def has_git(settings: Settings) -> bool:
    """Whether git repositories can be fetched."""
    return shutil.which("git", path=settings.variables.get("PATH", "")) is not None


def _finding(engine: FoundEngine, settings: Settings, *, with_probe: bool) -> Finding:
    match engine:
        case UnusableEngine(name, reason, remedy):
            return Finding(name, works=False, summary=reason, remedy=remedy, promises=())
        case WorkingEngine(facts):
            mode = "rootless" if facts.rootless else "rootful"
            summary = (
                f"{facts.version}, {mode}, runtime {facts.runtime}, cgroups {facts.cgroups}, "
                f"identity {facts.identity}"
            )
            name = "docker" if facts.name == "docker" else "podman"
            probed = _probed(settings, name) if with_probe else ()
            return Finding(name, True, summary, "", facts.enforcement, probed)


def _probed(settings: Settings, name: EngineName) -> tuple[Enforcement, ...]:
    try:
        return probe_engine(settings, name)
    except BuilderError as error:
        return (
            Enforcement("a container starts", kept=False, means=error.message, remedy=error.hint),
        )

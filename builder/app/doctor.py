"""What this host's engines are, and what they hold."""

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
from builder.errors import BuilderError


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

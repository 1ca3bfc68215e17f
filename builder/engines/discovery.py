"""Which engine there is: the one place that chooses between Podman and Docker."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from builder.domain.containers import EngineFacts
from builder.engines.docker_opening import open_docker
from builder.engines.podman_opening import open_podman
from builder.engines.surroundings import Surroundings
from builder.errors import EngineError
from builder.ports import Engine, ImageMaker

EngineName = Literal["podman", "docker"]
EngineChoice = Literal["auto", "podman", "docker"]


class OpenEngine(Engine, ImageMaker, Protocol):
    """All that an engine of this host is for."""


_OPENERS: Mapping[EngineName, Callable[[Surroundings], AbstractContextManager[OpenEngine]]] = {
    "podman": open_podman,
    "docker": open_docker,
}


@dataclass(frozen=True)
class WorkingEngine:
    """An engine that containers can be run with."""

    facts: EngineFacts


@dataclass(frozen=True)
class UnusableEngine:
    """An engine that is missing or does not work, and what would mend it."""

    name: EngineName
    reason: str
    remedy: str


FoundEngine = WorkingEngine | UnusableEngine


@contextmanager
def open_engine(choice: EngineChoice, variables: Mapping[str, str]) -> Iterator[OpenEngine]:
    """Opens the engine that was asked for, and closes it.

    Enter this in a thread that lives as long as the engine is used: a service that was started for
    it ends with that thread.

    Args:
        choice: `auto` takes Podman where it works, and else Docker.
        variables: the environment: `CONTAINER_HOST`, `DOCKER_HOST`, `XDG_RUNTIME_DIR`, `HOME`, and
            what Podman itself reads.

    Raises:
        EngineError: it does not work here; the hint is the command that would mend it.
    """
    surroundings = Surroundings.of(variables)
    with ExitStack() as stack:
        if choice == "auto":
            yield _enter_first(stack, surroundings)
        else:
            yield stack.enter_context(_OPENERS[choice](surroundings))


def find_engines(variables: Mapping[str, str]) -> tuple[FoundEngine, ...]:
    """Tries every engine there could be, in the order in which `auto` takes them."""
    surroundings = Surroundings.of(variables)
    return tuple(_found(name, surroundings) for name in _OPENERS)


def _found(name: EngineName, surroundings: Surroundings) -> FoundEngine:
    try:
        with _OPENERS[name](surroundings) as engine:
            return WorkingEngine(engine.facts)
    except EngineError as error:
        return UnusableEngine(name, error.message, error.hint)


def _enter_first(stack: ExitStack, surroundings: Surroundings) -> OpenEngine:
    refusals: list[EngineError] = []
    for opener in _OPENERS.values():
        try:
            return stack.enter_context(opener(surroundings))
        except EngineError as error:
            refusals.append(error)
    raise EngineError(
        f"no container engine works here: {'; '.join(error.message for error in refusals)}",
        hint=refusals[0].hint,
    )

"""An engine, an image and a sandbox, made ready for a workflow and cleared away behind it."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from builder.app.emulation import emulated_architecture, measuring
from builder.app.images import chosen_recipe, image_catalogue
from builder.app.settings import Settings
from builder.domain.containers import Enforcement
from builder.domain.events import Event as Happening
from builder.domain.events import Noted
from builder.domain.images import Image, TargetPython
from builder.engines.discovery import EngineChoice, open_engine
from builder.errors import StorageError
from builder.ports import Engine
from builder.stores.files import FileStore
from builder.workflows.agent import install_agent
from builder.workflows.describe import describe_target
from builder.workflows.interiors import Interiors
from builder.workflows.ownership import (
    OWNER_LABEL,
    RUN_LABEL,
    claim_scratch,
    is_abandoned,
    owner_of_this_process,
)
from builder.workflows.posture import probe
from builder.workflows.sandbox import Room, Sandbox

Notify = Callable[[Happening], None]


def probe_engine(settings: Settings, choice: EngineChoice) -> tuple[Enforcement, ...]:
    """What a container of an engine looks like from inside, with the chosen image."""
    image, interpreter = _chosen_image(settings)
    stop = Event()
    with (
        open_engine(choice, settings.engine_variables) as engine,
        _sandbox(settings, engine, image, interpreter, stop) as sandbox,
    ):
        return probe(sandbox)


@dataclass(frozen=True)
class Workshop:
    """What a workflow that runs containers needs."""

    sandbox: Sandbox
    store: FileStore
    target: TargetPython
    scratch: Path
    interiors: Interiors


@contextmanager
def open_workshop(settings: Settings, stop: Event, notify: Notify) -> Iterator[Workshop]:
    """Opens the engine, clears away what killed runs left, and loads the chosen image.

    Raises:
        EngineError: no engine works here.
        ImageError: the image cannot be used.
        InputError: there is no such image.
        StorageError: the cache cannot be written.
    """
    with open_workshops({"": settings}, stop, lambda _name: notify) as shops:
        yield shops[""]


@contextmanager
def open_workshops(
    variants: Mapping[str, Settings], stop: Event, notify_of: Callable[[str], Notify]
) -> Iterator[Mapping[str, Workshop]]:
    """The same for several variants, on one engine: that of the first.

    Args:
        variants: what the user chose for each of them, by the name that it has in the run.
        stop: is set when the run ends early.
        notify_of: by that name, who hears of it; the first one's, of the engine, too.

    Raises:
        EngineError: no engine works here.
        ImageError: an image cannot be used.
        InputError: there is no such image.
        StorageError: the cache cannot be written.
    """
    # What is wrong with any of them is told before the first image is loaded.
    images = {name: _chosen_image(settings) for name, settings in variants.items()}
    first = next(iter(variants.values()))
    notify = notify_of(next(iter(variants)))
    with open_engine(first.engine, first.engine_variables) as engine, ExitStack() as shops:
        facts = engine.facts
        mode = "rootless" if facts.rootless else "rootful"
        notify(Noted(f"engine: {facts.name} {facts.version}, {mode}, {facts.runtime}"))
        lost = ", ".join(promise.promise for promise in facts.enforcement if not promise.kept)
        if lost:
            told = f"this host does not enforce limits on: {lost} (`builder doctor` says why)"
            notify(Noted(told, warning=True))
        removed = engine.remove_leftovers(is_abandoned)
        if removed:
            notify(Noted(f"removed {removed} containers that a killed run had left"))
        store = FileStore(first.cache / "store", reuse=first.reuse)
        yield {
            name: shops.enter_context(
                _workshop(one, engine, store, images[name], stop, notify_of(name))
            )
            for name, one in variants.items()
        }


@contextmanager
def _workshop(
    settings: Settings,
    engine: Engine,
    store: FileStore,
    image: tuple[Image, str],
    stop: Event,
    notify: Notify,
) -> Iterator[Workshop]:
    with _sandbox(settings, engine, image[0], image[1], stop) as sandbox:
        notify(Noted(f"image: {settings.image_name}, {sandbox.image}"))
        measure = measuring(settings, sandbox, notify)
        target = describe_target(sandbox, store)
        interiors = Interiors(engine, sandbox, store, target, measure)
        yield Workshop(sandbox, store, target, sandbox.scratch, interiors)


def _chosen_image(settings: Settings) -> tuple[Image, str]:
    """The image, and its Python."""
    recipe = chosen_recipe(settings)
    return image_catalogue(settings).open(recipe.name), recipe.python


@contextmanager
def _sandbox(
    settings: Settings, engine: Engine, image: Image, interpreter: str, stop: Event
) -> Iterator[Sandbox]:
    identifier = engine.ensure_image(image)
    emulated = emulated_architecture(image.platform)
    run = secrets.token_hex(6)
    try:
        scratch = claim_scratch(settings.cache / "scratch", run)
    except OSError as error:
        raise StorageError(
            f"the cache cannot be written: {settings.cache}: {error.strerror}",
            hint="free some space, or choose another folder with --cache-dir",
        ) from error
    try:
        labels = {RUN_LABEL: run, OWNER_LABEL: owner_of_this_process()}
        room = Room(identifier, interpreter, scratch, labels, emulated)
        yield Sandbox(engine, install_agent(settings.cache), room, stop)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

"""The images of a run: each held to its target, and probed before upstream code runs in it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from builder.domain.images import Image, LayoutImage, TargetPython
from builder.errors import ImageError
from builder.ports import Engine, Store
from builder.workflows.describe import describe_target
from builder.workflows.posture import require_posture
from builder.workflows.sandbox import Interior, Sandbox

_SHOWN_TAGS = 3


class Interiors:
    """Knows the image of the run, and the further ones that packages ask for.

    Safe from several threads: whoever needs an image waits for it alone.

    Args:
        engine: loads images.
        sandbox: where they are asked and probed.
        store: where answers are kept.
        target: the Python that all of them must have.
        before_the_first: is called once, before upstream code runs in any of them.
    """

    def __init__(
        self,
        engine: Engine,
        sandbox: Sandbox,
        store: Store,
        target: TargetPython,
        before_the_first: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._sandbox = sandbox
        self._store = store
        self._target = target
        self._known = {sandbox.image: sandbox.interior}
        self._probed: set[str] = set()
        self._before_the_first = before_the_first
        self._begun = False
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def add(self, image: Image, interpreter: str) -> str:
        """Takes an image in; returns its ID. It is loaded once something is to run in it.

        Raises:
            EngineError: no container of it starts.
            ImageError: it cannot be had, or has another Python than the run is for.
        """
        match image:
            case LayoutImage(config=config):
                interior = Interior(str(config), interpreter, image)
            case _:
                interior = Interior(self._engine.ensure_image(image), interpreter)
        with self._alone(interior.image):
            if interior.image not in self._known:
                found = describe_target(self._sandbox, self._store, interior)
                _require_same(found, self._target, image.name)
                self._known[interior.image] = interior
        return interior.image

    def ready(self, identifier: str) -> Interior:
        """An image that upstream code may run in.

        Raises:
            EngineError: the sandbox does not hold in it what was promised.
            ImageError: it cannot be loaded.
        """
        interior = self._known[identifier]
        with self._alone(identifier):
            if identifier not in self._probed:
                require_posture(self._sandbox, interior)
                self._probed.add(identifier)
                self._begin()
        return interior

    def _begin(self) -> None:
        with self._lock:
            begun, self._begun = self._begun, True
        if not begun:
            self._before_the_first()

    @contextmanager
    def _alone(self, identifier: str) -> Iterator[None]:
        with self._lock:
            lock = self._locks.setdefault(identifier, threading.Lock())
        with lock:
            yield


def _require_same(found: TargetPython, target: TargetPython, name: str) -> None:
    """Environments are made once, for the target: another Python would find nothing in them."""
    differences = tuple(_differences(found, target))
    if differences:
        raise ImageError(
            f"image {name!r} has another Python than the image of the run:\n"
            + "\n".join(f"  {line}" for line in differences),
            hint=(
                "all packages of a run are built for one Python: make both images from one suite"
                " (builder image build NAME --force), or take this image for the run with --image"
            ),
        )


def _differences(found: TargetPython, target: TargetPython) -> Iterator[str]:
    if found.executable != target.executable:
        yield f"it lies at {found.executable}, not at {target.executable}"
    if found.cache_tag != target.cache_tag:
        yield f"its bytecode is {found.cache_tag}, not {target.cache_tag}"
    for name in sorted({*found.markers, *target.markers}):
        here, there = found.markers.get(name, ""), target.markers.get(name, "")
        if here != there:
            yield f"{name} is {here!r}, not {there!r}"
    for what, tags in (
        ("more", found.tags - target.tags),
        ("fewer", target.tags - found.tags),
    ):
        if tags:
            shown = sorted(map(str, tags))
            more = f" and {len(shown) - _SHOWN_TAGS} more" if len(shown) > _SHOWN_TAGS else ""
            yield f"{what} wheels fit it: {', '.join(shown[:_SHOWN_TAGS])}{more}"

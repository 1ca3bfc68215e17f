"""Tells the operator's hooks what became of packages, once it lies where it stays."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from builder.app.decisions import called
from builder.domain.builds import Wheel
from builder.domain.digests import Digest
from builder.domain.releases import Pin
from builder.overrides.plugins import Hook
from builder.plugins.values import (
    BuiltFile,
    BuiltWheel,
    FinishedPackage,
    Package,
    PreBuiltWheel,
)
from builder.ports import Store
from builder.workflows.packages import Package as Made

_DUE, _DONE = b"due", b"done"


class Hooks:
    """Calls hooks one after the other, whichever thread has something to tell."""

    def __init__(self, hooks: Mapping[str, tuple[Hook, ...]], variant: str, store: Store) -> None:
        self._hooks = hooks
        self._variant = variant
        self._store = store
        self._lock = threading.Lock()
        self._told: set[tuple[str, Pin, Path | None]] = set()

    def built(self, wheel: Wheel) -> None:
        """Remembers that a wheel was built now: beyond the end of this run, if need be."""
        for hook in self._hooks.get("post_build", ()):
            self._store.record(_key(hook, wheel), _DUE)

    def finished(self, package: Made, wheel: Path | None, sdist: Path) -> None:
        """Calls the hooks that are for a package, now that it is done with.

        Args:
            package: what became of it.
            wheel: where its wheel lies; None where it has none yet.
            sdist: where its rebuilt source archive lies, if it has one.

        Raises:
            PluginError: a hook raised.
        """
        if not self._hooks:
            return
        with self._lock:
            file = _file(wheel) if wheel is not None else None
            release = Package(package.pin.name, package.pin.version, self._variant)
            source = _file(sdist) if package.recipe is not None and sdist.is_file() else None
            if package.foreign is not None and file is not None:
                taken = PreBuiltWheel(release, file)
                self._call("prebuilt_wheel", package.pin, wheel, taken)
            elif package.wheel is not None and file is not None:
                self._tell_built(package.wheel, BuiltWheel(release, source, file))
            done = FinishedPackage(release, source, file)
            self._call("post_bootstrap", package.pin, wheel, done)

    def _tell_built(self, wheel: Wheel, built: BuiltWheel) -> None:
        for hook in self._hooks.get("post_build", ()):
            key = _key(hook, wheel)
            if self._store.result(key) == _DUE:
                _tell(hook, str(wheel.pin), partial(hook.function, built=built))
                self._store.record(key, _DONE)

    def _call(self, name: str, pin: Pin, wheel: Path | None, value: object) -> None:
        """Once for each package of a run, however many steps come upon it."""
        if (name, pin, wheel) in self._told:
            return
        self._told.add((name, pin, wheel))
        argument = {"prebuilt_wheel": "taken", "post_bootstrap": "finished"}[name]
        for hook in self._hooks.get(name, ()):
            _tell(hook, str(pin), partial(hook.function, **{argument: value}))


def _tell(hook: Hook, subject: str, call: Callable[[], object]) -> None:
    called(f"hook {hook.place} for {subject}", call)


def _file(path: Path) -> BuiltFile:
    return BuiltFile(path.absolute(), Digest.of_file(path).sha256)


def _key(hook: Hook, wheel: Wheel) -> Digest:
    # Another release of the plugin is owed what the last one could not do.
    function = hook.place.partition(" (")[0]
    named = f"post_build\n{function}\n{wheel.filename}\n{wheel.digest}\n"
    return Digest.of_bytes(named.encode())

"""What a plugin may hear of, each as a function with a fixed signature.

An entry point of the group `builder.hooks` is called as the hook is, and names the function. There
may be several for a hook. They are called one after the other, never two at once, in every command
that builds, after the files lie where they stay. What they return is ignored; one that raises ends
the run, and is called again for the same wheel by the next.
"""

from collections.abc import Mapping
from typing import Protocol

from builder.plugins.values import BuiltWheel, FinishedPackage, PreBuiltWheel


class PostBuild(Protocol):
    """A wheel was built in this run: not one that was found, reused or taken from elsewhere."""

    def __call__(self, built: BuiltWheel) -> None: ...


class PrebuiltWheel(Protocol):
    """A wheel that somebody else built was taken, as the settings or test mode ask for."""

    def __call__(self, taken: PreBuiltWheel) -> None: ...


class PostBootstrap(Protocol):
    """A package is done with, whatever became of it: built, reused, taken, or only planned."""

    def __call__(self, finished: FinishedPackage) -> None:
        """Called after the hooks above, once for each package, before what needs it goes on.

        A run that only plans (`bootstrap --sdist-only`, and the first half of
        `bootstrap-parallel`) tells of each package without a wheel, and once more with one of those
        that had to be built for the sake of the others.
        """
        ...


HOOKS: Mapping[str, type] = {
    "post_build": PostBuild,
    "prebuilt_wheel": PrebuiltWheel,
    "post_bootstrap": PostBootstrap,
}
"""Every hook by its name."""

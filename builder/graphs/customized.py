"""Which packages are built in a way of their own."""

from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.releases import Pin


@dataclass(frozen=True)
class Customized:
    """The packages that somebody wrote settings, patches or plugins for.

    Attributes:
        patched: those with patches for whatever version.
        patched_releases: those with patches for one version; whatever is local counts for it.
        alone: those whose settings ask for an exclusive build.
    """

    settings: frozenset[NormalizedName] = frozenset()
    patched: frozenset[NormalizedName] = frozenset()
    patched_releases: frozenset[Pin] = frozenset()
    plugins: frozenset[NormalizedName] = frozenset()
    alone: frozenset[NormalizedName] = frozenset()

    def has_patches(self, pin: Pin) -> bool:
        public = Pin(pin.name, Version(pin.version.public))
        return pin.name in self.patched or public in self.patched_releases

    def touches(self, pin: Pin) -> bool:
        return pin.name in self.settings or pin.name in self.plugins or self.has_patches(pin)

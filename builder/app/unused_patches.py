"""Patches that a run had no use for, though it built other versions of what they are for."""

from collections.abc import Iterable

from builder.app.workshop import Notify
from builder.domain.events import Noted
from builder.domain.graph import GraphNode
from builder.overrides.patches import unused
from builder.overrides.reading import Overrides


def tell_unused_patches(overrides: Overrides, nodes: Iterable[GraphNode], notify: Notify) -> None:
    """Warns of patches for versions that are not in the tree, of projects that are."""
    built = [node.pin for node in nodes if not node.pre_built]
    for patch in unused(overrides.patch_folders, built, overrides.layers):
        text = f"{patch.name} is used by no version that was built: it is for {patch.version}"
        notify(Noted(text, warning=True))

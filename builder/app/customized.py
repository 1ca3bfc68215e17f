"""Which packages the user's folders and installed plugins give a way of their own."""

from builder.app.overrides import read_without_plugins
from builder.app.settings import Settings
from builder.domain.releases import Pin
from builder.graphs.customized import Customized


def customized(settings: Settings) -> Customized:
    """Who has settings, patches or plugins, for the variant that was chosen.

    Raises:
        InputError: a file cannot be used; every problem is named.
    """
    found = read_without_plugins(settings)
    folders = [folder for folder in found.patch_folders if folder.patches(found.layers)]
    return Customized(
        settings=frozenset(found.packages),
        patched=frozenset(folder.project for folder in folders if folder.version is None),
        patched_releases=frozenset(
            Pin(folder.project, folder.version) for folder in folders if folder.version is not None
        ),
        plugins=frozenset(found.plugins),
        alone=frozenset(
            name for name in found.packages if found.build_options(name).exclusive_build
        ),
    )

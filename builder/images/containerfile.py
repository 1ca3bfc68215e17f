"""The Containerfile by which an image of a registry gets packages, and what of it can be told."""

import json
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from builder.domain.digests import Digest
from builder.images.package_names import PackageManager
from builder.images.recipe import ImageRecipe, RegistryBase
from builder.shipped import shipped_folder

PACKAGE_LIST = "usr/share/builder/packages"
"""The file of a finished image that lists its packages."""
NO_MANAGER = "the image has no apt-get, no dnf and no microdnf"


def containerfile(packages: tuple[str, ...], manager: PackageManager | None) -> str:
    """The Containerfile that adds packages to the image which its argument names.

    Args:
        packages: as `is_package` accepts them.
        manager: what installs them; None for the one that is found in the image.
    """
    return _template().render(
        packages=sorted(packages),
        manager=manager or "",
        list=f"/{PACKAGE_LIST}",
        no_manager=NO_MANAGER,
    )


def registry_digest(recipe: ImageRecipe, base: RegistryBase) -> Digest:
    """Names everything that the recipe and the template ask for, the packages' versions aside."""
    content = {
        "containerfile": containerfile(base.packages, base.manager),
        "platform": recipe.platform,
        "reference": base.reference,
    }
    return Digest.of_bytes(json.dumps(content, sort_keys=True).encode())


def proxies(variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """How a build reaches a distribution's archive: the caller's proxies, under both spellings.

    Engines take these names without asking, and keep them out of the image.
    """
    names = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
    spelled = (spelling for name in names for spelling in (name, name.upper()))
    return tuple((name, variables[name]) for name in spelled if variables.get(name))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(shipped_folder("templates")),
        autoescape=False,  # noqa: S701 - a Containerfile, of names that were checked
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("Containerfile.j2")

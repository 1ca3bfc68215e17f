"""Images of registries that get packages: made by an engine, and taken over from it."""

import re
from pathlib import Path

from builder.domain.derivations import Derivation
from builder.domain.images import RegistryImage
from builder.errors import ImageError
from builder.images.containerfile import NO_MANAGER, PACKAGE_LIST, containerfile, proxies
from builder.images.layout import WrittenLayout
from builder.images.mmdebstrap import Host, Progress
from builder.images.packages import DebianPackage
from builder.images.recipe import ImageRecipe, RegistryBase
from builder.images.saved import listed_packages, take_over
from builder.images.state import layout_folder
from builder.ports import ImageMaker

_SHOWN_LINES = 15
_STEP = re.compile(r"(?:Unpacking|Setting up|Installing\s*:|STEP|Step) ?\S+.*")
_SHOWN_WIDTH = 100

_NO_PACKAGE = re.compile(
    r"Unable to locate package|has no installation candidate|Unable to find a match"
    r"|No match for argument|No package matches|Version .* was not found"
)
_UNREACHABLE = re.compile(
    r"Could not resolve|Temporary failure resolving|Could not connect"
    r"|Connection (?:timed out|refused)|Unable to connect|Network is unreachable"
    r"|Curl error|Failed to download metadata|Cannot download repomd"
)


def derive(
    maker: ImageMaker,
    recipe: ImageRecipe,
    base: RegistryBase,
    host: Host,
    folder: Path,
    log: Path,
    progress: Progress,
) -> tuple[WrittenLayout, tuple[DebianPackage, ...]]:
    """Lets an engine add the packages, and takes the image over.

    Args:
        maker: the engine.
        recipe: of the image.
        base: what the recipe says of it.
        host: this machine.
        folder: where the layout is put.
        log: takes everything that the engine and the package manager say; stays after a failure.
        progress: takes the lines worth showing.

    Returns:
        The layout, and every package of the image.

    Raises:
        ImageError: the image cannot be pulled, or cannot get the packages.
    """
    derivation = Derivation(
        RegistryImage(recipe.name, base.reference, recipe.platform),
        containerfile(base.packages, base.manager),
        proxies(host.environment),
    )
    progress(f"{base.reference} is pulled where it is missing")
    with log.open("w", encoding="utf-8") as record:

        def told(line: str) -> None:
            record.write(f"{line}\n")
            if _STEP.match(line):
                progress(line[:_SHOWN_WIDTH])

        try:
            identifier = maker.derive(derivation, told)
        except ImageError as error:
            record.flush()
            raise explain_failure(error, recipe.name, log) from error
    progress("writing the image")
    archive, layout = folder / "saved.tar", layout_folder(folder)
    maker.save(identifier, archive)
    written = take_over(archive, layout, recipe.name, identifier)
    archive.unlink()
    return written, listed_packages(layout, written, PACKAGE_LIST)


def explain_failure(error: ImageError, name: str, log: Path) -> ImageError:
    """The error to raise for an image that did not get its packages."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines:
        return error
    text = "\n".join(lines)
    last = "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:])
    return ImageError(
        f"image {name!r} does not get its packages: {error.message}\n{last}\nlog: {log}",
        hint=_hint(text),
    )


def _hint(text: str) -> str:
    said = "\n".join(line for line in text.splitlines() if not line.startswith(("STEP", "Step")))
    if NO_MANAGER in said:
        return (
            "packages can be added to images with apt-get, dnf or microdnf: take an image that has"
            " one of them, or one that has what is needed, and no `packages:`"
        )
    if _NO_PACKAGE.search(said):
        return "check `packages` in image.yaml: they are called as the image's distribution does"
    if _UNREACHABLE.search(said):
        return (
            "packages come from the archives that the image itself names: check the network, and"
            " http_proxy"
        )
    return "the image must let root install packages with what it names in `package_manager`"

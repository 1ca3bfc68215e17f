"""What a run must know whose image is for another processor than the host's."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.emulation import PATIENCE
from builder.domain.events import Event, Noted
from builder.domain.images import LayoutImage
from builder.engines.emulation import Emulated, architecture_of, execution, native_platform
from builder.errors import BuilderError
from builder.workflows.measuring import tell_factor
from builder.workflows.sandbox import Interior, Sandbox


def emulated_architecture(platform: str) -> str:
    """The architecture of a platform whose processor is emulated here, else empty."""
    return architecture_of(platform) if isinstance(execution(platform), Emulated) else ""


def measuring(
    settings: Settings, sandbox: Sandbox, notify: Callable[[Event], None]
) -> Callable[[], None]:
    """Tells at once that the image of a run is emulated, where it is, and what that may cost.

    Returns:
        What measures it, to be called before the first build.
    """
    if not sandbox.emulated:
        return lambda: None
    notify(
        Noted(
            f"image {settings.image_name} is for another processor, which is emulated (qemu,"
            f" {sandbox.emulated}): its builds take about {PATIENCE} times as long as native ones"
        )
    )
    return partial(tell_factor, sandbox, native_counterpart(settings), notify)


def native_counterpart(settings: Settings) -> Interior | None:
    """The image of a run as it is for the host's own processor, where it lies here already."""
    catalogue = image_catalogue(settings)
    with suppress(BuilderError):  # what is wrong with that image is no matter of this run
        name = catalogue.counterpart(settings.image_name, native_platform())
        image = None if name is None else catalogue.open(name)
        if name is not None and isinstance(image, LayoutImage):
            return Interior(str(image.config), catalogue.recipe(name).python, image)
    return None

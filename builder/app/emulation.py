"""What a run must know whose image is for another processor than the host's."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.emulation import PATIENCE, BuildTime, Factor, Timings
from builder.domain.events import BuildTook, EmulationMeasured, Event, Noted
from builder.domain.images import LayoutImage
from builder.engines.emulation import Emulated, architecture_of, execution, native_platform
from builder.errors import BuilderError
from builder.publish.files import publish_text
from builder.record.build_times import FILE, build_times_json, read_build_times
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


class Timekeeper:
    """Hears what a run tells, hands it on, and keeps what was measured. Safe from several threads.

    Args:
        notify: who hears everything behind it.
    """

    def __init__(self, notify: Callable[[Event], None]) -> None:
        self._notify = notify
        self._builds: list[BuildTime] = []
        self._factors: dict[str, Factor] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case BuildTook(time):
                self._builds.append(time)
            case EmulationMeasured(architecture, factor) if factor is not None:
                self._factors[architecture] = factor
            case _:
                pass
        self._notify(event)

    @property
    def timings(self) -> Timings:
        """What was measured so far."""
        return Timings(tuple(self._builds), dict(self._factors))


def write_build_times(work_dir: Path, timings: Timings) -> None:
    """Leaves what was measured in a run's records; those of a run that built nothing stay.

    Raises:
        OSError: it cannot be written.
    """
    if timings.builds:
        publish_text(build_times_json(timings), work_dir / FILE)


def build_times_beside(graph_file: str) -> Timings:
    """What was measured when a graph came to be; nothing where that was not kept beside it.

    Raises:
        InputError: the file that should say it says something else.
    """
    file = Path(graph_file).parent / FILE
    return read_build_times(file.read_text("utf-8"), str(file)) if file.is_file() else Timings()


def native_counterpart(settings: Settings) -> Interior | None:
    """The image of a run as it is for the host's own processor, where it lies here already."""
    catalogue = image_catalogue(settings)
    with suppress(BuilderError):  # what is wrong with that image is no matter of this run
        name = catalogue.counterpart(settings.image_name, native_platform())
        image = None if name is None else catalogue.open(name)
        if name is not None and isinstance(image, LayoutImage):
            return Interior(str(image.config), catalogue.recipe(name).python, image)
    return None

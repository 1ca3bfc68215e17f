"""The images of packages that settings want built elsewhere than in the image of the run."""

import threading
from dataclasses import dataclass, field, replace

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.app.workshop import Notify
from builder.domain.builds import BuildSpec
from builder.domain.customization import Place
from builder.domain.events import Noted
from builder.domain.graph import BuiltIn
from builder.domain.images import Image
from builder.domain.releases import Pin
from builder.errors import BuilderError, ImageError, InputError
from builder.images.extension import build_command
from builder.overrides.reading import Overrides
from builder.workflows.interiors import Interiors
from builder.workflows.sandbox import Interior


class PackageImages:
    """Finds the image of each package, or derives it. Safe from several threads.

    Whoever needs an image that is not there yet waits for it; nobody else does.
    """

    def __init__(
        self, settings: Settings, overrides: Overrides, interiors: Interiors, notify: Notify
    ) -> None:
        self._name = settings.image_name
        self._catalogue = image_catalogue(settings)
        self._overrides = overrides
        self._interiors = interiors
        self._notify = notify
        self._entries: dict[Place, _Entry] = {}
        self._lock = threading.Lock()

    def placed(self, spec: BuildSpec) -> BuildSpec:
        """A build in the image that is laid down for it.

        Raises:
            ImageError: the image cannot be had, or is none for this run.
            InputError: the settings ask for an image that there cannot be.
        """
        image = self.image(spec.source.pin)
        return spec if image is None else replace(spec, image=image)

    def image(self, pin: Pin) -> str | None:
        """The image that is laid down for a release; None where that is the image of the run.

        Raises:
            ImageError: the image cannot be had, or is none for this run.
            InputError: the settings ask for an image that there cannot be.
        """
        place = self._overrides.place(pin)
        if place == Place():
            return None
        try:
            return self._identifier(pin, place)
        except (ImageError, InputError) as error:
            message = cannot_have(self._overrides, pin, error)
            raise type(error)(message, hint=self._hint(error, place)) from error

    def built_in(self, pin: Pin) -> BuiltIn | None:
        """The image that a release was built in; None where nothing was built elsewhere for it."""
        place = self._overrides.place(pin)
        entry = self._entries.get(place)
        if entry is None or not entry.identifier:
            return None
        return BuiltIn(place.image or self._name, entry.identifier, place.system_packages)

    def interior(self, pin: Pin) -> Interior | None:
        """The image that is laid down for a release; None where that is the image of the run.

        Raises:
            EngineError: the sandbox does not hold in it what was promised.
            ImageError: the image cannot be had, or is none for this run.
            InputError: the settings ask for an image that there cannot be.
        """
        image = self.image(pin)
        return None if image is None else self._interiors.ready(image)

    def _hint(self, error: ImageError | InputError, place: Place) -> str:
        if isinstance(error, InputError) or not place.system_packages:
            return error.hint
        command = build_command(place.image or self._name, place.system_packages)
        return "; ".join(filter(None, (error.hint, f"to make it ahead of a run: {command}")))

    def _identifier(self, pin: Pin, place: Place) -> str:
        with self._lock:
            entry = self._entries.setdefault(place, _Entry())
        with entry.lock:
            if not entry.identifier:
                name = place.image or self._name
                image = self._image(pin, name, place.system_packages)
                interpreter = self._catalogue.recipe(name).python
                entry.identifier = self._interiors.add(image, interpreter)
        return entry.identifier

    def _image(self, pin: Pin, name: str, packages: tuple[str, ...]) -> Image:
        if not packages:
            return self._catalogue.open(name)
        told = f"image {name} with {', '.join(packages)}, for {pin}"
        built = self._catalogue.extend(
            name, packages, lambda line: self._notify(Noted(f"{told}: {line}"))
        )
        if not built.was_there:
            seconds = f"{built.state.seconds:.0f} s"
            self._notify(Noted(f"{told}: made in {seconds}; the engine takes it in now"))
        for line in built.replaced:
            text = f"{told}: the archive has moved since {name} was made: {line}"
            self._notify(Noted(text, warning=True))
        return built.image


def cannot_have(overrides: Overrides, pin: Pin, error: BuilderError) -> str:
    """That a release cannot be built in its image, with what in the settings asks for that."""
    asked = " and ".join(overrides.places_of(pin, "image", "system_packages"))
    return f"{pin} cannot have the image that it is to be built in ({asked}): {error.message}"


@dataclass
class _Entry:
    identifier: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

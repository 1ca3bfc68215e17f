"""The variables of a release's builds: of every build, of its image, its variant, its settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from builder.app.images import image_catalogue
from builder.app.package_images import cannot_have
from builder.app.settings import Settings
from builder.build.task import job_variables, variant_variables, with_environment, with_folders
from builder.domain.releases import Pin
from builder.errors import InputError
from builder.images.catalogue import ImageCatalogue
from builder.overrides.reading import Overrides

Variables = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OfImage:
    """What an image gives to the builds in it.

    Attributes:
        path: folders of programs.
    """

    variables: Variables = ()
    path: tuple[str, ...] = ()

    def over(self, usual: Variables) -> Variables:
        """What it makes of the usual variables: its own, and the search path in any case."""
        path = with_folders(dict(usual)["PATH"], self.path)
        return tuple(sorted({**dict(self.variables), "PATH": path}.items()))


class ImageVariables:
    """Knows what the image of each release gives to its builds. Safe from several threads."""

    def __init__(self, settings: Settings, overrides: Overrides) -> None:
        self._catalogue = image_catalogue(settings)
        self._settings = settings
        self._overrides = overrides
        self._known: dict[str, OfImage] = {}

    def __call__(self, pin: Pin) -> OfImage:
        """What the image gives that a release is built in.

        Raises:
            InputError: there is no such image, or its recipe is wrong.
        """
        name = place_of_builds(self._settings, self._overrides, pin)
        if name not in self._known:
            try:
                self._known[name] = variables_of(self._catalogue, name)
            except InputError as error:
                if name == self._settings.image_name:
                    raise
                message = cannot_have(self._overrides, pin, error)
                raise InputError(message, hint=error.hint) from error
        return self._known[name]


def place_of_builds(settings: Settings, overrides: Overrides, pin: Pin) -> str:
    """The name of the image that a release is built in."""
    return overrides.place(pin).image or settings.image_name


def variables_of(catalogue: ImageCatalogue, name: str) -> OfImage:
    """What an image gives to the builds in it.

    Raises:
        InputError: there is no such image, or its recipe is wrong.
    """
    recipe = catalogue.recipe(name)
    return OfImage(recipe.environment, recipe.path)


def build_variables(
    overrides: Overrides,
    pin: Pin,
    usual: Variables,
    jobs: int,
    host: Mapping[str, str],
    of_image: OfImage,
) -> Variables:
    """The usual variables with all others in their place or beside them, sorted.

    What comes later wins, and may refer to what comes before: the usual ones, the variant's name,
    the image's, those of the variant, those of the package's settings.

    Args:
        overrides: what is laid down.
        pin: the release.
        usual: what every build has.
        jobs: how many jobs the release's compilers are told to run.
        host: the variables of this host; settings say which of them may be read.
        of_image: what the image gives that the release is built in.

    Raises:
        InputError: a variable of the variant or of the settings comes to nothing.
    """
    own = dict(usual) | dict(variant_variables(overrides.variant)) | dict(of_image.over(usual))
    given = dict(overrides.variables(pin, {**dict(job_variables(jobs)), **own}, host))
    if "PATH" in given:
        given["PATH"] = with_environment(given["PATH"])
    return tuple(sorted({**own, **given}.items()))

"""Projects whose wheels the settings take from an index instead of building them."""

from collections.abc import Callable

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename

from builder.domain.builds import Failure
from builder.domain.digests import Digest
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.errors import InputError
from builder.indexes.addresses import file_at
from builder.indexes.simple import SimpleIndex
from builder.overrides.reading import Overrides
from builder.ports import Index
from builder.resolve.wheel_choice import fitting_wheels
from builder.workflows.foreign import ForeignWheels
from builder.workflows.packages import ForeignWheel

_PURPOSE = "as the pre-built wheel that the settings ask for"


class PreBuiltWheels:
    """Finds and fetches the wheels of pre-built projects. Safe from several threads."""

    def __init__(
        self,
        usual: ForeignWheels,
        elsewhere: Callable[[Index], ForeignWheels],
        overrides: Overrides,
    ) -> None:
        self._usual = usual
        self._overrides = overrides
        self._own: dict[NormalizedName, tuple[Index, ForeignWheels]] = {}
        for name in overrides.projects:
            chosen = overrides.pre_built(name)
            if chosen is not None and chosen.wheel_server_url is not None:
                index = SimpleIndex([chosen.wheel_server_url])
                self._own[name] = (index, elsewhere(index))

    def page(self, name: NormalizedName, usual: Index) -> ProjectPage | NoSuchProject:
        """The releases of a pre-built project: those with a wheel for the target.

        Raises:
            InputError: the one wheel that the settings name is none of the project.
        """
        pinned = self._pinned(name)
        if pinned is not None:
            pin, file = pinned
            return ProjectPage(name, (_candidate(pin, file, file.url),))
        index = self._own[name][0] if name in self._own else usual
        page = index.project(name)
        if isinstance(page, NoSuchProject):
            return page
        candidates = [
            _candidate(Pin(name, version), best[0], best[0].url)
            for version, files in page.wheels.items()
            if (best := fitting_wheels(files, self._tags))
        ]
        newest_first = sorted(candidates, key=lambda one: one.pin, reverse=True)
        return ProjectPage(name, tuple(newest_first), page.notes, page.wheels)

    def wheel(self, pin: Pin) -> ForeignWheel | Failure:
        """The wheel of a release of a pre-built project."""
        pinned = self._pinned(pin.name)
        if pinned is not None:
            return self._usual.of_file(pin, pinned[1])
        wheels = self._own[pin.name][1] if pin.name in self._own else self._usual
        return wheels.of_release(pin, _PURPOSE)

    @property
    def _tags(self) -> frozenset[Tag]:
        return self._usual.tags

    def _pinned(self, name: NormalizedName) -> tuple[Pin, RemoteFile] | None:
        chosen = self._overrides.pre_built(name)
        if chosen is None or chosen.pre_built_url is None:
            return None
        address, _, fragment = chosen.pre_built_url.partition("#")
        file = file_at(address, Digest(fragment.removeprefix("sha256=")))
        try:
            found, version, _, _ = parse_wheel_filename(file.filename)
        except InvalidWheelFilename as error:
            raise _no_wheel(name, file.filename) from error
        if found != name:
            raise _no_wheel(name, file.filename)
        return Pin(name, version), file


def _candidate(pin: Pin, file: RemoteFile, where: str) -> Candidate:
    return Candidate(pin, file, (), SpecifierSet(), file.yanked, where)


def _no_wheel(name: NormalizedName, filename: str) -> InputError:
    return InputError(
        f"pre_built_url in the settings of {name}: {filename} is no wheel of {name}",
        hint="name a file such as name-1.0-py3-none-any.whl",
    )

"""Releases whose wheels the settings take from an index instead of building them."""

from collections.abc import Callable, Iterator

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
    """Finds and fetches the wheels of pre-built releases. Safe from several threads."""

    def __init__(
        self,
        usual: ForeignWheels,
        elsewhere: Callable[[Index], ForeignWheels],
        overrides: Overrides,
    ) -> None:
        self._usual = usual
        self._overrides = overrides
        self._own: dict[str, tuple[Index, ForeignWheels]] = {}
        for name in overrides.projects:
            for chosen in overrides.pre_built_anywhere(name):
                url = chosen.wheel_server_url
                if url is not None and url not in self._own:
                    index = SimpleIndex([url])
                    self._own[url] = (index, elsewhere(index))

    def page(self, name: NormalizedName, usual: Index) -> ProjectPage | NoSuchProject:
        """The releases of a project: those with a wheel for the target where they are pre-built.

        Raises:
            InputError: a wheel that the settings name is none of the project.
        """
        chosen = self._overrides.pre_built_anywhere(name)
        if not chosen:
            return usual.project(name)
        found = {pin: _candidate(pin, file, file.url) for pin, file in self._pinned(name)}
        for url in sorted({one.wheel_server_url for one in chosen if one.wheel_server_url}):
            found |= self._with_wheels(self._own[url][0].project(name), url)
        page: ProjectPage | NoSuchProject = ProjectPage(name, ())
        if not self._is_elsewhere(name):
            page = usual.project(name)
            found |= self._with_wheels(page, None)
        if isinstance(page, NoSuchProject):
            if not found:
                return page
            page = ProjectPage(name, ())
        built = [one for one in page.candidates if self._overrides.pre_built(one.pin) is None]
        newest_first = sorted((*found.values(), *built), key=lambda one: one.pin, reverse=True)
        return ProjectPage(name, tuple(newest_first), page.notes, page.wheels)

    def wheel(self, pin: Pin) -> ForeignWheel | Failure | None:
        """The wheel of a release; None where it is to be built."""
        chosen = self._overrides.pre_built(pin)
        if chosen is None:
            return None
        pinned = dict(self._pinned(pin.name)).get(pin)
        if pinned is not None:
            return self._usual.of_file(pin, pinned)
        url = chosen.wheel_server_url
        wheels = self._own[url][1] if url is not None else self._usual
        return wheels.of_release(pin, _PURPOSE)

    @property
    def _tags(self) -> frozenset[Tag]:
        return self._usual.tags

    def _is_elsewhere(self, name: NormalizedName) -> bool:
        """Whether nothing of a project comes from the usual index."""
        package = self._overrides.package(name)
        if any("pre_built" in one.model_fields_set for one in package.versions.values()):
            return False
        every = self._overrides.in_force(name).settings
        return every.pre_built and bool(every.pre_built_url or every.wheel_server_url)

    def _with_wheels(
        self, page: ProjectPage | NoSuchProject, url: str | None
    ) -> dict[Pin, Candidate]:
        """The releases that are taken from the page of one server; None is the usual index."""
        found: dict[Pin, Candidate] = {}
        for version, files in page.wheels.items() if isinstance(page, ProjectPage) else ():
            pin = Pin(page.name, version)
            chosen = self._overrides.pre_built(pin)
            if chosen is None or chosen.pre_built_url or chosen.wheel_server_url != url:
                continue
            best = fitting_wheels(files, self._tags)
            if best:
                found[pin] = _candidate(pin, best[0], best[0].url)
        return found

    def _pinned(self, name: NormalizedName) -> Iterator[tuple[Pin, RemoteFile]]:
        """The wheels that the settings name, each where it is in force for its own version."""
        chosen = self._overrides.pre_built_anywhere(name)
        for url in sorted({one.pre_built_url for one in chosen if one.pre_built_url}):
            pin, file = _named_by(url, name)
            in_force = self._overrides.pre_built(pin)
            if in_force is not None and in_force.pre_built_url == url:
                yield pin, file


def _named_by(url: str, name: NormalizedName) -> tuple[Pin, RemoteFile]:
    address, _, fragment = url.partition("#")
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

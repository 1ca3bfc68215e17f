"""Releases as plugins see them, and what they give back as what an index offers."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.overrides.fields import SOURCE_SUFFIXES, address
from builder.plugins.values import Release, SourceFile
from builder.prepare.task import top_folder

_WHEEL = ".whl"


def as_releases(page: ProjectPage | NoSuchProject) -> tuple[Release, ...]:
    """What an index offers: source archives, then wheels."""
    return tuple(_releases(page)) if isinstance(page, ProjectPage) else ()


def as_file(file: RemoteFile) -> SourceFile:
    """A file of an index."""
    return SourceFile(file.url, file.digest.sha256 if file.digest else None, file.filename)


def checked_page(
    name: NormalizedName, given: Iterable[object], usual: ProjectPage | NoSuchProject | None
) -> ProjectPage:
    """What a plugin offers, as an index would.

    Raises:
        TypeError: something is of another type than it must be.
        ValueError: a release cannot be used.
    """
    known = _known(usual)
    candidates: dict[Version, Candidate] = {}
    wheels: dict[Version, tuple[RemoteFile, ...]] = {}
    for one in given:
        release = _checked_release(one)
        pin = Pin(name, release.version)
        file = _remote(pin, release, known)
        if file.filename.endswith(_WHEEL):
            wheels[pin.version] = (*wheels.get(pin.version, ()), file)
        elif pin.version in candidates:
            raise ValueError(f"there are two source archives of {pin}")
        else:
            candidates[pin.version] = _candidate(pin, release, file, usual)
    newest_first = sorted(candidates, reverse=True)
    ordered = {version: wheels[version] for version in sorted(wheels, reverse=True)}
    return ProjectPage(name, tuple(candidates[it] for it in newest_first), (), ordered)


def checked_file(pin: Pin, given: object, usual: RemoteFile) -> RemoteFile:
    """A source archive that a plugin names.

    Raises:
        TypeError: it is something else.
        ValueError: it cannot be fetched.
    """
    if not isinstance(given, SourceFile):
        raise TypeError(f"it must be a SourceFile, and is a {type(given).__name__}")
    if given == as_file(usual):
        return usual
    file = _file(pin, given)
    if file.filename.endswith(_WHEEL):
        raise ValueError(f"{file.filename} is no source archive")
    return file


def _releases(page: ProjectPage) -> Iterator[Release]:
    for candidate in page.candidates:
        file, python = candidate.sdist, str(candidate.requires_python)
        version, given = candidate.pin.version, as_file(file)
        yield Release(version, given, python, file.upload_time, candidate.yanked)
    for version, files in page.wheels.items():
        for file in files:
            yield Release(version, as_file(file), "", file.upload_time, file.yanked)


def _known(page: ProjectPage | NoSuchProject | None) -> dict[SourceFile, RemoteFile]:
    if not isinstance(page, ProjectPage):
        return {}
    files = [candidate.sdist for candidate in page.candidates]
    files += [file for wheels in page.wheels.values() for file in wheels]
    return {as_file(file): file for file in files}


def _checked_release(given: object) -> Release:
    if not isinstance(given, Release):
        raise TypeError(f"each must be a Release, and one is a {type(given).__name__}")
    if not isinstance(given.version, Version):
        raise TypeError(f"{given.version!r} is no packaging.version.Version")
    if not isinstance(given.file, SourceFile):
        raise TypeError(f"the file of {given.version} is no SourceFile")
    if not _is_moment(given.upload_time):
        raise TypeError(f"the upload_time of {given.version} is no datetime with a time zone")
    return given


def _is_moment(time: object) -> bool:
    return time is None or (isinstance(time, datetime) and time.tzinfo is not None)


def _remote(pin: Pin, release: Release, known: dict[SourceFile, RemoteFile]) -> RemoteFile:
    file = known.get(release.file) or _file(pin, release.file)
    return RemoteFile(
        file.filename,
        file.url,
        file.digest,
        file.metadata_digest,
        release.upload_time,
        release.yanked,
    )


def _candidate(
    pin: Pin, release: Release, file: RemoteFile, usual: ProjectPage | NoSuchProject | None
) -> Candidate:
    """With the index's wheels, whose metadata is read, where the archive is the index's too."""
    try:
        python = SpecifierSet(release.requires_python)
    except InvalidSpecifier as error:
        raise ValueError(f"requires_python of {pin}: {error}") from error
    wheels: tuple[RemoteFile, ...] = ()
    where, is_new = file.url, True
    for candidate in usual.candidates if isinstance(usual, ProjectPage) else ():
        if candidate.pin == pin and as_file(candidate.sdist) == as_file(file):
            wheels, where = candidate.wheels, candidate.index_url
            is_new = candidate.by_settings
    return Candidate(pin, file, wheels, python, release.yanked, where, by_settings=is_new)


def _file(pin: Pin, given: SourceFile) -> RemoteFile:
    for value in (given.url, given.filename):
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no str")
    url = address(given.url).partition("#")[0]
    filename = given.filename or _likely_name(pin, url)
    if given.sha256 is None:
        raise ValueError(f"{filename} has no sha256, without which nothing is fetched")
    if filename.endswith(_WHEEL):
        name, version, _, _ = parse_wheel_filename(filename)
        if Pin(name, version) != pin:
            raise ValueError(f"{filename} is no wheel of {pin}")
    elif not _is_of(filename, pin):
        raise ValueError(
            f"{filename} must begin with {top_folder(pin)!r}, and end in one of "
            f"{', '.join(SOURCE_SUFFIXES)}"
        )
    return RemoteFile(filename, url, Digest(given.sha256))


def _likely_name(pin: Pin, url: str) -> str:
    last = url.rpartition("/")[2]
    if last.endswith(_WHEEL):
        return last
    suffix = next((one for one in SOURCE_SUFFIXES if last.endswith(one)), "")
    return f"{top_folder(pin)}{suffix}"


def _is_of(filename: str, pin: Pin) -> bool:
    """Whether a name is one that two releases never share."""
    stem = next((filename.removesuffix(it) for it in SOURCE_SUFFIXES if filename.endswith(it)), "")
    name, dash, version = stem.rpartition("-")
    return bool(dash) and canonicalize_name(name) == pin.name and version == str(pin.version)

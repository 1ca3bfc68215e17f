"""Which of a release's wheels a target can install, best first."""

from collections.abc import Iterable

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.domain.releases import RemoteFile


def fitting_wheels(
    files: Iterable[RemoteFile], tags: frozenset[Tag] | None
) -> tuple[RemoteFile, ...]:
    """The wheels that fit, the most wanted first; without tags, all that are wheels.

    One for just this platform comes before one for any, then the highest build tag wins; a yanked
    one comes last.
    """
    return tuple(sorted((it for it in files if _fits(it, tags)), key=_preference))


def _fits(file: RemoteFile, tags: frozenset[Tag] | None) -> bool:
    try:
        offered = parse_wheel_filename(file.filename)[3]
    except InvalidWheelFilename:
        return False
    return tags is None or bool(offered & tags)


def _preference(file: RemoteFile) -> tuple[bool, bool, int, str]:
    _, _, build, tags = parse_wheel_filename(file.filename)
    is_generic = any(tag.platform == "any" for tag in tags)
    return file.yanked is not None, is_generic, -(build[0] if build else 0), file.filename

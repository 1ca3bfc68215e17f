"""Whether a wheel is the same for every processor, before it is built and after."""

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.domain.images import TargetPython
from builder.domain.releases import Candidate

_OF_THE_PROCESSOR = ("platform_machine", "platform_release", "platform_version")


def is_pure(filename: str) -> bool:
    """Whether a wheel's name says that it fits every platform."""
    try:
        _, _, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return False
    return all(tag.abi == "none" and tag.platform == "any" for tag in tags)


def looks_pure(candidate: Candidate) -> bool:
    """Whether what others built of a release lets expect so: a guess that a build will check."""
    return bool(candidate.wheels) and all(is_pure(it.filename) for it in candidate.wheels)


def same_but_for_the_processor(a: TargetPython, b: TargetPython) -> bool:
    """Whether two Pythons differ at most in the processor that they run on."""
    return (a.version, a.cache_tag, _markers(a)) == (b.version, b.cache_tag, _markers(b))


def _markers(target: TargetPython) -> dict[str, str]:
    return {it: one for it, one in target.markers.items() if it not in _OF_THE_PROCESSOR}

"""From what an image's interpreter says of itself to the markers and tags of a target."""

from collections.abc import Iterator, Mapping

from packaging.tags import Tag, compatible_tags, cpython_tags
from pydantic import BaseModel, ConfigDict

from builder.domain.images import TargetPython

# The oldest glibc that a manylinux tag can name for each architecture (PEP 600).
_OLDEST_GLIBC_MINOR = {"x86_64": 5, "i686": 5}
_DEFAULT_OLDEST_GLIBC_MINOR = 17
# What tags were called before they named a version of glibc.
_OLDER_NAMES = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}
_MARKERS = frozenset(
    {
        "implementation_name",
        "implementation_version",
        "os_name",
        "platform_machine",
        "platform_release",
        "platform_system",
        "platform_version",
        "python_full_version",
        "platform_python_implementation",
        "python_version",
        "sys_platform",
    }
)


class Description(BaseModel):
    """What comes back from the interpreter, checked before anything is made of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: str
    executable: str
    version: str
    cache_tag: str
    platform: str
    libc: tuple[str, str]
    free_threaded: bool
    markers: dict[str, str]


def target_python(description: Description) -> TargetPython:
    """The target that wheels are built for.

    Raises:
        ValueError: the interpreter is not CPython, or named too few or too many markers.
    """
    if set(description.markers) != _MARKERS:
        raise ValueError("the interpreter did not name exactly the markers of PEP 508")
    if description.markers["implementation_name"] != "cpython":
        raise ValueError(
            f"{description.markers['implementation_name']} is not supported: CPython is"
        )
    return TargetPython(
        executable=description.executable,
        version=description.version,
        markers=description.markers,
        tags=frozenset(_tags(description)),
        cache_tag=description.cache_tag,
    )


def _tags(description: Description) -> Iterator[Tag]:
    major, minor = (int(part) for part in description.version.split(".")[:2])
    platforms = list(_platforms(description.platform, description.libc, description.markers))
    abi = f"cp{major}{minor}{'t' if description.free_threaded else ''}"
    yield from cpython_tags((major, minor), abis=[abi], platforms=platforms)
    yield from compatible_tags((major, minor), interpreter=f"cp{major}{minor}", platforms=platforms)


def _platforms(platform: str, libc: tuple[str, str], markers: Mapping[str, str]) -> Iterator[str]:
    machine = markers["platform_machine"]
    name, version = libc
    if name == "glibc":
        major, minor = (int(part) for part in version.split(".")[:2])
        oldest = _OLDEST_GLIBC_MINOR.get(machine, _DEFAULT_OLDEST_GLIBC_MINOR)
        for old in range(minor, oldest - 1, -1):
            yield f"manylinux_{major}_{old}_{machine}"
            if (major, old) in _OLDER_NAMES:
                yield f"{_OLDER_NAMES[major, old]}_{machine}"
    yield platform.replace("-", "_").replace(".", "_")

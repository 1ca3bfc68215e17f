"""Short words for the facts that tests are made of."""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.domain.builds import Wheel
from builder.domain.digests import Digest
from builder.domain.images import TargetPython
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Pin
from builder.domain.targets import Description, target_python

# No host of these tests is like it: what is right here was not taken from the host.
MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.13.1",
    "os_name": "posix",
    "platform_machine": "s390x",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.13.1",
    "python_version": "3.13",
    "sys_platform": "linux",
}
DESCRIPTION = Description(
    status="described",
    executable="/usr/bin/python3.13",
    version="3.13.1",
    cache_tag="cpython-313",
    platform="linux-s390x",
    libc=("glibc", "2.36"),
    free_threaded=False,
    markers=MARKERS,
)
TARGET: TargetPython = target_python(DESCRIPTION)


def pin(text: str) -> Pin:
    """The release that `name==version` names."""
    name, _, version = text.partition("==")
    return Pin(canonicalize_name(name), Version(version))


def metadata(
    of: str, *requires: str, origin: MetadataOrigin = MetadataOrigin.INDEX
) -> ReleaseMetadata:
    """What a release, named as `name==version`, requires."""
    return ReleaseMetadata(pin(of), tuple(map(Requirement, requires)), origin)


def wheel(of: str, *requires: str, content: bytes = b"") -> Wheel:
    """A finished wheel of a release, named as `name==version`."""
    said = metadata(of, *requires, origin=MetadataOrigin.WHEEL)
    filename = f"{said.pin.name.replace('-', '_')}-{said.pin.version}-0-py3-none-any.whl"
    return Wheel(said.pin, filename, Digest.of_bytes(content or of.encode()), said)

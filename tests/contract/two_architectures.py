"""One image for two processors: a program that prints which of them it runs on, and nothing else.

The programs are a dozen instructions each, so that nothing has to be fetched for them.
"""

import io
import struct
import tarfile
from dataclasses import dataclass
from pathlib import Path

from builder.domain.digests import Digest
from tests.contract.busybox_image import add, encode, entry, put, put_image

_LOADED_AT = 0x400000
_HEADERS = 64 + 56
_MACHINES = {"amd64": 62, "arm64": 183}  # as ELF counts them

# uname(2) into the stack, a line end behind `machine`, write(2), exit(2).
_CODE = {
    "amd64": bytes.fromhex(
        "4881ec900100004889e7b83f0000000f05488db4240401000031d2803c16"
        "00740548ffc2ebf5c604160a48ffc2bf01000000b8010000000f0531ffb8"
        "3c0000000f05"
    ),
    "arm64": bytes.fromhex(
        "ff4306d1e0030091081480d2010000d4e1130491020080d2236862386300"
        "003442040091fdffff17430180522368223842040091200080d2080880d2"
        "010000d4000080d2a80b80d2010000d4"
    ),
}


@dataclass(frozen=True)
class TwoArchitectures:
    """What a registry has of the image.

    Attributes:
        blobs: the folder with all of it.
        index: names the image of each architecture.
        manifests: by architecture.
    """

    blobs: Path
    index: Digest
    manifests: dict[str, Digest]


def two_architectures(blobs: Path) -> TwoArchitectures:
    """Writes the image into an empty folder."""
    manifests: dict[str, Digest] = {}
    for architecture in _MACHINES:
        layer = put(blobs, _root_file_system(architecture))
        _, manifests[architecture] = put_image(blobs, layer, f"linux/{architecture}")
    listed = [
        {
            **entry(manifest, blobs, "manifest.v1+json"),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, manifest in manifests.items()
    ]
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": listed,
    }
    return TwoArchitectures(blobs, put(blobs, encode(index)), manifests)


def _root_file_system(architecture: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("bin", "etc", "usr", "usr/bin", "dev", "proc", "sys", "run", "tmp"):
            add(tar, name, tarfile.DIRTYPE, 0o755)
        add(tar, "etc/passwd", tarfile.REGTYPE, 0o644, b"builder:x:1000:1000::/:/bin/uname\n")
        for name in ("bin/uname", "usr/bin/env"):
            add(tar, name, tarfile.REGTYPE, 0o755, _program(architecture))
    return stream.getvalue()


def _program(architecture: str) -> bytes:
    code = _CODE[architecture]
    size = _HEADERS + len(code)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry_point = _LOADED_AT + _HEADERS
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, _MACHINES[architecture], 1, entry_point, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _LOADED_AT, _LOADED_AT, size, size, 0x1000)
    return identity + header + segment + code

"""OCI image layouts, written by hand so that the same root file system gives the same image ID.

One uncompressed layer, moved into place and not copied. A `manifest.json` lies beside the OCI
files, so that `tar -cC LAYOUT . | docker load` takes the folder too, also where Docker does not
know OCI.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from builder.domain.digests import Digest

SOURCE_DATE_EPOCH = 1_700_000_000
"""The one moment at which every bootstrapped image was made."""

_CREATED = datetime.fromtimestamp(SOURCE_DATE_EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class WrittenLayout:
    """The digests of a layout that was just written."""

    config: Digest
    diff_id: Digest
    size: int
    """Bytes of the layer."""


def write_layout(layer: Path, folder: Path, name: str, platform: str) -> WrittenLayout:
    """Makes an image layout of a root file system.

    Args:
        layer: the tar; it is moved into the layout, and must lie on the same file system.
        folder: a folder that does not exist yet.
        name: of the image; with its ID it makes the name that engines show.
        platform: `linux/amd64` and the like.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    diff_id = Digest.of_file(layer)
    size = layer.stat().st_size
    layer.rename(blobs / diff_id.sha256)
    config = _put(blobs, image_config(diff_id, platform))
    manifest = _put(blobs, _manifest(config, blobs, diff_id, size))
    reference = local_reference(name, config)
    index = _index(manifest, blobs, reference, platform)
    (folder / "index.json").write_bytes(_encode(index))
    (folder / "oci-layout").write_bytes(_encode({"imageLayoutVersion": "1.0.0"}))
    (folder / "manifest.json").write_bytes(_encode([_docker_entry(config, diff_id, reference)]))
    return WrittenLayout(config=config, diff_id=diff_id, size=size)


def image_config(diff_id: Digest, platform: str) -> dict[str, object]:
    """The image's configuration; its digest is the image's ID in every engine."""
    system, architecture = platform.split("/", maxsplit=1)
    return {
        "architecture": architecture,
        "config": {
            "Cmd": ["/bin/sh"],
            "Env": [f"PATH={_PATH}"],
            "User": "1000:1000",
            "WorkingDir": "/build",
        },
        "created": _CREATED,
        "history": [{"created": _CREATED, "created_by": "bootstrap from Debian packages"}],
        "os": system,
        "rootfs": {"diff_ids": [str(diff_id)], "type": "layers"},
    }


def local_reference(name: str, config: Digest) -> str:
    """What the image is called inside an engine: `oci:FOLDER:` and this name it for a pull."""
    return f"localhost/builder/{name}:{config.sha256[:12]}"


def blob_path(folder: Path, digest: Digest) -> Path:
    """Where a blob of a layout lies."""
    return folder / "blobs" / "sha256" / digest.sha256


def is_whole(folder: Path, written: WrittenLayout) -> bool:
    """Whether the files of a layout are there; the layer is measured, not hashed."""
    config = blob_path(folder, written.config)
    layer = blob_path(folder, written.diff_id)
    return (
        (folder / "index.json").is_file()
        and config.is_file()
        and Digest.of_file(config) == written.config
        and layer.is_file()
        and layer.stat().st_size == written.size
    )


def _manifest(config: Digest, blobs: Path, diff_id: Digest, size: int) -> dict[str, object]:
    return {
        "config": {
            "digest": str(config),
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "size": (blobs / config.sha256).stat().st_size,
        },
        "layers": [
            {
                "digest": str(diff_id),
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "size": size,
            }
        ],
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "schemaVersion": 2,
    }


def _index(manifest: Digest, blobs: Path, reference: str, platform: str) -> dict[str, object]:
    system, architecture = platform.split("/", maxsplit=1)
    entry = {
        "annotations": {"org.opencontainers.image.ref.name": reference},
        "digest": str(manifest),
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "platform": {"architecture": architecture, "os": system},
        "size": (blobs / manifest.sha256).stat().st_size,
    }
    return {
        "manifests": [entry],
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "schemaVersion": 2,
    }


def _docker_entry(config: Digest, diff_id: Digest, reference: str) -> dict[str, object]:
    return {
        "Config": f"blobs/sha256/{config.sha256}",
        "Layers": [f"blobs/sha256/{diff_id.sha256}"],
        "RepoTags": [reference],
    }


def _put(blobs: Path, content: dict[str, object]) -> Digest:
    encoded = _encode(content)
    digest = Digest.of_bytes(encoded)
    (blobs / digest.sha256).write_bytes(encoded)
    return digest


def _encode(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

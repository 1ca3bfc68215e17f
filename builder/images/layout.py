"""OCI image layouts, written by hand so that the same root file system gives the same image ID.

Uncompressed layers, moved or linked into place and not copied. A `manifest.json` lies beside the
OCI files, so that `tar -cC LAYOUT . | docker load` takes the folder too, also where Docker does not
know OCI.
"""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from builder.domain.digests import Digest

SOURCE_DATE_EPOCH = 1_700_000_000
"""The one moment at which every bootstrapped image was made."""

_CREATED = datetime.fromtimestamp(SOURCE_DATE_EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """One layer of an image."""

    diff_id: Digest
    size: int


@dataclass(frozen=True)
class WrittenLayout:
    """The digests of a layout that was just written."""

    config: Digest
    diff_id: Digest
    size: int
    """Bytes of the uppermost layer."""
    below: tuple[Layer, ...] = ()
    """The layers under it, from the bottom up."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer, from the bottom up."""
        return (*self.below, Layer(self.diff_id, self.size))


@dataclass(frozen=True)
class PlacedLayout:
    """A layout, and where it lies."""

    folder: Path
    written: WrittenLayout


def write_layout(
    layer: Path, folder: Path, name: str, platform: str, base: PlacedLayout | None = None
) -> WrittenLayout:
    """Makes an image layout of a root file system, or of what one has beyond another image.

    Args:
        layer: the tar; it is moved into the layout, and must lie on the same file system.
        folder: a folder that does not exist yet.
        name: of the image; with its ID it makes the name that engines show.
        platform: `linux/amd64` and the like.
        base: the image that the layer stands on; None for one that stands alone.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    below = base.written.layers if base is not None else ()
    if base is not None:
        for each in below:
            _link(blob_path(base.folder, each.diff_id), blob_path(folder, each.diff_id))
    diff_id = Digest.of_file(layer)
    size = layer.stat().st_size
    layer.rename(blobs / diff_id.sha256)
    layers = (*below, Layer(diff_id, size))
    config = _put(blobs, image_config(layers, platform))
    return finish_layout(folder, name, platform, config, layers)


def finish_layout(
    folder: Path, name: str, platform: str, config: Digest, layers: tuple[Layer, ...]
) -> WrittenLayout:
    """Writes what leads to the blobs of an image, which are there.

    Args:
        folder: the layout.
        name: of the image.
        platform: `linux/amd64` and the like.
        config: the image's configuration.
        layers: all of them, from the bottom up.
    """
    blobs = folder / "blobs" / "sha256"
    manifest = _put(blobs, _manifest(config, blobs, layers))
    reference = local_reference(name, config)
    index = _index(manifest, blobs, reference, platform)
    (folder / "index.json").write_bytes(_encode(index))
    (folder / "oci-layout").write_bytes(_encode({"imageLayoutVersion": "1.0.0"}))
    (folder / "manifest.json").write_bytes(_encode([_docker_entry(config, layers, reference)]))
    top = layers[-1]
    return WrittenLayout(config, top.diff_id, top.size, layers[:-1])


def image_config(layers: tuple[Layer, ...], platform: str) -> dict[str, object]:
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
        "history": [{"created": _CREATED, "created_by": "bootstrap from Debian packages"}]
        * len(layers),
        "os": system,
        "rootfs": {"diff_ids": [str(layer.diff_id) for layer in layers], "type": "layers"},
    }


def local_reference(name: str, config: Digest) -> str:
    """What the image is called inside an engine: `oci:FOLDER:` and this name it for a pull."""
    return f"localhost/builder/{name.replace('+', '-')}:{config.sha256[:12]}"


def blob_path(folder: Path, digest: Digest) -> Path:
    """Where a blob of a layout lies."""
    return folder / "blobs" / "sha256" / digest.sha256


def is_whole(folder: Path, written: WrittenLayout) -> bool:
    """Whether the files of a layout are there; layers are measured, not hashed."""
    config = blob_path(folder, written.config)
    return (
        (folder / "index.json").is_file()
        and config.is_file()
        and Digest.of_file(config) == written.config
        and all(_is_there(folder, layer) for layer in written.layers)
    )


def _is_there(folder: Path, layer: Layer) -> bool:
    path = blob_path(folder, layer.diff_id)
    return path.is_file() and path.stat().st_size == layer.size


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _manifest(config: Digest, blobs: Path, layers: tuple[Layer, ...]) -> dict[str, object]:
    return {
        "config": {
            "digest": str(config),
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "size": (blobs / config.sha256).stat().st_size,
        },
        "layers": [
            {
                "digest": str(layer.diff_id),
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "size": layer.size,
            }
            for layer in layers
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


def _docker_entry(config: Digest, layers: tuple[Layer, ...], reference: str) -> dict[str, object]:
    return {
        "Config": f"blobs/sha256/{config.sha256}",
        "Layers": [f"blobs/sha256/{layer.diff_id.sha256}" for layer in layers],
        "RepoTags": [reference],
    }


def _put(blobs: Path, content: dict[str, object]) -> Digest:
    encoded = _encode(content)
    digest = Digest.of_bytes(encoded)
    (blobs / digest.sha256).write_bytes(encoded)
    return digest


def _encode(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

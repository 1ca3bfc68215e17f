"""An OCI image layout, turned into the tar stream that every engine can load, as it is sent."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.images import LayoutImage
from builder.errors import ImageError

_CHUNK = 1 << 20


def local_reference(image: LayoutImage) -> str:
    """The name under which an engine keeps the image; its ID is what counts."""
    name = "".join(letter if letter.isalnum() else "-" for letter in image.name.lower())
    return f"localhost/builder/{name.strip('-') or 'image'}:{image.config.sha256[:12]}"


def archive_stream(image: LayoutImage) -> Iterator[bytes]:
    """The image as a docker-archive, a chunk at a time; layers are checked as they go by.

    Raises:
        ImageError: the layout lacks a blob, or holds another image than promised.
    """
    config = _read_config(image)
    layers = [(f"{diff_id.sha256}/layer.tar", diff_id) for diff_id in (*image.below, image.diff_id)]
    manifest = [
        {
            "Config": f"{image.config.sha256}.json",
            "RepoTags": [local_reference(image)],
            "Layers": [name for name, _ in layers],
        }
    ]
    yield from _member("manifest.json", json.dumps(manifest).encode())
    yield from _member(f"{image.config.sha256}.json", config)
    for name, diff_id in layers:
        yield from _layer(name, diff_id, image)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _read_config(image: LayoutImage) -> bytes:
    blobs = _blobs(image)
    try:
        index = json.loads((image.layout / "index.json").read_bytes())
        manifest = _manifest_of(index, blobs, image)
        config = (blobs / image.config.sha256).read_bytes()
        layers = [Digest.parse(layer["digest"]) for layer in manifest["layers"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageError(
            f"the image layout in {image.layout} cannot be read: {error}",
            hint="remove that folder and build the image again",
        ) from error
    if Digest.of_bytes(config) != image.config or layers != [*image.below, image.diff_id]:
        raise ImageError(
            f"the image layout in {image.layout} is not the image {image.config}",
            hint="remove that folder and build the image again",
        )
    return config


def _blobs(image: LayoutImage) -> Path:
    return image.layout / "blobs" / "sha256"


def _manifest_of(
    index: dict[str, object], blobs: Path, image: LayoutImage
) -> dict[str, list[dict[str, str]]]:
    entries = index["manifests"]
    if not isinstance(entries, list):
        raise TypeError("index.json lists no manifests")
    for entry in entries:
        manifest = json.loads((blobs / Digest.parse(entry["digest"]).sha256).read_bytes())
        if manifest["config"]["digest"] == str(image.config):
            found: dict[str, list[dict[str, str]]] = manifest
            return found
    raise KeyError(f"no manifest for the configuration {image.config}")


def _layer(name: str, diff_id: Digest, image: LayoutImage) -> Iterator[bytes]:
    path = _blobs(image) / diff_id.sha256
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            yield _header(name, size)
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
                yield chunk
    except OSError as error:
        raise ImageError(f"the layer {path} cannot be read: {error}") from error
    if hasher.hexdigest() != diff_id.sha256:
        raise ImageError(
            f"the layer {path} is not what its name says",
            hint=f"remove {image.layout} and build the image again",
        )
    yield bytes(-size % tarfile.BLOCKSIZE)


def _member(name: str, content: bytes) -> Iterator[bytes]:
    yield _header(name, len(content))
    yield content
    yield bytes(-len(content) % tarfile.BLOCKSIZE)


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member.tobuf(tarfile.GNU_FORMAT)

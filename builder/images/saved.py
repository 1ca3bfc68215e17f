"""An image as an engine saves it, taken over as an OCI layout, so that every engine has its ID."""

import json
import shutil
import tarfile
from pathlib import Path

from builder.domain.digests import Digest
from builder.errors import ImageError
from builder.images.layout import Layer, WrittenLayout, blob_path, finish_layout
from builder.images.packages import DebianPackage

_SMALL = 16 << 20


def take_over(archive: Path, folder: Path, name: str, config: Digest) -> WrittenLayout:
    """Makes an image layout of a docker-archive, layer by layer.

    Args:
        archive: what an engine saved.
        folder: a folder that does not exist yet.
        name: of the image.
        config: the ID that the image must have.

    Raises:
        ImageError: the archive holds another image, or not all of it.
    """
    (folder / "blobs" / "sha256").mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:") as tar:
            entry = json.loads(_small(tar, "manifest.json"))[0]
            content = _small(tar, entry["Config"])
            if Digest.of_bytes(content) != config:
                raise ImageError(f"the engine saved another image than {config}")
            blob_path(folder, config).write_bytes(content)
            promised = [Digest.parse(one) for one in json.loads(content)["rootfs"]["diff_ids"]]
            layers = tuple(
                _take_layer(tar, member, diff_id, folder)
                for member, diff_id in zip(entry["Layers"], promised, strict=True)
            )
            platform = "{os}/{architecture}".format(**json.loads(content))
    except (tarfile.TarError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ImageError(f"what the engine saved is no image: {error}") from error
    return finish_layout(folder, name, platform, config, layers)


def listed_packages(folder: Path, written: WrittenLayout, name: str) -> tuple[DebianPackage, ...]:
    """The packages that a file of an image lists, sorted.

    Args:
        folder: the image's layout.
        written: what it holds.
        name: the path of the file, without the first slash.

    Raises:
        ImageError: there is no such list.
    """
    try:
        # Docker may put an empty layer on top of that which has the file.
        for layer in reversed(written.layers):
            with tarfile.open(blob_path(folder, layer.diff_id), "r:") as tar:
                if name in tar.getnames():
                    lines = _small(tar, name).decode().splitlines()
                    return tuple(sorted(DebianPackage.parse(line) for line in lines))
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise ImageError(f"the image's list of packages cannot be read: {error}") from error
    raise ImageError(f"the image does not list its packages in /{name}")


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    content = b"" if file is None else file.read(_SMALL + 1)
    if not content or len(content) > _SMALL:
        raise ValueError(f"{name} is empty or too large")
    return content


def _take_layer(tar: tarfile.TarFile, name: str, diff_id: Digest, folder: Path) -> Layer:
    target = blob_path(folder, diff_id)
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    if not target.exists():
        with target.open("wb") as written:
            shutil.copyfileobj(file, written, 1 << 20)
        if Digest.of_file(target) != diff_id:
            raise ValueError(f"the layer {name} is not {diff_id}")
    return Layer(diff_id, target.stat().st_size)

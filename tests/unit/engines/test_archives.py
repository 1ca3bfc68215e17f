import io
import json
import tarfile
from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.domain.images import LayoutImage
from builder.engines.archives import archive_stream, local_reference
from builder.errors import ImageError

LAYER = b"layer" * 1000


@pytest.fixture
def image(tmp_path: Path) -> LayoutImage:
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes) -> Digest:
        digest = Digest.of_bytes(content)
        (blobs / digest.sha256).write_bytes(content)
        return digest

    layer = put(LAYER)
    config = put(b"{}")
    manifest = put(
        json.dumps({"config": {"digest": str(config)}, "layers": [{"digest": str(layer)}]}).encode()
    )
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [{"digest": str(manifest)}]}))
    return LayoutImage("CPU base", tmp_path, config, layer, "linux/amd64")


def test_a_layout_becomes_an_archive_that_engines_load(image: LayoutImage) -> None:
    archive = b"".join(archive_stream(image))

    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        contents = {member.name: tar.extractfile(member) for member in tar}
        read = {name: file.read() for name, file in contents.items() if file}
    (entry,) = json.loads(read["manifest.json"])
    assert entry["RepoTags"] == [f"localhost/builder/cpu-base:{image.config.sha256[:12]}"]
    assert read[entry["Config"]] == b"{}"
    assert [read[layer] for layer in entry["Layers"]] == [LAYER]


def test_the_name_in_the_engine_says_which_image_it_is(image: LayoutImage) -> None:
    assert local_reference(image) == f"localhost/builder/cpu-base:{image.config.sha256[:12]}"


def test_a_layer_that_was_changed_is_refused(image: LayoutImage) -> None:
    (image.layout / "blobs" / "sha256" / image.diff_id.sha256).write_bytes(b"other" * 1000)

    with pytest.raises(ImageError, match="not what its name says"):
        list(archive_stream(image))


def test_a_layout_that_cannot_be_read_is_refused(image: LayoutImage) -> None:
    (image.layout / "index.json").write_text("{")

    with pytest.raises(ImageError, match="cannot be read") as refusal:
        list(archive_stream(image))
    assert refusal.value.hint

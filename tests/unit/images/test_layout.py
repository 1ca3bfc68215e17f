"""OCI layouts: the same root file system gives the same image."""

import io
import json
import tarfile
from pathlib import Path

from builder.domain.digests import Digest
from builder.images.layout import WrittenLayout, is_whole, local_reference, write_layout


def layer(folder: Path, content: bytes = b"hello\n") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "layer.tar"
    member = tarfile.TarInfo("./etc/motd")
    member.size = len(content)
    with tarfile.open(file, "w") as tar:
        tar.addfile(member, io.BytesIO(content))
    return file


def write(folder: Path, content: bytes = b"hello\n") -> WrittenLayout:
    return write_layout(layer(folder, content), folder / "layout", "tiny", "linux/amd64")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_layer_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a")
    second = write(tmp_path / "b")
    assert first == second
    assert files(tmp_path / "a" / "layout") == files(tmp_path / "b" / "layout")


def test_another_layer_gives_another_image(tmp_path: Path) -> None:
    assert write(tmp_path / "a").config != write(tmp_path / "b", b"other\n").config


def test_the_layer_is_moved_not_copied(tmp_path: Path) -> None:
    file = layer(tmp_path)
    inode = file.stat().st_ino
    written = write_layout(file, tmp_path / "layout", "tiny", "linux/amd64")
    assert not file.exists()
    blob = tmp_path / "layout" / "blobs" / "sha256" / written.diff_id.sha256
    assert blob.stat().st_ino == inode


def test_every_blob_is_named_by_its_digest_and_reached_from_the_index(tmp_path: Path) -> None:
    written = write(tmp_path)
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    assert all(Digest.of_file(blob).sha256 == blob.name for blob in blobs.iterdir())
    (entry,) = json.loads((tmp_path / "layout" / "index.json").read_bytes())["manifests"]
    manifest = json.loads((blobs / entry["digest"].removeprefix("sha256:")).read_bytes())
    assert manifest["config"]["digest"] == str(written.config)
    assert [each["digest"] for each in manifest["layers"]] == [str(written.diff_id)]
    for each in (entry, manifest["config"], *manifest["layers"]):
        blob = blobs / each["digest"].removeprefix("sha256:")
        assert blob.stat().st_size == each["size"]


def test_the_configuration_is_pinned(tmp_path: Path) -> None:
    written = write(tmp_path)
    blob = tmp_path / "layout" / "blobs" / "sha256" / written.config.sha256
    config = json.loads(blob.read_bytes())
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert config["config"]["User"] == "1000:1000"
    assert config["rootfs"] == {"type": "layers", "diff_ids": [str(written.diff_id)]}
    assert (config["os"], config["architecture"]) == ("linux", "amd64")


def test_docker_finds_the_image_by_its_own_manifest(tmp_path: Path) -> None:
    written = write(tmp_path)
    (entry,) = json.loads((tmp_path / "layout" / "manifest.json").read_bytes())
    assert (tmp_path / "layout" / entry["Config"]).is_file()
    assert all((tmp_path / "layout" / each).is_file() for each in entry["Layers"])
    assert entry["RepoTags"] == [local_reference("tiny", written.config)]


def test_a_layout_that_lost_a_file_is_not_whole(tmp_path: Path) -> None:
    written = write(tmp_path)
    folder = tmp_path / "layout"
    assert is_whole(folder, written)
    (folder / "blobs" / "sha256" / written.diff_id.sha256).write_bytes(b"short")
    assert not is_whole(folder, written)

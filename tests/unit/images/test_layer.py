"""A layer's bytes depend on its files, not on the tar that wrote them."""

import io
import tarfile
from pathlib import Path

import pytest

from builder.errors import ImageError
from builder.images.layer import write_layer

LONG = "./usr/share/" + "long/" * 40 + "name"


def entry(name: str, kind: bytes, size: int = 0, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, link
    member.mode, member.mtime = 0o755, 1_700_000_000
    return member


def root_file_system(file: Path, dialect: int, owner: str = "") -> Path:
    members = [
        entry("./dev", tarfile.DIRTYPE),
        entry("./dev/null", tarfile.CHRTYPE),
        entry("./dev/fd", tarfile.SYMTYPE, link="/proc/self/fd"),
        entry("./bin", tarfile.SYMTYPE, link="usr/bin"),
        entry(LONG, tarfile.REGTYPE, size=5),
        entry("./usr/hard", tarfile.LNKTYPE, link=LONG),
        entry("./tmp", tarfile.DIRTYPE),
    ]
    with tarfile.open(file, "w", format=dialect) as tar:
        for member in members:
            member.uname = owner
            tar.addfile(member, io.BytesIO(b"hello"))
    return file


def test_every_dialect_gives_the_same_layer(tmp_path: Path) -> None:
    gnu = root_file_system(tmp_path / "gnu", tarfile.GNU_FORMAT)
    pax = root_file_system(tmp_path / "pax", tarfile.PAX_FORMAT, owner="root")
    write_layer(gnu, tmp_path / "first")
    write_layer(pax, tmp_path / "second")
    assert gnu.read_bytes() != pax.read_bytes()
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_devices_are_left_out_and_everything_else_is_kept(tmp_path: Path) -> None:
    write_layer(root_file_system(tmp_path / "raw", tarfile.GNU_FORMAT), tmp_path / "layer")
    with tarfile.open(tmp_path / "layer") as tar:
        assert tar.getnames() == ["./dev", "./bin", LONG, "./usr/hard", "./tmp"]
        file = tar.extractfile(LONG)
        assert file is not None
        assert file.read() == b"hello"
        hard = tar.getmember("./usr/hard")
        assert (hard.islnk(), hard.linkname) == (True, LONG)


def test_a_cut_tar_is_refused(tmp_path: Path) -> None:
    whole = root_file_system(tmp_path / "raw", tarfile.GNU_FORMAT).read_bytes()
    for size in (2800, 5 * 512, 5 * 512 + 100):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(ImageError, match="no root file system"):
            write_layer(tmp_path / "cut", tmp_path / "layer")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ImageError, match="no root file system"):
        write_layer(tmp_path / "empty", tmp_path / "layer")

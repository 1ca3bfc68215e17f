"""However an archive is damaged or twisted, nothing is written outside and nothing crashes."""

import gzip
import io
import os
import stat
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sandbox.agent import load

archive = load("archive")


def tar_bytes(mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, kind, link in (
            ("p-1/a", tarfile.REGTYPE, ""),
            ("p-1/d", tarfile.DIRTYPE, ""),
            ("p-1/l", tarfile.SYMTYPE, "a"),
            ("p-1/h", tarfile.LNKTYPE, "p-1/a"),
            ("p-1/" + "long" * 60, tarfile.REGTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = 300 if info.isreg() else 0
            tar.addfile(info, io.BytesIO(bytes(range(100)) * 3) if info.isreg() else None)
    return packed.getvalue()


def zip_bytes() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("p-1/a", bytes(range(100)) * 3)
        out.writestr("p-1/d/", b"")
        link = zipfile.ZipInfo("p-1/l")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "a")
    return packed.getvalue()


SOUND = {
    "gzip": tar_bytes(),
    "bzip2": tar_bytes("w:bz2"),
    "xz": tar_bytes("w:xz"),
    "plain": tar_bytes("w"),
    "zip": zip_bytes(),
}


@pytest.mark.parametrize("kind", SOUND)
def test_every_usual_kind_of_archive_is_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(SOUND[kind])

    archive.unpack(str(tmp_path / "archive"), str(tmp_path / "tree"))

    assert (tmp_path / "tree/p-1/a").read_bytes() == bytes(range(100)) * 3
    assert (tmp_path / "tree/p-1/l").is_symlink()
    assert archive.only_folder(str(tmp_path / "tree")) == "p-1"


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(SOUND)),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 255)), max_size=3),
    st.none() | st.integers(0, 20_000),
)
def test_damage_is_refused_or_harmless(
    kind: str, flips: list[tuple[int, int]], end: int | None
) -> None:
    content = bytearray(SOUND[kind])
    for place, bits in flips:
        content[place % len(content)] ^= bits
    if end is not None:
        del content[end % len(content) :]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "archive").write_bytes(content)

        with suppress(archive.ArchiveRefusedError):
            archive.unpack(str(folder / "archive"), str(folder / "tree"))

        assert sorted(entry.name for entry in folder.iterdir()) == ["archive", "tree"]


def refused(content: bytes, folder: Path, match: str) -> None:
    (folder / "archive").write_bytes(content)
    with pytest.raises(archive.ArchiveRefusedError, match=match):
        archive.unpack(str(folder / "archive"), str(folder / "tree"))


def tar_of(*members: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for one in members:
            tar.addfile(one)
    return packed.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_a_link_that_leads_out_only_by_way_of_others_is_refused(tmp_path: Path) -> None:
    # By its words `out` stays inside; by way of `up`, which leads to the top, it does not.
    members = [link("p-1/x/y/up", "../../.."), link("p-1/out", "x/y/up/..")]

    refused(tar_of(*members), tmp_path, "leads outside")


def test_nothing_outside_is_read_by_a_hard_link_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    members = [
        link("p-1/x/y/up", "../../.."),
        link("p-1/out", "x/y/up/.."),
        link("p-1/copy", "p-1/out/secret", tarfile.LNKTYPE),
    ]

    refused(tar_of(*members), tmp_path, "hard link")

    assert not (tmp_path / "tree/p-1/copy").exists()


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    refused(tar_of(link("p-1/sparse", "", tarfile.GNUTYPE_SPARSE)), tmp_path, "sparse")


@pytest.mark.parametrize("kind", [tarfile.BLKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"Z"])
def test_an_entry_that_is_no_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    refused(tar_of(link("p-1/x", "", kind)), tmp_path, "device, fifo or unknown")


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("p-1/x")
    info.pax_headers = {"path": "p-1/x\0y"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)

    refused(packed.getvalue(), tmp_path, "not a plain relative name")


@pytest.mark.parametrize("name", ["../x", "/x", "p-1/../../x", "p-1\\..\\x", "C:/x"])
def test_a_name_in_a_zip_that_leaves_the_tree_is_refused(name: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr(name, "x")

    refused(packed.getvalue(), tmp_path, "not a plain relative name")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(zip_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1

    refused(bytes(content), tmp_path, "encrypted")


def test_a_device_in_a_zip_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    device = zipfile.ZipInfo("p-1/null")
    device.external_attr = (stat.S_IFCHR | 0o666) << 16
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr(device, "")

    refused(packed.getvalue(), tmp_path, "device")


def test_a_bomb_in_a_zip_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("p-1/zeros", bytes(2000))

    refused(packed.getvalue(), tmp_path, "more than 1000 bytes")


def test_what_is_neither_tar_nor_zip_is_refused(tmp_path: Path) -> None:
    refused(b"neither", tmp_path, "cannot be read")
    refused_again = tmp_path / "again"
    refused_again.mkdir()
    refused(gzip.compress(b"neither"), refused_again, "cannot be read")


def test_unpacking_what_was_packed_gives_the_same_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "empty").mkdir(parents=True)
    (tree / "grüße").write_text("a")
    (tree / ("n" * 200)).write_text("b")
    (tree / "run").write_text("c")
    (tree / "run").chmod(0o755)
    (tree / "link").symlink_to("run")

    archive.pack(str(tree), "p-1", str(tmp_path / "1"), 7)
    archive.unpack(str(tmp_path / "1"), str(tmp_path / "copy"))
    archive.pack(str(tmp_path / "copy/p-1"), "p-1", str(tmp_path / "2"), 7)

    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert os.access(tmp_path / "copy/p-1/run", os.X_OK)
    assert (tmp_path / "copy/p-1/empty").is_dir()


def test_nothing_of_this_host_is_in_what_was_packed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_text("a")
    archive.pack(str(tmp_path / "tree"), "p-1", str(tmp_path / "packed"), 7)

    with tarfile.open(tmp_path / "packed") as tar:
        members = tar.getmembers()

    assert [one.name for one in members] == ["p-1", "p-1/a"]
    owners = {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members}
    assert owners == {(0, 0, "", "", 7)}
    assert (tmp_path / "packed").read_bytes()[4:8] == bytes(4)


def test_a_tree_is_removed_whatever_its_modes(tmp_path: Path) -> None:
    (tmp_path / "tree/a/b").mkdir(parents=True)
    (tmp_path / "tree/a").chmod(0o000)

    archive.remove(str(tmp_path / "tree"))

    assert not (tmp_path / "tree").exists()

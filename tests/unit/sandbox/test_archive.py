"""Source archives are read strictly, and packed so that the same tree gives the same bytes."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.sandbox.agent import load

archive = load("archive")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def packed(path: Path, *members: tarfile.TarInfo, content: bytes = b"text") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for one in members:
            one.size = len(content) if one.isreg() else 0
            tar.addfile(one, io.BytesIO(content) if one.isreg() else None)
    return path


HOSTILE: dict[str, list[tarfile.TarInfo]] = {
    "a parent folder": [member("p-1/../../x")],
    "an absolute name": [member("/etc/x")],
    "a backslash": [member("p-1\\x")],
    "a drive": [member("c:/x")],
    "a device": [member("p-1/null", tarfile.CHRTYPE)],
    "a fifo": [member("p-1/fifo", tarfile.FIFOTYPE)],
    "a link to an absolute path": [member("p-1/l", tarfile.SYMTYPE, "/etc/passwd")],
    "a link out of the tree": [member("p-1/l", tarfile.SYMTYPE, "../../x")],
    "a write through a link": [
        member("p-1/real/f"),
        member("p-1/l", tarfile.SYMTYPE, "real"),
        member("p-1/l/x"),
    ],
    "a hard link to what is not there": [member("p-1/h", tarfile.LNKTYPE, "p-1/none")],
    "a hard link out": [member("p-1/h", tarfile.LNKTYPE, "../x")],
    "the same name twice": [member("p-1/a"), member("p-1/a")],
    "a file that is a folder": [member("p-1/a"), member("p-1/a/b")],
    "a name that is too long": [member("p-1/" + "n" * 2000)],
    "a tree that is too deep": [member("/".join(["p-1", *["d"] * 80]))],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_archive_is_refused_for(what: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", *HOSTILE[what])

    with pytest.raises(archive.ArchiveRefusedError):
        archive.unpack(str(path), str(tmp_path / "tree"))

    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.tar.gz", "tree"]


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FREE_BYTES", 1 << 20)
    path = packed(tmp_path / "a.tar.gz", member("p-1/zeros"), content=bytes(8 << 20))

    with pytest.raises(archive.ArchiveRefusedError, match="times its packed size"):
        archive.unpack(str(path), str(tmp_path / "tree"))


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    path = packed(tmp_path / "a.tar.gz", *(member(f"p-1/{n}") for n in range(5)))

    with pytest.raises(archive.ArchiveRefusedError, match="more than 3 entries"):
        archive.unpack(str(path), str(tmp_path / "tree"))


def test_a_zip_with_a_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("p-1/l")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(link, "/etc/passwd")

    with pytest.raises(archive.ArchiveRefusedError, match="outside the archive"):
        archive.unpack(str(tmp_path / "a.zip"), str(tmp_path / "tree"))


def test_links_inside_the_tree_and_odd_modes_are_taken(tmp_path: Path) -> None:
    program = member("p-1/run")
    program.mode = 0o6777
    path = packed(tmp_path / "a.tar.gz", program, member("p-1/l", tarfile.SYMTYPE, "run"))

    archive.unpack(str(path), str(tmp_path / "tree"))

    unpacked = tmp_path / "tree/p-1"
    assert stat.S_IMODE((unpacked / "run").stat().st_mode) == 0o755
    assert os.readlink(unpacked / "l") == "run"  # noqa: PTH115 - the text of the link itself


def test_two_folders_at_the_top_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", member("p-1/a"), member("q-1/a"))
    archive.unpack(str(path), str(tmp_path / "tree"))

    with pytest.raises(archive.ArchiveRefusedError, match="one folder at its top"):
        archive.only_folder(str(tmp_path / "tree"))


def change_times(tree: Path) -> None:
    for path in tree.rglob("*"):
        os.utime(path, (1, 1))


def change_modes(tree: Path) -> None:
    (tree / "a").chmod(0o600)


def rewrite(tree: Path) -> None:
    for name in ("b", "a"):
        text = (tree / name).read_text()
        (tree / name).unlink()
        (tree / name).write_text(text)


@pytest.mark.parametrize("change", [change_times, change_modes, rewrite])
def test_the_same_tree_gives_the_same_bytes(change: Callable[[Path], None], tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    for name in ("a", "b", "folder/c"):
        (tree / name).write_text(name)
    archive.pack(str(tree), "p-1", str(tmp_path / "1.tar.gz"), 0)

    change(tree)
    archive.pack(str(tree), "p-1", str(tmp_path / "2.tar.gz"), 0)

    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()

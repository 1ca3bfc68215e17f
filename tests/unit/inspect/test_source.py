"""A packed source is read as data: whatever is in it, only texts come out."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from builder.inspect import source
from builder.inspect.source import PackedSource, UnreadableSource


def packed(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> PackedSource:
    path = folder / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return PackedSource(path)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    return found


def test_regular_files_are_listed_and_read(tmp_path: Path) -> None:
    found = packed(
        tmp_path,
        (member("x-1", tarfile.DIRTYPE), b""),
        (member("x-1/z/b.py"), "ü".encode()),
        (member("x-1/a"), b"\xff"),
        (member("x-1/link", tarfile.SYMTYPE, "a"), b""),
        (member("x-1/pipe", tarfile.FIFOTYPE), b""),
    )

    assert found.files() == ("a", "z/b.py")
    assert found.read_text("z/b.py") == "ü"
    assert found.read_text("a") == "\N{REPLACEMENT CHARACTER}"
    assert [found.read_text(it) for it in ("link", "pipe", "z", "../a", "/etc/passwd")] == [
        None
    ] * 5


def test_a_large_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_TEXT", 3)
    found = packed(tmp_path, (member("x-1/a"), b"four"))

    with pytest.raises(UnreadableSource, match="'a' is larger than 3 bytes"):
        found.read_text("a")


def test_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_ENTRIES", 1)

    with pytest.raises(UnreadableSource, match="more than 1 entries"):
        packed(tmp_path, (member("x-1/a"), b""), (member("x-1/b"), b"")).files()


def test_a_source_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_UNPACKED", 2000)

    with pytest.raises(UnreadableSource, match="unpacks to more than 2000 bytes"):
        packed(tmp_path, (member("x-1/a"), b"x" * 5000), (member("x-1/b"), b"")).files()


def test_a_long_description_of_an_entry_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x-1/a")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "source.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(header.tobuf() + b"\0" * 4096)

    with pytest.raises(UnreadableSource, match="described by"):
        PackedSource(path).files()


@pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"no tar" * 200, mtime=0)])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "source.tar.gz"
    path.write_bytes(content)

    with pytest.raises(UnreadableSource, match="cannot be read"):
        PackedSource(path).files()

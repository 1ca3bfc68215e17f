"""A wheel that two readers could read differently is refused, and so is one nobody can install."""

import base64
import hashlib
import io
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.tags import Tag

from builder.inspect import archive as rules
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.inspect.wheel import canonicalize
from tests.facts import pin

TAGS = frozenset({Tag("py3", "none", "any")})
INFO = "pkg-1.0.dist-info"
BASE = {
    f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n",
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def wheel_bytes(
    files: Mapping[str, bytes] | None = None,
    record: str = "",
    modes: Mapping[str, int] | None = None,
) -> bytes:
    everything = {**BASE, **({"pkg.py": b"x = 1\n" * 50} if files is None else files)}
    for name, content in everything.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        quoted = '"' + name.replace('"', '""') + '"'
        record += f"{quoted},sha256={digest},{len(content)}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in {
            **everything,
            f"{INFO}/RECORD": (record + f"{INFO}/RECORD,,\n").encode(),
        }.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o600) << 16
            out.writestr(info, content)
    return packed.getvalue()


def canonical(content: bytes, folder: Path) -> bytes:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "built").write_bytes(content)
    made = canonicalize(
        folder / "built", "pkg-1.0-py3-none-any.whl", pin("pkg==1.0"), TAGS, 0, folder
    )
    return (folder / made.filename).read_bytes()


def refused(content: bytes, folder: Path, match: str) -> None:
    with pytest.raises(RefusedOutput, match=match):
        canonical(content, folder)


def at(content: bytes, magic: bytes, offset: int, value: bytes) -> bytes:
    """Writes over one field of the first record that begins with `magic`."""
    place = content.index(magic) + offset
    return content[:place] + value + content[place + len(value) :]


LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
GOOD = wheel_bytes()
SECOND_READINGS = {
    "a comment": (GOOD[:-2] + b"\x04\x00note", "comment"),
    "data behind the end": (GOOD + b"x", "comment or data"),
    "data before the first entry": (b"#!/bin/sh\n" + GOOD, "no entry owns|readable"),
    "another local name": (at(GOOD, LOCAL, 30, b"q"), "contradict|readable"),
    "another local method": (at(GOOD, LOCAL, 8, b"\0\0"), "contradict"),
    "other local flags": (at(GOOD, LOCAL, 6, b"\0\x08"), "contradict"),
    "another local checksum": (at(GOOD, LOCAL, 14, b"abcd"), "contradict"),
    "another local packed size": (at(GOOD, LOCAL, 18, b"\1\0\0\0"), "contradict"),
    "another local size": (at(GOOD, LOCAL, 22, b"\1\0\0\0"), "contradict"),
    "an encrypted entry": (at(at(GOOD, LOCAL, 6, b"\1"), CENTRAL, 8, b"\1"), "encrypted"),
    "an unknown method": (at(at(GOOD, LOCAL, 8, b"\x0c"), CENTRAL, 10, b"\x0c"), "neither stored"),
    "a wrong count of entries": (at(GOOD, END, 10, b"\1\0"), "counts other entries"),
    "no archive at all": (b"no archive", "no readable zip"),
    "nothing": (b"", "no readable zip"),
}


@pytest.mark.parametrize("what", SECOND_READINGS)
def test_a_wheel_is_refused_for(what: str, tmp_path: Path) -> None:
    content, match = SECOND_READINGS[what]

    refused(content, tmp_path, match)


def test_data_between_the_entries_and_the_directory_is_refused(tmp_path: Path) -> None:
    place = GOOD.index(CENTRAL)
    (offset,) = struct.unpack("<L", GOOD[-6:-2])
    moved = GOOD[:place] + b"hidden" + GOOD[place:-6] + struct.pack("<L", offset + 6) + GOOD[-2:]

    refused(moved, tmp_path, "between its entries and its directory")


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"a": b"", "a/b": b""}, "file and a folder"),
        ({"./a": b""}, "unsafe name"),
        ({"a//b": b""}, "unsafe name"),
        ({"a\\b": b""}, "unsafe name"),
        ({"n" * 600: b""}, "unsafe name"),
        ({"pkg-1.0.data/nonsense/x": b""}, "pkg-1.0.data/nonsense"),
        ({"pkg-1.0.data/x": b""}, "pkg-1.0.data/x"),
        ({"pkg.py": b"1", "pkg-1.0.data/purelib/pkg.py": b"2"}, "twice"),
        ({f"{INFO}/entry_points.txt": b"[console_scripts]\nx\n"}, "entry_points.txt"),
        ({f"{INFO}/entry_points.txt": b"[console_scripts]\nx = \n"}, "entry_points.txt"),
        ({f"{INFO}/entry_points.txt": b"[console_scripts]\n../../x = a:b\n"}, "entry_points.txt"),
        ({f"{INFO}/entry_points.txt": b"[console_scripts]\na/b = a:b\n"}, "entry_points.txt"),
        ({f"{INFO}/entry_points.txt": b"\xff"}, "entry_points.txt"),
    ],
)
def test_a_wheel_that_cannot_be_installed_is_refused(
    files: dict[str, bytes], match: str, tmp_path: Path
) -> None:
    refused(wheel_bytes(files), tmp_path, match)


def test_records_with_rows_too_many_or_twice_are_refused(tmp_path: Path) -> None:
    refused(wheel_bytes(record="ghost.py,sha256=x,1\n"), tmp_path, "in RECORD and not in the wheel")
    refused(wheel_bytes(record=f"{INFO}/WHEEL,sha256=x,1\n"), tmp_path, "repeated row")
    refused(wheel_bytes(record="one,row\n"), tmp_path, "bad or repeated row")


def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_UNPACKED_BYTES", 1000)
    refused(wheel_bytes({"zeros": bytes(2000)}), tmp_path, "unpacks to more")
    monkeypatch.setattr(rules, "MAX_ENTRIES", 2)
    refused(GOOD, tmp_path, "more than 2 entries")


def test_modes_become_plain(tmp_path: Path) -> None:
    modes = {"run": stat.S_IFREG | 0o6711, "pkg.py": stat.S_IFREG | 0o642}
    content = canonical(wheel_bytes({"run": b"", "pkg.py": b""}, modes=modes), tmp_path)

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {info.filename: info.external_attr >> 16 for info in archive.infolist()}

    assert found["run"] == stat.S_IFREG | 0o755
    assert found["pkg.py"] == stat.S_IFREG | 0o644


def test_a_sound_wheel_with_data_and_scripts_passes(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": b"",
        "pkg-1.0.data/scripts/run": b"#!python\n",
        "pkg-1.0.data/data/share/x": b"",
        f"{INFO}/entry_points.txt": b"[console_scripts]\nx-y = pkg:main [e]\n[other]\nz = a b\n",
    }

    assert canonical(wheel_bytes(files), tmp_path)


PARTS = st.text(alphabet='abcé ,"#', min_size=1, max_size=4).map(lambda part: "m" + part)
FILES = st.dictionaries(PARTS, st.binary(max_size=50), max_size=5)


@settings(max_examples=40)
@given(FILES)
def test_the_canonical_form_is_reached_in_one_step_and_keeps_the_contents(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("wheels")
    shuffled = dict(sorted(files.items(), key=lambda item: item[1]))

    once = canonical(wheel_bytes(files), folder / "1")

    assert canonical(wheel_bytes(shuffled), folder / "2") == once
    assert canonical(once, folder / "3") == once
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert {name: archive.read(name) for name in files} == files
        assert archive.namelist()[-1] == f"{INFO}/RECORD"


@settings(max_examples=150)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_damage_does_worse_than_being_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, bits: int
) -> None:
    content = bytearray(GOOD)
    content[place] ^= bits
    sound = canonical(GOOD, tmp_path_factory.mktemp("sound"))

    try:
        made = canonical(bytes(content), tmp_path_factory.mktemp("damaged"))
    except RefusedOutput:
        return
    assert entries(made) == entries(sound)  # nothing vouches for a mode


def entries(wheel: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_result_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/result").write_bytes(bytes(11))

    with pytest.raises(RefusedOutput, match="larger than 10 bytes"):
        read_small(tmp_path / "out", "result", 10)
    take(tmp_path / "out", "result", tmp_path / "copy", 11)
    assert (tmp_path / "copy").read_bytes() == bytes(11)


@pytest.mark.parametrize("name", ["a\0b", "../x", "a/b", "", ".", "..", "n" * 5000])
def test_a_name_that_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedOutput):
        read_small(tmp_path, name)

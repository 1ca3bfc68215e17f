"""A layer on top of another: what is new, what differs, what is gone, and nothing else."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.errors import ImageError
from builder.images.difference import write_difference
from builder.images.layer import write_layer

FOLDER, LINK, HARD = "folder", "link", "hard"
Files = Mapping[str, bytes | tuple[str, ...]]

BELOW: Files = {
    ".": (FOLDER, "755"),
    "./etc": (FOLDER, "700"),
    "./etc/same": b"same",
    "./etc/changed": b"before",
    "./lib": (FOLDER, "755"),
    "./lib/a": b"twice",
    "./lib/b": (HARD, "./lib/a"),
    "./old": (FOLDER, "755"),
    "./old/inside": b"x",
    "./spool": (FOLDER, "1777"),
    "./spool/one": b"1",
    "./turns": (FOLDER, "755"),
    "./turns/inside": b"x",
}


def root(file: Path, files: Files) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, what in files.items():
            member = tarfile.TarInfo(name)
            match what:
                case bytes():
                    member.size = len(what)
                case (kind, mode) if kind == FOLDER:
                    member.type, member.mode = tarfile.DIRTYPE, int(mode, 8)
                case _:
                    member.type = tarfile.SYMTYPE if what[0] == LINK else tarfile.LNKTYPE
                    member.linkname = what[1]
            tar.addfile(member, io.BytesIO(what) if isinstance(what, bytes) else None)
    return file


def difference(folder: Path, above: Files) -> dict[str, tarfile.TarInfo]:
    write_layer(root(folder / "raw", BELOW), folder / "below")
    write_difference(folder / "below", root(folder / "other", above), folder / "layer")
    with tarfile.open(folder / "layer") as tar:
        return {member.name: member for member in tar}


def test_the_same_root_file_system_leaves_nothing(tmp_path: Path) -> None:
    assert difference(tmp_path, BELOW) == {}


def test_what_is_new_or_differs_comes_with_the_folders_above_it(tmp_path: Path) -> None:
    above = {**BELOW, "./etc/changed": b"behind", "./spool/sub": (FOLDER, "755")}
    above["./spool/sub/new"] = b"new"

    layer = difference(tmp_path, above)

    names = [".", "./etc", "./etc/changed", "./spool", "./spool/sub", "./spool/sub/new"]
    assert sorted(layer) == sorted(names)
    assert (layer["./etc"].mode, layer["./spool"].mode) == (0o700, 0o1777)


def test_what_is_gone_is_marked_once(tmp_path: Path) -> None:
    above = {name: what for name, what in BELOW.items() if not name.startswith("./old")}
    del above["./spool/one"]

    assert sorted(difference(tmp_path, above)) == [".", "./.wh.old", "./spool", "./spool/.wh.one"]


def test_a_folder_that_turns_into_a_link_needs_no_mark(tmp_path: Path) -> None:
    above = {name: what for name, what in BELOW.items() if not name.startswith("./turns")}
    above["./turns"] = (LINK, "lib")

    layer = difference(tmp_path, above)

    assert sorted(layer) == [".", "./turns"]
    assert layer["./turns"].issym()


@pytest.mark.parametrize(
    "changed",
    [
        {"./lib/a": b"other"},
        {"./lib/c": (HARD, "./lib/a")},
    ],
    ids=["another content", "another name"],
)
def test_a_file_with_several_names_comes_with_all_of_them(
    changed: dict[str, bytes | tuple[str, ...]], tmp_path: Path
) -> None:
    layer = difference(tmp_path, {**BELOW, **changed})

    assert {"./lib/a", "./lib/b", *changed} <= set(layer)
    assert layer["./lib/a"].isreg()
    assert layer["./lib/b"].linkname == "./lib/a"


def test_a_cut_tar_is_refused(tmp_path: Path) -> None:
    write_layer(root(tmp_path / "raw", BELOW), tmp_path / "below")
    (tmp_path / "cut").write_bytes((tmp_path / "raw").read_bytes()[:700])

    with pytest.raises(ImageError, match="no root file system"):
        write_difference(tmp_path / "below", tmp_path / "cut", tmp_path / "layer")

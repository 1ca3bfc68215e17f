"""A locked image is that image, or the command ends with what differs."""

from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.errors import ImageError, InputError
from builder.images.layout import WrittenLayout
from builder.images.lock import (
    describe_differences,
    lock_of,
    read_lock,
    require_locked,
    write_lock,
)
from builder.images.packages import DebianPackage, parse_status
from builder.images.state import ImageState, read_state, write_state


def state(folder: Path, *packages: str, config: str = "a", recipe: str = "1") -> ImageState:
    return ImageState(
        name="mine",
        recipe=Digest(recipe * 64),
        layout=WrittenLayout(config=Digest(config * 64), diff_id=Digest("d" * 64), size=3),
        platform="linux/amd64",
        packages=tuple(DebianPackage.parse(package) for package in packages),
        seconds=1.5,
        folder=folder,
    )


def test_a_lock_survives_its_file(tmp_path: Path) -> None:
    lock = lock_of(state(tmp_path, "gcc=14=amd64"))
    write_lock(lock, tmp_path / "image.lock.json")
    assert read_lock(tmp_path / "image.lock.json") == lock
    assert [file.name for file in tmp_path.iterdir()] == ["image.lock.json"]


def test_no_file_is_no_lock(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "image.lock.json") is None


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 2}', "[1]"])
def test_a_broken_lock_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    file = tmp_path / "image.lock.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not a lock") as caught:
        read_lock(file)
    assert "builder image lock" in caught.value.hint


def test_the_locked_image_passes(tmp_path: Path) -> None:
    present = state(tmp_path, "gcc=14=amd64")
    require_locked(present, lock_of(present), tmp_path / "image.lock.json")


def test_another_image_is_refused_with_the_packages_that_differ(tmp_path: Path) -> None:
    present = state(tmp_path, "gcc=14.2=amd64", "git=2=amd64", "new=1=all", config="b")
    locked = lock_of(state(tmp_path, "gcc=14.1=amd64", "git=2=amd64", "old=1=all"))
    with pytest.raises(ImageError) as caught:
        require_locked(present, locked, tmp_path / "image.lock.json")
    assert caught.value.message.split("\n")[1:] == [
        f"  ID sha256:{'b' * 64}, locked sha256:{'a' * 64}",
        "  gcc 14.2, locked 14.1",
        "  new 1, locked without it",
        "  old is missing, locked 1",
    ]
    assert "builder image lock mine" in caught.value.hint


def test_a_changed_recipe_is_named(tmp_path: Path) -> None:
    present = state(tmp_path, "gcc=14=amd64", config="b", recipe="2")
    locked = lock_of(state(tmp_path, "gcc=14=amd64"))
    assert describe_differences(present, locked)[1:] == (
        (
            "image.yaml, one that it extends, or the way this version of builder bootstraps, has"
            " changed"
        ),
        "the packages are the same",
    )


def test_many_differences_are_cut(tmp_path: Path) -> None:
    present = state(tmp_path, *(f"p{n:02}=2=all" for n in range(30)), config="b")
    locked = lock_of(state(tmp_path, *(f"p{n:02}=1=all" for n in range(30))))
    assert describe_differences(present, locked)[-1] == "and 18 more packages"


def test_a_state_without_its_layout_counts_as_missing(tmp_path: Path) -> None:
    write_state(state(tmp_path, "gcc=14=amd64"))
    assert read_state(tmp_path) is None


def test_installed_packages_are_read_from_dpkgs_status() -> None:
    status = """Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.3
Description: a library
 Version: not this one

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.1
"""
    assert [str(package) for package in parse_status(status)] == [
        "adduser=3.1=all",
        "zlib1g=1:1.3=amd64",
    ]

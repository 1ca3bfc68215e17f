"""Which patches a release gets, and in which order."""

from pathlib import Path

import pytest

from builder.domain.patches import Patches
from builder.errors import InputError
from builder.overrides.patches import choose, read_patch_folders, unused
from tests.facts import pin


def chosen(folder: Path, release: str, variant: str = "cpu") -> Patches:
    return choose(read_patch_folders(folder), pin(release), (variant,))


def applied(folder: Path, release: str, variant: str = "cpu") -> list[str]:
    return [patch.name for patch in chosen(folder, release, variant).apply]


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def test_folders_for_every_version_for_one_and_for_a_variant_are_merged_by_name(
    tmp_path: Path,
) -> None:
    lay(
        tmp_path,
        "some_pkg/001-all.patch",
        "some_pkg/010-all.patch",
        "some_pkg/cpu/004-cpu.patch",
        "some_pkg/rocm/000-rocm.patch",
        "some_pkg-1.0.2/002-version.patch",
        "some_pkg-1.0.2/cpu/005-version.patch",
        "some_pkg-1.0.3/003-other.patch",
        "some_pkg-1.0.2/notes.txt",
        "some_pkg/cpu/deeper/006.patch",
        "other/001.patch",
    )

    assert applied(tmp_path, "some-pkg==1.0.2") == [
        "some_pkg/001-all.patch",
        "some_pkg-1.0.2/002-version.patch",
        "some_pkg/cpu/004-cpu.patch",
        "some_pkg-1.0.2/cpu/005-version.patch",
        "some_pkg/010-all.patch",
    ]
    assert applied(tmp_path, "some-pkg==2", "rocm") == [
        "some_pkg/rocm/000-rocm.patch",
        "some_pkg/001-all.patch",
        "some_pkg/010-all.patch",
    ]


def test_among_equal_names_the_wider_meant_comes_first(tmp_path: Path) -> None:
    lay(tmp_path, "a-1/cpu/x.patch", "a-1/x.patch", "a/cpu/x.patch", "a/x.patch")

    assert applied(tmp_path, "a==1") == [
        "a/x.patch",
        "a/cpu/x.patch",
        "a-1/x.patch",
        "a-1/cpu/x.patch",
    ]


def test_folders_of_equal_versions_are_merged(tmp_path: Path) -> None:
    lay(tmp_path, "a-1.0/1.patch", "a-1.0.0/2.patch", "a-1/3.patch")

    assert applied(tmp_path, "a==1.0+local") == ["a-1.0/1.patch", "a-1.0.0/2.patch", "a-1/3.patch"]


def test_patches_of_another_version_alone_are_told(tmp_path: Path) -> None:
    lay(tmp_path, "a-1.0/1.patch", "a-1.0/rocm/2.patch", "b-1.0/3.patch", "b/4.patch")

    assert [patch.name for patch in chosen(tmp_path, "a==2.0").passed_over] == ["a-1.0/1.patch"]
    assert chosen(tmp_path, "b==2.0").passed_over == ()
    assert chosen(tmp_path, "c==2.0") == Patches()


def test_patches_are_unused_where_other_versions_of_their_project_were_built(
    tmp_path: Path,
) -> None:
    lay(tmp_path, "a/1.patch", "a-1.0/2.patch", "a-1.0/rocm/3.patch", "a-2/4.patch", "b-1/5.patch")
    folders = read_patch_folders(tmp_path)

    def named(*built: str) -> list[str]:
        return [patch.name for patch in unused(folders, [pin(one) for one in built], ("cpu",))]

    assert named("a==2") == ["a-1.0/2.patch"]
    assert named("a==2", "a==1.0.0") == []
    assert named("a==3") == ["a-1.0/2.patch", "a-2/4.patch"]
    assert named("c==1") == []


def test_patches_that_were_told_as_passed_over_are_not_told_again(tmp_path: Path) -> None:
    folders = read_patch_folders(lay(tmp_path, "b-1/5.patch"))

    assert unused(folders, [pin("b==2")], ("cpu",)) == ()


@pytest.mark.parametrize("name", ["Some_Pkg", "some-pkg", "some_pkg-x", "some__pkg"])
def test_a_folder_with_a_wrong_name_is_for_nobody(name: str, tmp_path: Path) -> None:
    lay(tmp_path, f"{name}/1.patch")

    assert read_patch_folders(tmp_path) == ()


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert read_patch_folders(tmp_path / "missing") == ()


def test_a_patch_cannot_be_too_large(tmp_path: Path) -> None:
    lay(tmp_path, "a/1.patch")
    with (tmp_path / "a/1.patch").open("wb") as file:
        file.truncate((64 << 20) + 1)

    with pytest.raises(InputError, match=r"a/1\.patch"):
        read_patch_folders(tmp_path)

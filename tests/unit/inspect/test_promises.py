"""A manylinux tag that a backend chose must be true."""

from pathlib import Path

import pytest

from builder.inspect.collect import RefusedOutput
from builder.inspect.promises import check_promises
from tests.elf_files import SharedObject
from tests.unit.inspect.test_elf import written


def needs(*versions: str, needed: tuple[str, ...] = ("libc.so.6",)) -> SharedObject:
    return SharedObject(needed=needed, versions=((needed[0], versions),) if versions else ())


def check(folder: Path, part: SharedObject, *platforms: str, **others: SharedObject) -> None:
    files = {f"pkg/{name}.so": one.content() for name, one in {"part": part, **others}.items()}
    check_promises(platforms, written(folder, files))


KEPT = {
    "manylinux_2_17_x86_64": needs("GLIBC_2.14"),
    "manylinux2014_x86_64": needs("GLIBC_2.17"),
    "manylinux_2_29_x86_64": needs("GLIBC_2.29"),
    "manylinux_2_38_x86_64": needs("GLIBC_2.38", "GLIBC_ABI_DT_RELR"),
    "manylinux_2_28_x86_64": needs("GLIBCXX_3.4.20", needed=("libstdc++.so.6",)),
    "musllinux_1_2_x86_64": needs(needed=("libc.musl-x86_64.so.1",)),
    "linux_x86_64": needs("GLIBC_2.41", needed=("libunheard.so.7",)),
    "any": needs("GLIBC_2.41"),
}


@pytest.mark.parametrize("platform", KEPT)
def test_a_kept_promise_passes(platform: str, tmp_path: Path) -> None:
    check(tmp_path, KEPT[platform], platform)


BROKEN = {
    "manylinux_2_17_x86_64": (
        needs("GLIBC_2.38", "GLIBC_2.4", "GLIBC_2.28"),
        "not true: 'pkg/part.so' needs GLIBC_2.38 of libc.so.6$",
    ),
    "manylinux2014_x86_64": (needs("GLIBC_2.18"), "needs GLIBC_2.18 of libc.so.6"),
    "manylinux_2_29_x86_64": (needs("GLIBC_2.30"), "needs GLIBC_2.30 of libc.so.6"),
    "manylinux_2_31_x86_64": (needs("GLIBC_ABI_DT_RELR"), "needs GLIBC_ABI_DT_RELR"),
    "manylinux_2_39_x86_64": (needs("GLIBC_PRIVATE"), "needs GLIBC_PRIVATE"),
    "manylinux_2_28_x86_64": (
        needs("GLIBCXX_3.4.30", needed=("libstdc++.so.6",)),
        "needs GLIBCXX_3.4.30 of libstdc",
    ),
    "manylinux_2_34_x86_64": (
        needs(needed=("libffi.so.8",)),
        "'pkg/part.so' needs libffi.so.8, which not every such system has",
    ),
    "musllinux_1_2_x86_64": (needs("GLIBC_2.2.5"), "libc.so.6"),
    "musllinux_1_9_x86_64": (needs(), "nothing is known of such systems for x86_64"),
    "manylinux_2_17_mips": (needs(), "nothing is known of such systems for mips"),
}


@pytest.mark.parametrize("platform", BROKEN)
def test_a_broken_promise_is_refused(platform: str, tmp_path: Path) -> None:
    part, reason = BROKEN[platform]

    with pytest.raises(RefusedOutput, match=reason) as told:
        check(tmp_path, part, platform)

    assert f"the tag {platform} is not true" in str(told.value)
    assert "repair: auto" in told.value.hint


def test_one_lie_among_several_tags_is_enough(tmp_path: Path) -> None:
    with pytest.raises(RefusedOutput, match="manylinux_2_17_x86_64 is not true"):
        check(tmp_path, needs("GLIBC_2.28"), "manylinux_2_28_x86_64", "manylinux_2_17_x86_64")


def test_what_the_wheel_brings_no_system_needs_to_have(tmp_path: Path) -> None:
    part = needs("FFI_8", needed=("libffi.so.8",))

    check(tmp_path, part, "manylinux_2_17_x86_64", libffi=SharedObject(soname="libffi.so.8"))


def test_of_many_reasons_some_are_told(tmp_path: Path) -> None:
    part = needs(needed=tuple(f"libx{n}.so" for n in range(9)))

    with pytest.raises(RefusedOutput, match=r"libx2.so, which .*; 6 more are alike"):
        check(tmp_path, part, "manylinux_2_17_x86_64")

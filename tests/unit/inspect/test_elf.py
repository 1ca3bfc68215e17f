"""A wheel's ELF files are read as data: what they say is told, and what cannot be read is named."""

import stat
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.inspect.elf import ElfFacts, ElfFile, elf_files, facts_of
from tests.elf_files import SharedObject

USUAL = SharedObject(
    soname="libpkg.so.1",
    needed=("libc.so.6", "libm.so.6"),
    versions=(("libc.so.6", ("GLIBC_2.14", "GLIBC_2.2.5")),),
    has_gnu_hash=True,
)


def facts(folder: Path, files: dict[str, bytes], mode: int = 0o644, **limits: int) -> ElfFacts:
    return facts_of(written(folder, files, mode, **limits))


def written(
    folder: Path, files: dict[str, bytes], mode: int = 0o644, **limits: int
) -> tuple[ElfFile, ...]:
    """The ELF files of a wheel that has these files."""
    path = folder / "w.whl"
    with zipfile.ZipFile(path, "w") as out:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | mode) << 16
            out.writestr(entry, content)
    with zipfile.ZipFile(path) as archive:
        return elf_files(archive, archive.infolist(), folder, **limits)


def test_a_shared_object_says_what_it_needs_and_is(tmp_path: Path) -> None:
    assert facts(tmp_path, {"pkg/libpkg.so.1": USUAL.content()}) == ElfFacts(
        requires=(
            "libc.so.6()(64bit)",
            "libc.so.6(GLIBC_2.14)(64bit)",
            "libc.so.6(GLIBC_2.2.5)(64bit)",
            "libm.so.6()(64bit)",
            "rtld(GNU_HASH)",
        ),
        provides=("libpkg.so.1()(64bit)",),
    )


def test_what_the_wheel_brings_it_does_not_need(tmp_path: Path) -> None:
    brings = SharedObject(soname="libone.so.1").content()
    needs = SharedObject(needed=("libone.so.1", "libtwo.so.2")).content()

    found = facts(tmp_path, {"pkg.libs/libone.so.1": brings, "pkg/part.so": needs})

    assert found.requires == ("libtwo.so.2()(64bit)",)
    assert found.provides == ("libone.so.1()(64bit)",)


def test_extension_modules_are_no_libraries_whatever_python_reads_them(tmp_path: Path) -> None:
    module = SharedObject().content()
    names = ("libx.cpython-313-s390x-linux-gnu.so", "libx.abi3.so", "x.so")

    assert facts(tmp_path, dict.fromkeys(names, module)) == ElfFacts()


def test_a_program_of_this_host_needs_its_c_library(tmp_path: Path) -> None:
    program = Path(sys.executable).resolve().read_bytes()

    found = facts(tmp_path, {"pkg-1.0.data/scripts/tool": program}, 0o755)

    assert any(one.startswith("libc.so.6(GLIBC_") for one in found.requires), found
    assert found.unreadable == ()


def test_files_that_nobody_loads_are_left_alone(tmp_path: Path) -> None:
    files = {"pkg/data.bin": USUAL.content(), "pkg/linked.so": b"INPUT(libother.so)"}

    assert facts(tmp_path, files) == ElfFacts()


def test_a_script_is_one_by_its_place(tmp_path: Path) -> None:
    found = facts(tmp_path, {"pkg-1.0.data/scripts/tool": USUAL.content()})

    assert "libm.so.6()(64bit)" in found.requires


def test_scripts_are_no_elf_files(tmp_path: Path) -> None:
    assert facts(tmp_path, {"pkg/run.sh": b"#!/bin/sh\n"}, 0o755) == ElfFacts()


HOSTILE = {
    "cut off": USUAL.content()[:70],
    "only the magic": b"\x7fELF",
    "of no class": b"\x7fELF\x09" + USUAL.content()[5:],
    "a soname on two lines": SharedObject(soname="libx.so\nlibc.so.6").content(),
    "a soname that is no text": SharedObject(soname="libx\udcff.so").content(),
    "an endless soname": SharedObject(soname="lib" + "x" * 5000 + ".so").content(),
    "more names than any": SharedObject(
        needed=tuple(f"lib{n}.so" for n in range(10_001))
    ).content(),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_is_named_as_unreadable_for_being(what: str, tmp_path: Path) -> None:
    good = SharedObject(needed=("libc.so.6",)).content()

    found = facts(tmp_path, {"pkg/bad.so": HOSTILE[what], "pkg/good.so": good})

    assert found.unreadable == ("pkg/bad.so",)
    assert found.requires == ("libc.so.6()(64bit)",)


def test_a_loop_without_end_ends(tmp_path: Path) -> None:
    """The same requirement comes four thousand million times, each time from the same place."""
    versions = (("libc.so.6", ("GLIBC_2.14",)),)
    content = bytearray(SharedObject(versions=versions).content())
    at = content.index(b"\x01\x00\x01\x00")
    content[at + 12 : at + 16] = bytes(4)
    header = content.index(b"\xfe\xff\xff\x6f")
    content[header + 40 : header + 44] = b"\xff\xff\xff\xff"

    found = facts(tmp_path, {"pkg/loop.so": bytes(content)}, max_reads=20_000)

    assert found == ElfFacts(unreadable=("pkg/loop.so",))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(USUAL.content()) - 1), st.integers(0, 255)),
        min_size=1,
        max_size=12,
    )
)
def test_no_damage_does_more_than_make_a_file_unreadable(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    content = bytearray(USUAL.content())
    for at, byte in damage:
        content[at] = byte
    folder = tmp_path_factory.getbasetemp()

    once = facts(folder, {"pkg/x.so": bytes(content)}, max_reads=5000)

    assert once == facts(folder, {"pkg/x.so": bytes(content)}, max_reads=5000)
    assert all("\n" not in one for one in (*once.requires, *once.provides))

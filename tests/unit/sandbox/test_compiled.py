"""Files that came compiled are known by their names and their first bytes."""

from pathlib import Path

import pytest

from tests.unit.sandbox.agent import load

compiled = load("compiled")

KINDS = {
    "a library by its name": ("lib.so", b"x", True),
    "a library in capitals": ("LIB.DLL", b"x", True),
    "an extension module": ("m.cpython-313-darwin.pyd", b"x", True),
    "an empty library": ("lib.so", b"", False),
    "ELF": ("a", b"\x7fELF\x02\x01\x01\0", True),
    "an archive of objects": ("lib.a", b"!<arch>\nx", True),
    "Mach-O": ("a", b"\xcf\xfa\xed\xfe\x07\0\0\x01", True),
    "universal Mach-O": ("a", b"\xca\xfe\xba\xbe\0\0\0\x02rest", True),
    "a class of Java": ("A.class", b"\xca\xfe\xba\xbe\0\0\0\x34rest", False),
    "a program for Windows": ("a", b"MZ\x90\0\x03\0\0\0" + b"\0" * 60, True),
    "text that begins like one": ("a", b"MZ is a country code" * 9, False),
    "text": ("a.py", b"pass\n", False),
    "nearly nothing": ("a", b"\x7f", False),
}


@pytest.mark.parametrize("what", KINDS)
def test_a_file_is_judged_that_is(what: str, tmp_path: Path) -> None:
    name, content, expected = KINDS[what]
    (tmp_path / name).write_bytes(content)

    assert compiled.is_compiled(str(tmp_path / name)) is expected


def test_files_are_named_in_order_up_to_a_number_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.so").symlink_to("sub/00.so")
    for number in range(30):
        (tmp_path / f"sub/{number:02}.so").write_text("x")

    names, count = compiled.compiled_files(str(tmp_path))

    assert names == [f"sub/{number:02}.so" for number in range(20)]
    assert count == 30

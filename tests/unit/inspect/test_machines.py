"""What a wheel loads or runs must be for the machines that its tags promise."""

from pathlib import Path

import pytest

from builder.inspect.collect import RefusedOutput
from builder.inspect.machines import architecture_of, check_machines
from tests.elf_files import SharedObject
from tests.unit.inspect.test_elf import written

X86_64 = SharedObject().content()
AARCH64 = SharedObject(machine=183).content()
S390X = b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x03\x00\x16" + bytes(40)
I686 = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x03\x00\x03\x00" + bytes(40)
X32 = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(40)
DEVICE_CODE = {"CUDA": 190, "AMDGPU": 224, "BPF": 247}


def check(
    folder: Path,
    files: dict[str, bytes],
    *platforms: str,
    mode: int = 0o644,
    foreign_allowed: bool = False,
) -> tuple[str, ...]:
    found = written(folder, files, mode)
    return check_machines(platforms or ("linux_x86_64",), found, foreign_allowed=foreign_allowed)


OF_THEIR_TAGS = {
    "linux_x86_64": X86_64,
    "manylinux2014_x86_64": X86_64,
    "manylinux_2_28_aarch64": AARCH64,
    "musllinux_1_2_aarch64": AARCH64,
    "linux_s390x": S390X,
    "linux_i686": I686,
}


@pytest.mark.parametrize("platform", OF_THEIR_TAGS)
def test_a_file_for_the_machine_of_the_tag_passes(platform: str, tmp_path: Path) -> None:
    assert check(tmp_path, {"pkg/part.so": OF_THEIR_TAGS[platform]}, platform) == ()


@pytest.mark.parametrize(
    ("platform", "content"),
    [
        ("linux_x86_64", AARCH64),
        ("linux_x86_64", X32),
        ("linux_x86_64", I686),
        ("linux_aarch64", X86_64),
        ("manylinux_2_17_ppc64le", X86_64),
        ("any", X86_64),
    ],
)
def test_a_library_for_another_machine_is_refused(
    platform: str, content: bytes, tmp_path: Path
) -> None:
    with pytest.raises(RefusedOutput, match=rf"'pkg/part.so' is for .* tagged {platform}") as told:
        check(tmp_path, {"pkg/part.so": content}, platform)

    assert "foreign_binaries: true" in told.value.hint


def test_names_say_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(RefusedOutput) as told:
        check(tmp_path, {"a.so": AARCH64, "b.so": I686, "c.so": X32, "d.so": S390X})

    assert str(told.value) == (
        "'a.so' is for aarch64, 'b.so' is for i686, "
        "'c.so' is for machine 62 of ELF, 32 bits, little endian, 1 more are alike, "
        "and the wheel is tagged linux_x86_64"
    )


@pytest.mark.parametrize(
    ("name", "mode"),
    [("pkg/tool", 0o755), ("pkg-1.0.data/scripts/tool", 0o644), ("pkg.libs/libx.so.1.2", 0o644)],
)
def test_programs_and_scripts_are_held_to_the_tag_as_well(
    name: str, mode: int, tmp_path: Path
) -> None:
    with pytest.raises(RefusedOutput, match="is for aarch64"):
        check(tmp_path, {name: AARCH64}, mode=mode)


def test_what_nobody_loads_is_told_and_no_more(tmp_path: Path) -> None:
    (told,) = check(tmp_path, {"pkg/tests/sample.bin": AARCH64, "pkg/own.so": X86_64})

    assert told.endswith("has files for other machines: 'pkg/tests/sample.bin' is for aarch64")


def test_objects_are_nothing_that_runs(tmp_path: Path) -> None:
    content = SharedObject(machine=183, kind=1).content()

    assert check(tmp_path, {"pkg/part.o": content, "pkg/part.so": content}, mode=0o755) == ()


@pytest.mark.parametrize("what", DEVICE_CODE)
def test_code_for_accelerators_runs_beside_any_host(what: str, tmp_path: Path) -> None:
    content = SharedObject(machine=DEVICE_CODE[what]).content()

    assert check(tmp_path, {"pkg/kernels.so": content}, mode=0o755) == ()
    assert check(tmp_path, {"pkg/kernels.so": content}, "any") == ()


def test_foreign_files_may_be_let_through(tmp_path: Path) -> None:
    told = check(tmp_path, {"pkg/part.so": AARCH64}, foreign_allowed=True)

    assert told == (
        "is tagged linux_x86_64, and has files for other machines: 'pkg/part.so' is for aarch64",
    )


def test_tags_for_several_machines_leave_room_for_no_binary(tmp_path: Path) -> None:
    tags = ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64")

    with pytest.raises(RefusedOutput, match="is for x86_64"):
        check(tmp_path, {"pkg/part.so": X86_64}, *tags)
    with pytest.raises(RefusedOutput, match="is for x86_64"):
        check(tmp_path, {"pkg/part.so": X86_64}, "linux_x86_64", "any")


@pytest.mark.parametrize(
    ("platform", "architecture"),
    [
        ("linux_x86_64", "x86_64"),
        ("manylinux1_i686", "i686"),
        ("manylinux2014_ppc64le", "ppc64le"),
        ("manylinux_2_39_riscv64", "riscv64"),
        ("musllinux_1_2_armv7l", "armv7l"),
        ("macosx_11_0_arm64", "macosx_11_0_arm64"),
        ("any", "any"),
    ],
)
def test_a_platform_tag_names_an_architecture(platform: str, architecture: str) -> None:
    assert architecture_of(platform) == architecture

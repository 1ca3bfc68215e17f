import os
from pathlib import Path

import pytest

from builder.engines.binfmt import Binfmt, elf_headers, parse_handler, read_binfmt
from builder.engines.emulation import (
    Emulated,
    Native,
    NotRunnable,
    Tools,
    decide,
    native_platform,
    registration,
)

ARM = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: PF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""
RISCV = ARM.replace("aarch64", "riscv64").replace("b700", "f300")
JAR = "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n"
QEMU = Path("/usr/bin/qemu-aarch64-static")
READY = Tools("x86_64", QEMU, apt=True, update_binfmts=True, systemd=False)


def folder(root: Path, status: str = "enabled", **handlers: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "status").write_text(f"{status}\n")
    (root / "register").write_text("")
    for age, (name, text) in enumerate(handlers.items()):
        (root / name).write_text(text)
        os.utime(root / name, ns=(age, age))
    return root


def decided(binfmt: Binfmt, tools: Tools = READY, platform: str = "linux/arm64") -> NotRunnable:
    found = decide(platform, binfmt, tools)
    assert isinstance(found, NotRunnable)
    return found


def test_a_registered_emulator_runs_the_platform_that_its_magic_fits(tmp_path: Path) -> None:
    binfmt = read_binfmt(folder(tmp_path, any_name=ARM, jar=JAR))

    found = decide("linux/arm64", binfmt, READY)

    assert found == Emulated("/usr/libexec/qemu-binfmt/aarch64-binfmt-P")


def test_the_name_of_a_handler_says_nothing(tmp_path: Path) -> None:
    binfmt = read_binfmt(folder(tmp_path, **{"qemu-aarch64": RISCV}))

    assert "no emulator for arm64 is registered" in decided(binfmt).reason
    assert isinstance(decide("linux/riscv64", binfmt, READY), Emulated)


def test_the_host_runs_its_own_platform_whatever_is_registered(tmp_path: Path) -> None:
    nothing = read_binfmt(tmp_path / "missing")
    arm = Tools("aarch64", None, apt=True, update_binfmts=False, systemd=True)

    assert decide("linux/amd64", nothing, READY) == Native()
    assert decide("linux/arm64", nothing, arm) == Native()
    assert isinstance(decide("linux/amd64", nothing, arm), NotRunnable)
    assert native_platform("aarch64") == "linux/arm64"


def test_without_binfmt_it_is_mounted_and_the_emulator_registered(tmp_path: Path) -> None:
    found = decided(read_binfmt(tmp_path / "missing"))

    assert "is not at /proc/sys/fs/binfmt_misc" in found.reason
    assert found.remedy == (
        "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"
        " && update-binfmts --import qemu-aarch64 && update-binfmts --enable qemu-aarch64"
    )


def test_without_an_emulator_the_packages_are_named(tmp_path: Path) -> None:
    binfmt = read_binfmt(folder(tmp_path))
    bare = Tools("x86_64", None, apt=True, update_binfmts=False, systemd=False)
    fedora = Tools("x86_64", None, apt=False, update_binfmts=False, systemd=True)

    assert decided(binfmt, bare).remedy.startswith(
        "apt-get install qemu-user-static binfmt-support && "
    )
    assert decided(binfmt, fedora).remedy == (
        "dnf install qemu-user-static && systemctl restart systemd-binfmt"
    )


def test_what_is_turned_off_is_turned_on(tmp_path: Path) -> None:
    everything = read_binfmt(folder(tmp_path / "all", "disabled", arm=ARM))
    one = read_binfmt(folder(tmp_path / "one", arm=ARM.replace("enabled", "disabled")))

    assert decided(everything).remedy == "echo 1 > /proc/sys/fs/binfmt_misc/status"
    assert decided(one).remedy == f"echo 1 > {tmp_path}/one/arm"


def test_without_flag_f_the_emulator_is_registered_anew(tmp_path: Path) -> None:
    binfmt = read_binfmt(folder(tmp_path, arm=ARM.replace("PF", "PC")))
    by_hand = Tools("x86_64", QEMU, apt=True, update_binfmts=False, systemd=False)

    found = decided(binfmt, by_hand)

    assert "without flag F" in found.reason
    assert found.remedy.startswith(f"echo -1 > {tmp_path}/arm && printf '%s' ':qemu-aarch64:M::")
    assert found.remedy.endswith(":/usr/bin/qemu-aarch64-static:F' > "
                                 "/proc/sys/fs/binfmt_misc/register")  # fmt: skip


def test_the_kernel_asks_the_youngest_handler_first(tmp_path: Path) -> None:
    without = ARM.replace("PF", "P")

    old_is_good = read_binfmt(folder(tmp_path / "1", old=ARM, young=without))
    young_is_good = read_binfmt(folder(tmp_path / "2", old=without, young=ARM))

    assert decided(old_is_good).remedy.startswith(f"echo -1 > {tmp_path}/1/young")
    assert isinstance(decide("linux/arm64", young_is_good, READY), Emulated)


@pytest.mark.parametrize("architecture", ["arm64", "ppc64le", "riscv64", "s390x"])
def test_the_line_to_register_makes_a_handler_that_fits(architecture: str) -> None:
    line = registration(architecture, QEMU)

    _, name, kind, offset, magic, mask, interpreter, flags = line.split(":")
    shown = (
        f"enabled\ninterpreter {interpreter}\nflags: {flags}\noffset {offset or 0}\n"
        f"magic {magic}\nmask {mask}\n"
    ).replace("\\x", "")
    handler = parse_handler(Path(name), shown)
    assert kind == "M"
    assert handler is not None
    assert handler.fixed
    assert all(handler.takes(header) for header in elf_headers(architecture))
    assert not any(handler.takes(header) for header in elf_headers("amd64"))


@pytest.mark.parametrize("text", ["", "enabled\n", "enabled\nmagic no hex\n", JAR])
def test_a_file_that_is_no_handler_of_programs_is_passed_over(text: str) -> None:
    assert parse_handler(Path("x"), text) is None


def test_an_architecture_that_nobody_knows_does_not_run() -> None:
    found = decide("linux/vax", Binfmt(mounted=True, enabled=True, handlers=()), READY)

    assert found == NotRunnable("nothing is known of emulating vax", "")

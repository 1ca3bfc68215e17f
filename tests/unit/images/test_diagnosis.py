"""What a failed bootstrap's log leads to."""

from pathlib import Path

import pytest

from builder.errors import ImageError, StorageError
from builder.images.diagnosis import explain_failure

LOG = Path("/cache/images/cpu.log")
SCRATCH = Path("/var/tmp")


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        (
            "W: GPG error: https://mirror.example trixie InRelease: NO_PUBKEY 6ED0E7B82643E131",
            "debian-archive-keyring",
        ),
        ("W: /etc/subuid doesn't exist", "--add-subuids"),
        ("E: cannot find newuidmap", "apt-get install uidmap"),
        ("E: unshare() failed: Operation not permitted", "user namespaces"),
        ("  Temporary failure resolving 'mirror.example'", "check the network"),
        ("E: Unable to locate package python9", "`packages`"),
        ("E: The repository 'x' does not have a Release file.", "`suite`"),
        ("E: arm64 can neither be executed natively nor via qemu", "qemu-user-static"),
        ("E: install arch-test for foreign architecture support", "apt-get install arch-test"),
        ("E: something new", ""),
    ],
)
def test_known_complaints_have_a_hint(complaint: str, hint: str) -> None:
    error = explain_failure(f"I: begun\n{complaint}\n", LOG, 25, SCRATCH)
    assert isinstance(error, ImageError)
    assert complaint in error.message
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)


def test_a_full_disk_is_a_matter_of_storage() -> None:
    error = explain_failure("tar: write error: No space left on device\n", LOG, 1, SCRATCH)
    assert isinstance(error, StorageError)
    assert "/var/tmp" in error.hint


def test_ordinary_output_of_apt_is_no_symptom() -> None:
    text = "Suggested packages: qemu-user-static\nSetting up newuidmap\nE: odd\n"
    assert explain_failure(text, LOG, 1, SCRATCH).hint == ""


def test_a_script_of_ours_that_mmdebstrap_repeats_does_not_hide_what_went_wrong() -> None:
    script = "\n".join(["set -eu", *(f"step {n}" for n in range(30))])
    text = (
        f"I: running --customize-hook in shell: sh -c '{script}\n' exec /scratch/x\n"
        "Reading package lists...\nE: Unable to locate package nosuch\n"
        f"E: setup failed: E: command failed: {script}\n"
        "I: main() received signal PIPE\nE: mmdebstrap failed to run\n"
    )

    error = explain_failure(text, LOG, 1, SCRATCH)

    assert "  E: Unable to locate package nosuch\n" in error.message
    assert "step" not in error.message
    assert "`system_packages`" in error.hint

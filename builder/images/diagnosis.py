"""Reads the log of a failed bootstrap, and says what would mend it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.errors import BuilderError, ImageError, StorageError

_SHOWN_LINES = 15

_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_KEYRING_HINT = (
    "install the archive's keys: apt-get install debian-archive-keyring (on an older release,"
    " take a newer debian-archive-keyring: a suite is signed by keys made after its predecessor)"
)
_NO_SUBIDS_HINT = (
    "give the user subordinate IDs: apt-get install uidmap && usermod"
    " --add-subuids 100000-165535 --add-subgids 100000-165535 USER; or run this as root"
)
_NO_NAMESPACES_HINT = (
    "this machine does not let users make user namespaces: allow them (sysctl"
    " kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0),"
    " or run this as root"
)
_NETWORK_HINT = (
    "only the bootstrap of an image needs Debian's archive: check the network and http_proxy,"
    " or name a mirror (`mirror:` in image.yaml)"
)
_ARCH_TEST_HINT = "an image for another processor needs: apt-get install arch-test"
_EMULATION_HINT = (
    "an image for another processor needs: apt-get install qemu-user-static binfmt-support"
    " arch-test; `builder doctor` shows which processors are emulated here"
)
_SCRATCH_HINT = (
    "the folder that TMPDIR names, and every folder above it, must be open to other users"
    " (mode 755 or 1777)"
)
_UNREACHABLE = (
    r"Could not resolve|Temporary failure resolving|Could not connect|Connection timed out"
    r"|Unable to connect|Network is unreachable|Connection refused|Connection failed"
)
_PACKAGE_HINT = (
    "check `packages`, `suite` and `components` in image.yaml, or `system_packages` in the"
    " package's settings"
)
_CONFLICT_HINT = (
    "a package cannot stand beside what the image has: take an image without that (`image:` in the"
    " package's settings)"
)
_SCRIPT = re.compile(r"(?:I: running --[a-z-]+ in shell: sh -c '|.*E: command failed: )set -eu")
_AFTER_SCRIPT = re.compile(r"[IEW]: |' exec ")
_SYMPTOMS = (
    (r"NO_PUBKEY|is not signed|keyring .* does not exist|Missing key", _KEYRING_HINT),
    (r"/etc/sub[ug]id|new[ug]idmap", _NO_SUBIDS_HINT),
    (r"unshare\(\) failed|unable to unshare|cannot unshare|userns", _NO_NAMESPACES_HINT),
    (_UNREACHABLE, _NETWORK_HINT),
    (
        r"Unable to locate package|has no installation candidate|Version .* was not found",
        _PACKAGE_HINT,
    ),
    (r"Packages need to be removed but remove is disabled", _CONFLICT_HINT),
    (r"does not have a Release file|404 +Not Found", "check `suite` and `mirror` in image.yaml"),
    (r"install arch-test", _ARCH_TEST_HINT),
    (r"neither be executed natively|arch-test|qemu", _EMULATION_HINT),
    (r"Permission denied", _SCRATCH_HINT),
)


def diagnose(log: Path, status: int, scratch: Path) -> BuilderError:
    """The error to raise for a bootstrap that ended with a status other than zero."""
    return explain_failure(log.read_text(encoding="utf-8"), log, status, scratch)


def explain_failure(text: str, log: Path, status: int, scratch: Path) -> BuilderError:
    """As `diagnose`, for the text of a log."""
    lines = [line for line in _without_scripts(text.splitlines()) if line.strip()]
    last = "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:])
    message = f"mmdebstrap failed with status {status}; its last lines:\n{last}\nlog: {log}"
    if _FULL.search(text):
        return StorageError(
            message,
            hint=f"the disk is full: free space in {scratch} and {log.parent}, or set TMPDIR",
        )
    complaints = "\n".join(line for line in lines if line.startswith(("E:", "W:", "Err:", "  ")))
    hint = next((hint for symptom, hint in _SYMPTOMS if re.search(symptom, complaints)), "")
    return ImageError(message, hint=hint)


def _without_scripts(lines: Iterable[str]) -> Iterator[str]:
    """The lines without those of our own scripts, which mmdebstrap repeats whole."""
    inside = False
    for line in lines:
        if _SCRIPT.fullmatch(line):
            inside = True
        elif inside and _AFTER_SCRIPT.match(line):
            inside = False
            if not line.startswith("'"):
                yield line
        elif not inside:
            yield line

"""Bootstraps a root file system from Debian's packages, as an ordinary user or as root."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.emulation import EMULATOR_VARIABLES
from builder.errors import ImageError, StorageError
from builder.images import difference, layer
from builder.images.diagnosis import diagnose
from builder.images.layout import SOURCE_DATE_EPOCH
from builder.images.recipe import ARCHITECTURES, DebianBase, ImageRecipe

Progress = Callable[[str], None]
"""Takes one line about what is going on."""

_NEEDED_SPACE = 4 << 30
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OPEN_TO_ALL = Path("/var/tmp")  # noqa: S108 - mmdebstrap makes a folder of its own in there
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
_STEP = re.compile(r"[IE]: (?!running --)(?P<text>.*)|(?P<package>(?:Unpacking|Setting up) \S+) .*")
_TRANSPORT = re.compile(r'Acquire::https?(?:::[A-Za-z0-9._:-]+)? "[^"\n]*";')

_LEFT_OUT = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/bin/*-lto-dump-*",
)

_ROOT = """set -eu
root="$1"
"""
_FORGET = r"""# What the host leaked in, and what differs from run to run.
rm -f "$root"/etc/hostname "$root"/etc/resolv.conf "$root"/etc/.pwd.lock \
  "$root"/etc/passwd- "$root"/etc/group- "$root"/etc/shadow- "$root"/etc/gshadow- \
  "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* \
  "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap \
  "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
  "$root"/var/lib/apt/extended_states \
  "$root"/var/cache/ldconfig/aux-cache "$root"/var/lib/dbus/machine-id
rm -rf "$root"/var/lib/systemd
: > "$root"/etc/machine-id
find "$root"/var/log -type f -delete
printf '127.0.0.1 localhost\n::1 localhost\n' > "$root"/etc/hosts
"""
_FURNISH = r"""# The user that builds run as, and the places that are mounted over.
printf 'builder:x:1000:1000::/build:/bin/sh\n' >> "$root"/etc/passwd
printf 'builder:x:1000:\n' >> "$root"/etc/group
printf 'builder:!:1:0:99999:7:::\n' >> "$root"/etc/shadow
if [ -e "$root"/etc/gshadow ]; then printf 'builder:!::\n' >> "$root"/etc/gshadow; fi
install -d -m 0755 "$root"/out "$root"/in "$root"/env "$root"/index "$root"/agent
install -d -m 1777 "$root"/build "$root"/tmp
"""
_SEAL = rf"""# Nothing in a container may gain privileges.
find "$root" -xdev -type f -perm /6000 -exec chmod ug-s '{{}}' +
# Times of files are clamped in the tar, so byte code must not depend on them.
find "$root"/usr -xdev -type d -name __pycache__ -prune -exec rm -rf '{{}}' +
if [ -x "$root"/usr/bin/python3 ]; then
  chroot "$root" env -i PATH={_PATH} LC_ALL=C.UTF-8 PYTHONHASHSEED=0 /bin/sh -c \
    'exec python3 -B -S -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3*'
fi
"""
CUSTOMIZE = _ROOT + _FORGET + _FURNISH + _SEAL
"""Shell that is run on the finished root file system, which is its `$1`."""

EXTEND = rf"""{_ROOT}# Nothing that is there may go, and nothing comes along that was not asked for.
chroot "$root" env -u TMPDIR HOME=/root PATH={_PATH} DEBIAN_FRONTEND=noninteractive \
  DEBCONF_NONINTERACTIVE_SEEN=true apt-get --yes --no-install-recommends --no-remove install \
  @PACKAGES@
{_FORGET}{_SEAL}"""
"""As `CUSTOMIZE`, for a root file system that was finished before and gets more packages."""


@dataclass(frozen=True)
class Host:
    """What a bootstrap needs to know about the machine it runs on."""

    is_root: bool
    environment: Mapping[str, str]
    scratch: Path
    """Where the root file system is put together, unless TMPDIR says; made where it is missing.

    A bootstrap without privileges runs as one of the user's subordinate users, to whom a home is
    closed on many systems: /var/tmp is taken then.
    """

    def running(self, platform: str) -> "Host":
        """The same host, for programs of a platform that may have to be emulated here."""
        return replace(
            self, environment={**self.environment, **dict(_emulator_variables(platform))}
        )

    def workplace(self) -> Path:
        """The folder that a bootstrap can work in."""
        scratch = Path(self.environment.get("TMPDIR") or self.scratch).absolute()
        scratch.mkdir(parents=True, exist_ok=True)
        return scratch if self.is_root or _is_open_to_others(scratch) else _OPEN_TO_ALL


def extension_digest(image: Digest, base: DebianBase, packages: tuple[str, ...]) -> Digest:
    """Names everything that makes an image with more packages, their versions aside.

    Args:
        image: the ID of the image that gets them.
        base: where the packages come from.
        packages: what is added.
    """
    content = {
        "components": base.components,
        "extend": EXTEND,
        "image": str(image),
        "layer": [layer.FORMAT, difference.FORMAT],
        "left_out": _left_out(base),
        "mirrors": base.mirrors,
        "packages": packages,
        "source_date_epoch": SOURCE_DATE_EPOCH,
        "suite": base.suite,
    }
    return Digest.of_bytes(json.dumps(content, sort_keys=True).encode())


def recipe_digest(recipe: ImageRecipe, base: DebianBase) -> Digest:
    """Names everything that the recipe and this module ask for, the packages' versions aside."""
    content = {
        "base": {
            "components": base.components,
            "mirrors": base.mirrors,
            "packages": sorted(base.packages),
            "suite": base.suite,
        },
        "customize": CUSTOMIZE,
        "layer": layer.FORMAT,
        "left_out": _left_out(base),
        "platform": recipe.platform,
        "source_date_epoch": SOURCE_DATE_EPOCH,
    }
    return Digest.of_bytes(json.dumps(content, sort_keys=True).encode())


def bootstrap_arguments(
    platform: str,
    base: DebianBase,
    *,
    is_root: bool,
    mirrors: tuple[str, ...] = (),
    transport: tuple[str, ...] = (),
) -> list[str]:
    """The command that writes a root file system to its standard output as a tar.

    Args:
        platform: what the image is for.
        base: suite and packages.
        is_root: root needs no user namespace; the bytes are the same.
        mirrors: instead of those that the recipe names.
        transport: lines of apt's configuration, such as a proxy.
    """
    return [
        *_shared_arguments("apt", platform, base, transport, is_root=is_root),
        f"--include={','.join(sorted(base.packages))}",
        f"--customize-hook={_emulated(CUSTOMIZE, platform)}",
        base.suite,
        "-",
        *(mirrors or base.mirrors),
    ]


def extension_arguments(
    platform: str,
    base: DebianBase,
    packages: tuple[str, ...],
    *,
    is_root: bool,
    mirrors: tuple[str, ...] = (),
    transport: tuple[str, ...] = (),
) -> list[str]:
    """The command that adds packages to a root file system, which it reads as a tar.

    What is there stays, in the versions that it has, unless a new package needs others.

    Args:
        platform: what the image is for.
        base: where the packages come from.
        packages: what to add.
        is_root: root needs no user namespace; the bytes are the same.
        mirrors: instead of those that the recipe names.
        transport: lines of apt's configuration, such as a proxy.
    """
    script = EXTEND.replace("@PACKAGES@", " ".join(packages))
    return [
        *_shared_arguments("custom", platform, base, transport, is_root=is_root),
        # From standard input: the user inside may not read files of the user outside.
        '--setup-hook=tar -C "$1" -x -p --numeric-owner',
        f"--customize-hook={_emulated(script, platform)}",
        base.suite,
        "-",
        *(mirrors or base.mirrors),
    ]


def _emulated(script: str, platform: str) -> str:
    """A script whose programs may be emulated; what they do is the same."""
    settings = "".join(f"{name}={value} " for name, value in _emulator_variables(platform))
    return script.replace("env -i ", f"env -i {settings}")


def _emulator_variables(platform: str) -> tuple[tuple[str, str], ...]:
    return EMULATOR_VARIABLES.get(ARCHITECTURES[platform], ())


def _shared_arguments(
    variant: str, platform: str, base: DebianBase, transport: tuple[str, ...], *, is_root: bool
) -> Iterator[str]:
    """How every root file system is made, whatever comes into it."""
    yield from ("mmdebstrap", "--verbose", f"--mode={'root' if is_root else 'unshare'}")
    yield from (f"--variant={variant}", "--format=tar")
    yield f"--architectures={ARCHITECTURES[platform]}"
    yield f"--components={','.join(base.components)}"
    yield from (f"--dpkgopt={option}" for option in _left_out(base))
    yield from (f"--aptopt={line}" for line in transport)


def _left_out(base: DebianBase) -> tuple[str, ...]:
    """What dpkg is told to leave out of the packages that it unpacks."""
    return (*_LEFT_OUT, *(f"path-exclude={path}" for path in base.without_files))


def bootstrap_environment(variables: Mapping[str, str], workplace: Path) -> dict[str, str]:
    """The whole environment of a bootstrap: nothing of the caller's but proxies and the like."""
    kept = {
        name: value
        for name, value in variables.items()
        if name.lower() in _PROXIES or name in {"HOME", "USER", "LOGNAME", "QEMU_CPU"}
    }
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PATH": _PATH,
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH),
        "TMPDIR": str(workplace),
    }


def transport_lines(dump: str) -> tuple[str, ...]:
    """What `apt-config dump` says about how to reach archives: proxies, certificates."""
    return tuple(line for line in dump.splitlines() if _TRANSPORT.fullmatch(line))


def step(line: str) -> str | None:
    """What a line of mmdebstrap's log is worth saying to someone who waits."""
    if match := _STEP.fullmatch(line):
        return match["text"] or match["package"]
    return None


def bootstrap(
    command: list[str],
    host: Host,
    output: Path,
    log: Path,
    progress: Progress,
    start: Path = Path(os.devnull),
) -> None:
    """Runs a bootstrap to its end.

    Args:
        command: from `bootstrap_arguments` or `extension_arguments`.
        host: this machine.
        output: the tar to write.
        log: takes everything that mmdebstrap and apt say; stays after a failure.
        progress: takes the lines worth showing.
        start: the tar to start with.

    Raises:
        ImageError: it failed; the message holds the last lines of the log.
        StorageError: the disk is full.
    """
    workplace = host.workplace()
    _require_space(workplace, output.parent)
    with (
        output.open("wb") as tar,
        log.open("w", encoding="utf-8") as record,
        start.open("rb") as read,
    ):
        try:
            process = subprocess.Popen(
                command,
                stdin=read,
                stdout=tar,
                stderr=subprocess.PIPE,
                env=bootstrap_environment(host.environment, workplace),
                encoding="utf-8",
                errors="replace",
            )
        except FileNotFoundError as error:
            raise ImageError(
                "mmdebstrap is not installed",
                hint="apt-get install mmdebstrap debian-archive-keyring uidmap",
            ) from error
        status = _follow(process, record.write, progress)
    if status != 0:
        raise diagnose(log, status, workplace)


def host_transport() -> tuple[str, ...]:
    """How this host's own apt is configured to reach archives."""
    apt_config = shutil.which("apt-config", path=_PATH)
    if apt_config is None:
        return ()
    dump = subprocess.run(
        [apt_config, "dump", "--format", '%f "%v";%n', "Acquire"],
        capture_output=True,
        text=True,
        check=False,
    )
    return transport_lines(dump.stdout)


def _follow(
    process: subprocess.Popen[str], record: Callable[[str], object], progress: Progress
) -> int:
    with process:
        try:
            for line in process.stderr or ():
                record(line)
                if text := step(line.rstrip()):
                    progress(text)
            return process.wait()
        except BaseException:
            # Asked to stop, mmdebstrap removes its root file system; killed, it leaves it.
            process.terminate()
            raise


def _is_open_to_others(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _require_space(*folders: Path) -> None:
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < _NEEDED_SPACE:
            raise StorageError(
                f"{folder} has {free >> 20} MiB left; a bootstrap needs {_NEEDED_SPACE >> 20} MiB",
                hint="free some space, or set TMPDIR and XDG_CACHE_HOME to folders on another disk",
            )

"""What this process was started in, as far as engines care: who calls, and from where."""

import hashlib
import os
import pwd
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from builder.errors import EngineError

_FALLBACK_FIRST = 0x70000000
"""Above what distributions hand out to users and what systemd takes for its containers."""

_RANGE = 65536
_USUAL_FIRST_SUB_ID = 100_000


@dataclass(frozen=True)
class Surroundings:
    """The caller, and the variables that say where engines listen."""

    user: int
    group: int
    variables: Mapping[str, str]
    home: Path
    """A home folder that is the caller's; `runuser` and `sudo` leave another one in `HOME`."""
    runtime_folder: Path | None
    """`XDG_RUNTIME_DIR` where it is the caller's; None leaves the choice to Podman."""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Self:
        """Looks at this process and at the variables it was given."""
        user = os.getuid()
        return cls(
            user,
            os.getgid(),
            variables,
            _home(user, variables.get("HOME", "")),
            _own_folder(user, variables.get("XDG_RUNTIME_DIR", "")),
        )

    @property
    def storage(self) -> Path:
        """Where a Podman service of our own keeps images and containers."""
        base = self.variables.get("XDG_CACHE_HOME", "")
        cache = self.variables.get("BUILDER_CACHE_DIR", "")
        usual = (Path(base) if base else self.home / ".cache") / "builder"
        return (Path(cache).absolute() if cache else usual) / "podman"

    @property
    def run_root(self) -> Path:
        """Where it keeps what may go at a reboot. Podman takes no path over 50 characters."""
        name = hashlib.sha256(str(self.storage).encode()).hexdigest()[:8]
        if self.is_root:
            return Path("/run/builder-containers") / name
        base = self.runtime_folder or _own_temporary_folder(self.user)
        return base / "builder" / name

    @property
    def is_root(self) -> bool:
        return self.user == 0

    @property
    def user_name(self) -> str:
        try:
            return pwd.getpwuid(self.user).pw_name
        except KeyError:
            return str(self.user)


def _own_temporary_folder(user: int) -> Path:
    folder = Path(tempfile.gettempdir()) / f"builder-run-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != user or not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022:
        raise EngineError(
            f"{folder} belongs to somebody else, or others can write to it",
            hint=f"remove {folder}, or set XDG_RUNTIME_DIR to a folder of your own",
        )
    return folder


def first_mapped_id(subuid: Path = Path("/etc/subuid"), subgid: Path = Path("/etc/subgid")) -> int:
    """The first host ID of the range that root's containers are mapped to.

    That is the range set aside for the user `containers`, if users and groups have the same one.
    """
    users, groups = (_set_aside(path, "containers") for path in (subuid, subgid))
    shared = next((first for first in users if first in groups), None)
    return _FALLBACK_FIRST if shared is None else shared


def check_mappable(first: int, uid_map: Path = Path("/proc/self/uid_map")) -> None:
    """Looks whether this process, which may be in a container itself, can map to the range.

    Raises:
        EngineError: it cannot.
    """
    for line in uid_map.read_text(encoding="ascii").splitlines():
        begin, _, size = map(int, line.split())
        if begin <= first and first + _RANGE <= begin + size:
            return
    raise EngineError(
        f"users {first} to {first + _RANGE - 1} do not exist in this user namespace",
        hint="name some that do: echo containers:100000:65536 | tee -a /etc/subuid /etc/subgid",
    )


def has_sub_ids(surroundings: Surroundings) -> bool:
    """Whether the caller may map other users; false also where only a name service would know."""
    names = (surroundings.user_name, str(surroundings.user))
    return all(
        any(_set_aside(Path(path), name) for name in names)
        for path in ("/etc/subuid", "/etc/subgid")
    )


def first_free_sub_id() -> int:
    """Where a range for one more user can begin without overlapping that of another one."""
    ends = (
        int(entry[1]) + int(entry[2])
        for path in ("/etc/subuid", "/etc/subgid")
        for entry in _sub_ids(Path(path))
    )
    return max(ends, default=_USUAL_FIRST_SUB_ID)


def _set_aside(path: Path, name: str) -> list[int]:
    return [
        int(first) for owner, first, size in _sub_ids(path) if owner == name and int(size) >= _RANGE
    ]


def _sub_ids(path: Path) -> list[tuple[str, str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    fields = (line.strip().split(":") for line in lines)
    return [
        (entry[0], entry[1], entry[2])
        for entry in fields
        if len(entry) == 3 and entry[1].isdigit() and entry[2].isdigit()
    ]


def _home(user: int, named: str) -> Path:
    if named and _own_folder(user, named):
        return Path(named)
    try:
        return Path(pwd.getpwuid(user).pw_dir)
    except KeyError:
        return Path(named or "/")


def _own_folder(user: int, named: str) -> Path | None:
    if not named:
        return None
    try:
        found = Path(named).stat()
    except OSError:
        return None
    usable = stat.S_ISDIR(found.st_mode) and found.st_uid == user and os.access(named, os.W_OK)
    return Path(named) if usable else None

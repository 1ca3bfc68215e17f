"""How much memory this machine has to give to builds."""

from pathlib import Path

_GIB = 1 << 30
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def available_memory_gb(
    meminfo: Path = Path("/proc/meminfo"), limits: tuple[Path, ...] = _CGROUP_LIMITS
) -> float:
    """What is free now, in GiB: what the kernel says, or the limit of our own control group.

    A gigabyte where nobody says anything.
    """
    known = [size for path in limits if (size := _number(path)) is not None]
    available = _from_meminfo(meminfo)
    if available is not None:
        known.append(available)
    return min(known) / _GIB if known else 1.0


def _from_meminfo(path: Path) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None  # `max`, or another kind of control group

"""Whether a wheel keeps what its manylinux or musllinux tags promise of the systems it runs on.

A tag such as `manylinux_2_28_x86_64` says that the wheel asks a system for nothing but certain
libraries, in versions that are old enough. Which these are is auditwheel's knowledge. What the
files ask for was read before: here nothing is run, and no file of this host is looked at.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from auditwheel.architecture import Architecture
from auditwheel.libc import Libc
from auditwheel.policy import Policy, WheelPolicies

from builder.inspect.collect import RefusedOutput
from builder.inspect.elf import ElfFile
from builder.inspect.machines import architecture_of

_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_NAME = re.compile(r"(?P<libc>many|musl)linux_(?P<major>\d+)_(?P<minor>\d+)")
_LINKERS = re.compile(r"ld-linux.*|ld64\.so\.[12]|rtld")
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")
_PARTS = re.compile(r"[._]")
_MOST_TOLD = 3
_HINT = (
    "a tag that its backend chose must be true: let it leave the plain tag linux_ARCH, and "
    "`repair: auto` in its settings choose one"
)

_Version = tuple[int, int]


def check_promises(platforms: Iterable[str], files: Sequence[ElfFile]) -> None:
    """Holds a wheel's ELF files to its manylinux and musllinux tags.

    Raises:
        RefusedOutput: a file asks for more than a tag allows.
    """
    for platform in platforms:
        architecture = architecture_of(platform)
        base = platform.removesuffix(f"_{architecture}")
        promised = _LEGACY.get(base)
        found = _NAME.fullmatch(base)
        if promised is None and found is None:
            continue
        musl = found is not None and found["libc"] == "musl"
        if found is not None:
            promised = int(found["major"]), int(found["minor"])
        broken = list(_broken(architecture, promised or (0, 0), files, musl=musl))
        if broken:
            rest = len(broken) - _MOST_TOLD
            more = "" if rest <= 0 else f"; {rest} more are alike"
            told = "; ".join(broken[:_MOST_TOLD])
            raise RefusedOutput(f"the tag {platform} is not true: {told}{more}", _HINT)


def policies_of(architecture: str) -> tuple[str, ...]:
    """The manylinux tags that wheels can be repaired to, without the architecture."""
    return tuple(f"manylinux_{major}_{minor}" for major, minor in sorted(_of_glibc(architecture)))


def _broken(
    architecture: str, promised: _Version, files: Sequence[ElfFile], *, musl: bool
) -> Iterator[str]:
    policy = _policy(architecture, promised, musl=musl)
    if policy is None:
        yield f"nothing is known of such systems for {architecture}"
        return
    brought = {
        one.soname for file in files if file.libraries for one in file.libraries.provides
    } | {file.name.rpartition("/")[2] for file in files}
    for file in files:
        if file.libraries is None:
            continue
        asked = [
            one
            for one in sorted(file.libraries.requires)
            if one.soname not in brought and not _LINKERS.fullmatch(one.soname)
        ]
        for one in asked:
            if not one.version and one.soname not in policy.whitelist:
                yield f"{file.name!r} needs {one.soname}, which not every such system has"
        newest: dict[str, str] = {}
        for one in sorted(asked, key=lambda one: _in_order(one.version)):
            if one.version and not _allows(policy, promised, one.version):
                newest[one.soname] = one.version
        for soname, version in sorted(newest.items()):
            yield f"{file.name!r} needs {version} of {soname}"


def _in_order(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _PARTS.split(version)]


def _allows(policy: Policy, promised: _Version, version: str) -> bool:
    of_glibc = _GLIBC.fullmatch(version)
    if of_glibc is not None and (int(of_glibc[1]), int(of_glibc[2])) > promised:
        return False
    family, _, rest = version.partition("_")
    known = policy.symbol_versions.get(family)
    return known is None or rest in known


def _of_musl(architecture: str, promised: _Version) -> Policy | None:
    # Named, so that nothing asks this host which musl it has.
    name = f"musllinux_{promised[0]}_{promised[1]}"
    try:
        machine = Architecture(architecture)
        return WheelPolicies(libc=Libc.MUSL, arch=machine, musl_policy=name).lowest
    except (AssertionError, IndexError, ValueError):
        return None


def _of_glibc(architecture: str) -> dict[_Version, Policy]:
    try:
        machine = Architecture(architecture)
    except ValueError:
        return {}
    every = WheelPolicies(libc=Libc.GLIBC, arch=machine)
    return {version: policy for policy in every if (version := _version(policy)) is not None}


def _policy(architecture: str, promised: _Version, *, musl: bool) -> Policy | None:
    """What is promised; for a version that no policy is for, that of the next one."""
    if musl:
        return _of_musl(architecture, promised)
    policies = _of_glibc(architecture)
    if not policies:
        return None
    return policies[min((one for one in policies if one >= promised), default=max(policies))]


def _version(policy: Policy) -> _Version | None:
    found = re.match(r"manylinux_(\d+)_(\d+)_", policy.name)
    return None if found is None else (int(found[1]), int(found[2]))

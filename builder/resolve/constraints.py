"""Constraints: one specifier for each project, from all that was said about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.digests import Digest
from builder.errors import ImpossibleError, InputError
from builder.resolve.requirements_file import RequirementLine
from builder.resolve.requirements_text import shown

_BLOCKED = SpecifierSet("<0")
_ENVIRONMENT = frozenset(
    {
        "implementation_name",
        "implementation_version",
        "os_name",
        "platform_machine",
        "platform_python_implementation",
        "platform_release",
        "platform_system",
        "platform_version",
        "python_full_version",
        "python_version",
        "sys_platform",
    }
)


@dataclass(frozen=True)
class Constraint:
    """What every release of one project must satisfy.

    Attributes:
        specifier: `<0` blocks the project.
        hashes: any of them may match; empty where none was given.
        origins: `file:line` of each constraint that took part.
    """

    specifier: SpecifierSet
    hashes: tuple[Digest, ...]
    origins: tuple[str, ...]


def merge_constraints(
    lines: Iterable[RequirementLine], environment: Mapping[str, str]
) -> dict[NormalizedName, Constraint]:
    """Joins the constraints that hold in an environment, sorted by name.

    Args:
        lines: as read from constraints files.
        environment: the full marker environment of the target; a partial one would let in the
            values of this host.

    Raises:
        InputError: a constraint has an extra, a URL or no version, or a marker that cannot be
            evaluated.
        ImpossibleError: constraints contradict each other.
        ValueError: `environment` is not complete.
    """
    if missing := _ENVIRONMENT - environment.keys():
        raise ValueError(f"the marker environment lacks {', '.join(sorted(missing))}")
    by_name: dict[NormalizedName, list[RequirementLine]] = {}
    for line in lines:
        _check(line)
        if _holds(line, environment):
            by_name.setdefault(canonicalize_name(line.requirement.name), []).append(line)
    return {name: _merge(name, by_name[name]) for name in sorted(by_name)}


def _check(line: RequirementLine) -> None:
    problem = ""
    if line.requirement.extras:
        problem = "a constraint has no extras"
    elif line.requirement.url:
        problem = "a constraint has no URL"
    elif not line.requirement.specifier:
        problem = "a constraint needs a version"
    if problem:
        message = f"{line.origin}: {problem}: {shown(str(line.requirement))}"
        raise InputError(message, hint="write NAME with a version, such as NAME<2")


def _holds(line: RequirementLine, environment: Mapping[str, str]) -> bool:
    if line.requirement.marker is None:
        return True
    try:
        return line.requirement.marker.evaluate({**environment, "extra": ""})
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        message = f"{line.origin}: the marker cannot be evaluated ({error}): {line.requirement}"
        raise InputError(message, hint="use the variables of PEP 508") from None


def _merge(name: NormalizedName, lines: list[RequirementLine]) -> Constraint:
    if _contradict(lines):
        raise _contradiction(name, lines)
    origins = tuple(it.origin for it in lines)
    return Constraint(_specifier(lines), _hashes(name, lines), origins)


def _specifier(lines: Sequence[RequirementLine]) -> SpecifierSet:
    joined = SpecifierSet()
    for line in lines:
        joined &= line.requirement.specifier
    return joined


def _contradict(lines: Sequence[RequirementLine]) -> bool:
    specifier = _specifier(lines)
    if specifier == _BLOCKED:
        return False
    return specifier.is_unsatisfiable() or any(it.requirement.specifier == _BLOCKED for it in lines)


def _hashes(name: NormalizedName, lines: list[RequirementLine]) -> tuple[Digest, ...]:
    with_hashes = [it for it in lines if it.hashes]
    if not with_hashes:
        return ()
    common = set(with_hashes[0].hashes).intersection(*(it.hashes for it in with_hashes))
    if not common:
        places = " and ".join(it.origin for it in with_hashes)
        message = f"the hashes that constrain {name} have none in common: {places}"
        raise ImpossibleError(message, hint="keep the hashes of one source archive")
    return tuple(sorted(common))


def _contradiction(name: NormalizedName, lines: list[RequirementLine]) -> ImpossibleError:
    guilty = next((pair for pair in _suspects(lines) if _contradict(pair)), tuple(lines))
    places = " and ".join(f"{it.requirement.specifier} ({it.origin})" for it in guilty)
    message = f"no release of {name} can satisfy its constraints: {places}"
    return ImpossibleError(message, hint="change or remove one of these lines")


def _suspects(lines: list[RequirementLine]) -> Iterable[tuple[RequirementLine, ...]]:
    yield from combinations(lines, 1)
    yield from combinations(lines, 2)

"""Finds every problem of a requirements or constraints file, instead of the first."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from packaging.utils import canonicalize_name

from builder.errors import InputError
from builder.resolve.requirements_file import ParsedRequirements, RequirementLine, read_requirements
from builder.resolve.requirements_text import shown

_CONSTRAINTS_SUFFIX = "constraints.txt"


@dataclass(frozen=True)
class Linted:
    """A file, and what is wrong with it.

    Attributes:
        parsed: what could be read.
        problems: each begins with its file and line.
    """

    parsed: ParsedRequirements
    problems: tuple[str, ...]


def lint_file(file: str, variables: Mapping[str, str], fetch: Callable[[str], bytes]) -> Linted:
    """Looks at a file and whatever it includes.

    A file whose name ends in `constraints.txt` holds constraints: those have a version, no extras
    and no URL, and each project stands there once for each marker.

    Args:
        file: a path.
        variables: the values for `${NAME}`.
        fetch: gets what is behind an included URL.
    """
    found: dict[str, None] = {}

    def note(error: InputError, origin: str) -> None:
        message = error.message
        found.setdefault(message if message.startswith(origin) else f"{origin}: {message}")

    is_constraints = PurePath(file).name.endswith(_CONSTRAINTS_SUFFIX)
    files, constraint_files = ((), (file,)) if is_constraints else ((file,), ())
    try:
        parsed = read_requirements(files, constraint_files, variables, fetch, note)
    except InputError as error:
        parsed = ParsedRequirements((), ())
        note(error, file)
    found.update(dict.fromkeys(_constraint_problems(parsed.constraints)))
    return Linted(parsed, tuple(found))


def _constraint_problems(lines: Iterable[RequirementLine]) -> Iterator[str]:
    first: dict[tuple[str, str], RequirementLine] = {}
    for line in lines:
        requirement = line.requirement
        key = (canonicalize_name(requirement.name), str(requirement.marker or ""))
        before = first.setdefault(key, line)
        if before is not line:
            yield f"{line.origin}: {requirement} stands here again, after {before.origin}"
        if requirement.extras:
            yield f"{line.origin}: a constraint has no extras: {requirement}"
        if requirement.url:
            yield f"{line.origin}: a constraint has no URL: {shown(str(requirement))}"
        elif not requirement.specifier:
            yield f"{line.origin}: a constraint needs a version: {requirement}"

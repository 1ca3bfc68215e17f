"""Requirements and constraints files, in pip's format."""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from builder.domain.digests import Digest
from builder.domain.repositories import GitReference, is_repository
from builder.errors import InputError
from builder.resolve.requirements_text import (
    Line,
    Option,
    Problem,
    decode,
    logical_lines,
    refuse,
    shown,
    split_options,
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ARCHIVE = re.compile(r"\.(whl|zip|tar(\.\w+)?|tgz|tbz|txz)$", re.IGNORECASE)
_MOST_BYTES = 16 << 20
_MOST_DEEP = 50

_VALUED = {
    "--requirement": "-r",
    "--constraint": "-c",
    "--index-url": "-i",
    "--extra-index-url": "",
    "--hash": "",
    "--editable": "-e",
    "--find-links": "-f",
    "--no-binary": "",
    "--only-binary": "",
    "--trusted-host": "",
    "--use-feature": "",
    "--config-settings": "-C",
    "--config-setting": "",
    "--global-option": "",
    "--install-option": "",
}
_SWITCHES = ("--require-hashes", "--no-index", "--pre", "--prefer-binary")
_SPELLINGS = (
    {long: (long, True) for long in _VALUED}
    | {short: (long, True) for long, short in _VALUED.items() if short}
    | {long: (long, False) for long in _SWITCHES}
    | {"--pypi-url": ("--index-url", True)}
)

_PATH_HINT = "name the project, or write NAME @ https://… or NAME @ git+https://…@COMMIT"
_INDEX_HINT = "make the files an index, and name it by --index-url=file:///FOLDER/simple/"
_SETTINGS_HINT = "write it into the settings of that package"
_SOURCE_HINT = "remove it: everything is built from source"
_UNNAMED_HINT = "write NAME @ git+https://HOST/PATH@REF ; MARKER, with NAME[EXTRA] for extras"
_CONSTRAINT_HINT = "write NAME with a version, such as NAME<2, and ask for the URL itself"
_UNSUPPORTED = {
    "--editable": "name the project, or write NAME @ git+https://HOST/PATH@COMMIT",
    "--find-links": _INDEX_HINT,
    "--no-index": _INDEX_HINT,
    "--only-binary": _SOURCE_HINT,
    "--prefer-binary": _SOURCE_HINT,
    "--pre": "name a pre-release in the requirement that may be one, such as NAME>=2.0a0",
    "--trusted-host": "add the host's authority to the system's trust store",
    "--use-feature": "remove it: it is about the inside of pip",
    "--config-settings": _SETTINGS_HINT,
    "--config-setting": _SETTINGS_HINT,
    "--global-option": _SETTINGS_HINT,
    "--install-option": _SETTINGS_HINT,
}


@dataclass(frozen=True)
class RequirementLine:
    """One requirement, and where it was asked for.

    Attributes:
        requirement: without the login of a repository.
        hashes: of the source archive; any of them may match. Empty where none was given.
        origin: `file:line`.
        repository: what its URL names, with the login, where that is a git repository.
    """

    requirement: Requirement
    hashes: tuple[Digest, ...]
    origin: str
    repository: GitReference | None = None


@dataclass(frozen=True)
class UnnamedLine:
    """A git repository without the name of the project in it; the rest as above."""

    repository: GitReference
    hashes: tuple[Digest, ...]
    origin: str


@dataclass(frozen=True)
class ParsedRequirements:
    """What some files ask for, with all that they include.

    Attributes:
        index_url: the last `--index-url`; may hold credentials.
        extra_index_urls: every `--extra-index-url`, in order; may hold credentials.
        require_hashes: whether a file wants every source archive to be named by digest.
        unnamed: requirements that name a repository instead of a project.
    """

    requirements: tuple[RequirementLine, ...]
    constraints: tuple[RequirementLine, ...]
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    require_hashes: bool = False
    unnamed: tuple[UnnamedLine, ...] = ()


def read_requirements(
    files: Iterable[str],
    constraint_files: Iterable[str],
    variables: Mapping[str, str],
    fetch: Callable[[str], bytes],
    problem: Problem = refuse,
) -> ParsedRequirements:
    """Reads files and whatever they include; each file counts once.

    A constraints file makes everything that it includes a constraint.

    Args:
        files: paths or URLs (`https`, `file`) of requirements files.
        constraint_files: the same for constraints.
        variables: the values for `${NAME}`.
        fetch: gets what is behind a URL.
        problem: what to do about a line that is not usable.

    Raises:
        InputError: a file or a line is not usable, or files include each other in a circle.
    """
    reading = _Reading(variables, fetch, problem)
    for file in files:
        reading.read(file, (), is_constraint=False)
    for file in constraint_files:
        reading.read(file, (), is_constraint=True)
    return reading.result()


def parse_requirement(text: str, origin: str) -> Requirement:
    """Reads one requirement from elsewhere, such as the command line, with the same messages.

    Raises:
        InputError: `text` is not a requirement with a name.
    """
    return _requirement(Line(origin, 0, text, text.strip()), text.strip(), where=origin).requirement


def parse_asked(text: str, origin: str) -> RequirementLine | UnnamedLine:
    """Reads one requirement from elsewhere, or a repository without a name.

    Raises:
        InputError: `text` is neither.
    """
    return _asked(Line(origin, 0, text, text.strip()), text.strip(), (), where=origin)


class _Reading:
    def __init__(
        self, variables: Mapping[str, str], fetch: Callable[[str], bytes], problem: Problem
    ) -> None:
        self._variables = variables
        self._fetch = fetch
        self._problem = problem
        self._seen: set[tuple[str, bool]] = set()
        self._requirements: list[RequirementLine] = []
        self._constraints: list[RequirementLine] = []
        self._index_url: str | None = None
        self._extra_index_urls: list[str] = []
        self._require_hashes = False
        self._unnamed: list[UnnamedLine] = []

    def result(self) -> ParsedRequirements:
        return ParsedRequirements(
            tuple(self._requirements),
            tuple(self._constraints),
            self._index_url,
            tuple(dict.fromkeys(self._extra_index_urls)),
            self._require_hashes,
            tuple(self._unnamed),
        )

    def read(self, file: str, including: tuple[str, ...], *, is_constraint: bool) -> None:
        key = _identity(file)
        if key in including:
            chain = " includes ".join(shown(it) for it in (*including[including.index(key) :], key))
            raise InputError(f"requirements files include each other: {chain}", hint="remove one")
        if len(including) >= _MOST_DEEP:
            message = f"requirements files include each other {_MOST_DEEP} levels deep"
            raise InputError(message, hint="put the requirements into fewer files")
        if (key, is_constraint) in self._seen:
            return
        self._seen.add((key, is_constraint))
        text = decode(self._content(file), file)
        for line in logical_lines(text, file, self._variables, self._problem):
            try:
                self._take(line, (*including, key), is_constraint=is_constraint)
            except InputError as error:
                self._problem(error, line.origin)

    def _take(self, line: Line, including: tuple[str, ...], *, is_constraint: bool) -> None:
        requirement, options = split_options(line, _SPELLINGS)
        if requirement:
            asked = _asked(line, requirement, _hashes(line, options))
            if isinstance(asked, RequirementLine):
                (self._constraints if is_constraint else self._requirements).append(asked)
            elif is_constraint:
                raise line.error("a constraint has no URL", _CONSTRAINT_HINT)
            else:
                self._unnamed.append(asked)
            return
        for option in options:
            self._apply(option, line, including, is_constraint=is_constraint)

    def _apply(
        self, option: Option, line: Line, including: tuple[str, ...], *, is_constraint: bool
    ) -> None:
        match option.name:
            case "--requirement" | "--constraint":
                kind = is_constraint or option.name == "--constraint"
                self.read(_beside(line, option.value), including, is_constraint=kind)
            case "--index-url":
                self._index_url = option.value
            case "--extra-index-url":
                self._extra_index_urls.append(option.value)
            case "--require-hashes":
                self._require_hashes = True
            case "--no-binary":
                pass
            case "--hash":
                raise line.error("there is no requirement before --hash", "join the two lines")
            case unsupported:
                raise line.error(f"{unsupported} is not supported", _UNSUPPORTED[unsupported])

    def _content(self, file: str) -> bytes:
        if scheme := _SCHEME.match(file):
            if scheme[1].lower() not in {"https", "file"}:
                message = f"requirements are not read over {scheme[1]}: {shown(file)}"
                raise InputError(message, hint="use https:// or a local file")
            content = self._fetch(file)
        else:
            try:
                with Path(file).open("rb") as opened:
                    content = opened.read(_MOST_BYTES + 1)
            except OSError as error:
                message = f"{file} could not be read: {error.strerror}"
                raise InputError(
                    message, hint="check the path; -r and -c are relative to their file"
                ) from None
            except ValueError:
                raise InputError(f"{file!r} is not a path", hint="check the path") from None
        if len(content) > _MOST_BYTES:
            message = f"{shown(file)} is longer than {_MOST_BYTES:,} bytes"
            raise InputError(message, hint="is this a requirements file?")
        return content


def _asked(
    line: Line, text: str, hashes: tuple[Digest, ...], where: str = ""
) -> RequirementLine | UnnamedLine:
    if not is_repository(text):
        return replace(_requirement(line, text, where), hashes=hashes)
    if re.search(r"[\s;]", text):
        message = f"{where or line.origin}: extras and markers need a name: {shown(line.written)}"
        raise InputError(message, hint=_UNNAMED_HINT)
    return UnnamedLine(_reference(line, text, where), hashes, where or line.origin)


def _requirement(line: Line, text: str, where: str = "") -> RequirementLine:
    place = where or line.origin
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        problem, hint = _diagnosis(text, str(error))
    else:
        if _ARCHIVE.search(requirement.name):
            problem, hint = "a local path is not supported", _PATH_HINT
        elif requirement.url is not None and is_repository(requirement.url):
            reference = _reference(line, requirement.url, where)
            requirement.url = str(reference)
            return RequirementLine(requirement, (), place, reference)
        elif requirement.url is not None and not _SCHEME.match(requirement.url):
            problem, hint = "a reference to a local path is not supported", _PATH_HINT
        else:
            return RequirementLine(requirement, (), place)
    raise InputError(f"{place}: {problem}: {shown(line.written)}", hint=hint)


def _reference(line: Line, text: str, where: str) -> GitReference:
    try:
        return GitReference.parse(text)
    except InputError as error:
        message = f"{where or line.origin}: {error.message}"
        raise InputError(message, hint=error.hint) from None


def _diagnosis(text: str, reason: str) -> tuple[str, str]:
    if _SCHEME.match(text):
        return "a URL without a name is not supported", "write NAME @ URL"
    bare = text.partition(";")[0].strip()
    if bare.startswith((".", "/", "~")) or "\\" in bare or _ARCHIVE.search(bare) or _is_path(bare):
        return "a local path is not supported", _PATH_HINT
    explanation = " ".join(reason.partition("\n")[0].split())
    return f"not a requirement ({explanation})", "write NAME, NAME[EXTRA]>=1.0, or NAME @ URL"


def _is_path(text: str) -> bool:
    return re.match(r"[^\s<>=!~@\[]+/", text) is not None


def _hashes(line: Line, options: Iterable[Option]) -> tuple[Digest, ...]:
    digests: dict[Digest, None] = {}
    for option in options:
        if option.name != "--hash":
            problem = f"{option.name} may not follow a requirement"
            hint = _UNSUPPORTED.get(option.name, "put it on a line of its own")
            raise line.error(problem, hint)
        algorithm, _, digits = option.value.partition(":")
        if algorithm != "sha256":
            hint = "write --hash=sha256: and 64 hexadecimal digits"
            raise line.error(f"only sha256 is supported, not {algorithm!r}", hint)
        try:
            digests[Digest.parse(digits)] = None
        except ValueError as error:
            raise line.error(str(error), "a sha256 has 64 hexadecimal digits") from None
    return tuple(digests)


def _identity(file: str) -> str:
    if _SCHEME.match(file):
        return file
    try:
        return str(Path(file).resolve())
    except (OSError, ValueError, RuntimeError):
        return file


def _beside(line: Line, name: str) -> str:
    """An included file, from where the including one is; what came from afar stays there."""
    base = _SCHEME.match(line.file)
    there = _SCHEME.match(name)
    if there is not None:
        if base is not None and base[1].lower() != there[1].lower():
            problem = f"a file from {base[1]} may not include one from {there[1]}"
            raise line.error(problem, "include from the same place, or give both files yourself")
        return name
    if base is None:
        return str(Path(line.file).parent / name)
    host, slash, path = line.file[base.end() :].partition("?")[0].partition("/")
    joined = posixpath.normpath(posixpath.join(slash + posixpath.dirname(path), name))
    return f"{base[0]}{host}/{joined.lstrip('/')}"

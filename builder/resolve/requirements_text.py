"""The lexical side of requirements files: bytes to logical lines, lines to options."""

import codecs
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from builder.errors import InputError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_FIRST_OPTION = re.compile(r"(?:^|\s)-")
# A password may hold what a URL should not: it ends with the last @ before the path, and where
# what seems to be a port is none, with the last one of all.
_USERINFO = re.compile(r"(?<=://)(?:[^/\s]*@|[^/\s]*:(?![0-9]{1,5}(?:[/\s]|$))\S*@)")


@dataclass(frozen=True)
class Line:
    """A logical line, after continuations were joined and comments cut.

    Attributes:
        file: the file as the user or an including file named it, found from here.
        number: where the line begins.
        written: before variables were filled in; what messages show, since values may be secret.
        text: after variables were filled in.
    """

    file: str
    number: int
    written: str
    text: str

    @property
    def origin(self) -> str:
        return f"{shown(self.file)}:{self.number}"

    def error(self, problem: str, hint: str) -> InputError:
        """What to raise for this line."""
        return InputError(f"{self.origin}: {problem}: {shown(self.written)}", hint=hint)


@dataclass(frozen=True)
class Option:
    """An option on a line, by its long name; `value` is empty for a switch."""

    name: str
    value: str


def shown(text: str) -> str:
    """The text without user names and passwords in URLs, cut where it is very long."""
    clean = _USERINFO.sub("", text)
    return clean if len(clean) <= 200 else clean[:200] + "…"


def decode(content: bytes, file: str) -> str:
    """Reads by byte order mark, else by a coding comment, else as UTF-8.

    Raises:
        InputError: the bytes are not text in that encoding.
    """
    encoding, start = "utf-8", 0
    for bom, name in _BOMS:
        if content.startswith(bom):
            encoding, start = name, len(bom)
            break
    else:
        for line in content.split(b"\n", 2)[:2]:
            if found := _CODING.match(line):
                encoding = found[1].decode("ascii")
                break
    try:
        return content[start:].decode(encoding)
    except (UnicodeError, LookupError) as error:
        message = f"{shown(file)} is not text in {encoding}: {error}"
        raise InputError(message, hint="save the file as UTF-8") from None


Problem = Callable[[InputError, str], None]
"""Is told of an error and the line that led to it; where it returns, the next line is read."""


def refuse(error: InputError, _origin: str) -> None:
    """Ends with the first error.

    Raises:
        InputError: always.
    """
    raise error


def logical_lines(
    text: str, file: str, variables: Mapping[str, str], problem: Problem = refuse
) -> Iterator[Line]:
    r"""Joins what ends in `\`, cuts comments, and fills in `${NAME}`; a variable may be missing."""
    for number, joined in _joined(text):
        written = _COMMENT.sub("", joined).strip()
        if written:
            line = Line(file, number, written, written)
            try:
                filled_in = _filled_in(line, variables)
            except InputError as error:
                problem(error, line.origin)
            else:
                yield replace(line, text=filled_in)


def split_options(
    line: Line, takes_value: Mapping[str, tuple[str, bool]]
) -> tuple[str, list[Option]]:
    """Parts a line into its requirement, which may be empty, and its options.

    Args:
        line: the line.
        takes_value: for each spelling of an option its long name and whether a value follows.

    Raises:
        InputError: an option is unknown or lacks its value.
    """
    found = _FIRST_OPTION.search(line.text)
    if found is None:
        return line.text, []
    try:
        words = shlex.split(line.text[found.start() :])
    except ValueError as error:
        raise line.error(
            f"the quotes do not match ({error})", "quote options as a shell does"
        ) from None
    return line.text[: found.start()].strip(), list(_options(words, line, takes_value))


def _joined(text: str) -> Iterator[tuple[int, str]]:
    pending: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        is_comment = line.lstrip().startswith("#")
        if not pending:
            first = number
        if line.endswith("\\") and not is_comment:
            pending.append(line.strip("\\"))
            continue
        # A comment within a continued line ends it, and must not stick to what is before.
        yield first, "".join([*pending, " " + line if is_comment else line])
        pending = []
    if pending:
        yield first, "".join(pending)


def _filled_in(line: Line, variables: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if not variables.get(found[1]):
            hint = f"set {found[1]} in the environment, or write the value into the file"
            raise line.error(f"the variable {found[1]} is not set", hint)
        return variables[found[1]]

    return _VARIABLE.sub(value, line.written)


def _options(
    words: list[str], line: Line, takes_value: Mapping[str, tuple[str, bool]]
) -> Iterator[Option]:
    rest = iter(words)
    for word in rest:
        spelling, value = _spelling(word)
        if spelling not in takes_value:
            if word.startswith("-"):
                raise line.error(f"{spelling} is not an option of requirements files", _OPTION_HINT)
            raise line.error(f"{shown(word)!r} stands after an option", _OPTION_HINT)
        name, has_value = takes_value[spelling]
        if not has_value:
            if value is not None:
                raise line.error(f"{name} takes no value", _OPTION_HINT)
            yield Option(name, "")
            continue
        value = next(rest, None) if value is None else value
        if not value:
            raise line.error(f"{name} needs a value", _OPTION_HINT)
        yield Option(name, value)


_OPTION_HINT = (
    "write one requirement or one option a line; --hash=sha256:… may follow a requirement"
)


def _spelling(word: str) -> tuple[str, str | None]:
    if word.startswith("--"):
        spelling, equals, value = word.partition("=")
        return spelling, value if equals else None
    return word[:2], word[2:] or None

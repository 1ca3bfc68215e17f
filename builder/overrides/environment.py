"""What `env` may say, and what it comes to: templates of environment variables."""

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

MAX_LENGTH = (128 << 10) - 1
"""What Linux takes as one variable: its name, the sign between, and its value, in bytes."""
MAX_NESTING = 20
VERSION = "__version__"

_TOKEN = re.compile(
    r"(?P<dollar>\$\$)"
    r"|\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?P<after>\}|:-)"
    r"|\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<brace>[{}])"
    r"|(?P<plain>[^${}]+)"
)
_POSIX_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Location = tuple[str, ...]


class MalformedTemplateError(ValueError):
    """Why a text is no template. The text itself is never told: it may hold a secret."""


class UnusableVariableError(ValueError):
    """Why a variable comes to nothing."""

    def __init__(self, variable: "Variable", reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.variable = variable
        self.hint = hint


@dataclass(frozen=True)
class Reference:
    """A name whose value stands here.

    Attributes:
        default: what stands here where the value is missing or empty; None where it must be there.
    """

    name: str
    default: "Template | None" = None


Template = tuple[str | Reference, ...]


@dataclass(frozen=True)
class Variable:
    """One line of an `env`.

    Attributes:
        place: its way in the document, such as `("variants", "cpu", "env", "CFLAGS")`.
    """

    name: str
    template: str
    place: Location = ()


@dataclass(frozen=True, repr=False)
class Known:
    """What templates may refer to, beside the variables above them.

    Attributes:
        own: what every build of the release has; wins over the host's.
        host: those of the host's variables that are let in.
        refused: the names of the host's other variables, for a hint.
    """

    own: Mapping[str, str]
    host: Mapping[str, str]
    refused: frozenset[str] = frozenset()


def parse_template(text: str) -> Template:
    """Reads `$NAME`, `${NAME}`, `${NAME:-default}` and `$$`; a default is a template again.

    Raises:
        MalformedTemplateError: it is none.
    """
    return _parsed(text, 0, 0).template


def expanded(variables: Iterable[Variable], known: Known) -> dict[str, str]:
    """The values of variables, each of which may refer to those above it; the last one counts.

    Raises:
        UnusableVariableError: a name means nothing, or a value is too long.
    """
    values: dict[str, str] = {}
    scope = ChainMap(values, dict(known.own), dict(known.host))
    for variable in variables:
        value = _value(parse_template(variable.template), scope)
        if isinstance(value, _Undefined):
            hint = _hint(value.name, scope, known.refused)
            raise UnusableVariableError(variable, f"{value.name} means nothing here", hint)
        flaw = _flaw(variable.name, value)
        if flaw:
            raise UnusableVariableError(variable, flaw)
        values[variable.name] = value
    return values


def let_in(host: Mapping[str, str], patterns: Iterable[str]) -> dict[str, str]:
    """The variables of the host that a pattern names; a `*` at its end stands for any rest."""
    allowed = tuple(patterns)
    return {
        name: value
        for name, value in host.items()
        if _POSIX_NAME.fullmatch(name) and any(_fits(name, pattern) for pattern in allowed)
    }


class _Parsed(NamedTuple):
    template: Template
    end: int


@dataclass(frozen=True)
class _Undefined:
    name: str


def _parsed(text: str, start: int, depth: int) -> _Parsed:
    """A template from a place on: to the end, or for a default, behind the brace that closes it."""
    if depth > MAX_NESTING:
        raise MalformedTemplateError("defaults stand too deep within each other")
    parts: list[str | Reference] = []
    at, braces = start, 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise MalformedTemplateError(_complaint(text, at))
        at = token.end()
        match token.lastgroup:
            case "after" if token["after"] == ":-":
                default, at = _parsed(text, at, depth + 1)
                parts.append(Reference(token["braced"], default))
            case "after" | "bare":
                parts.append(Reference(token["braced"] or token["bare"]))
            case "dollar":
                parts.append("$")
            case "brace" if depth and token["brace"] == "}" and not braces:
                return _Parsed(tuple(parts), at)
            case _:
                braces += {"{": 1, "}": -1}.get(token[0], 0)
                parts.append(token[0])
    if depth:
        raise MalformedTemplateError(f"the default at character {start + 1} has no closing brace")
    return _Parsed(tuple(parts), at)


def _complaint(text: str, at: int) -> str:
    match text[at + 1 : at + 2]:
        case "(":
            return "`$(` would run a command, which no value can do"
        case "{":
            return f"character {at + 1}: write ${{NAME}} or ${{NAME:-default}}"
        case _:
            return f"character {at + 1}: write a plain $ as $$"


def _value(template: Template, scope: Mapping[str, str]) -> str | _Undefined:
    """The text, or the beginning of one that is too long."""
    parts: list[str] = []
    length = 0
    for part in template:
        value = part if isinstance(part, str) else _referred(part, scope)
        if not isinstance(value, str):
            return value
        parts.append(value)
        length += len(value)
        if length > MAX_LENGTH:
            break
    return "".join(parts)


def _referred(reference: Reference, scope: Mapping[str, str]) -> str | _Undefined:
    value = scope.get(reference.name)
    if reference.default is not None:
        return value or _value(reference.default, scope)
    return _Undefined(reference.name) if value is None else value


def _flaw(name: str, value: str) -> str:
    try:
        length = len(f"{name}={value}".encode())
    except UnicodeEncodeError:
        return "its value is no UTF-8"
    return f"its value is longer than {MAX_LENGTH} bytes" if length > MAX_LENGTH else ""


def _hint(name: str, scope: Mapping[str, str], refused: frozenset[str]) -> str:
    if name == VERSION:
        return f"its hook has not told its version yet: write ${{{VERSION}:-…}} with a default"
    if name in refused:
        return f"let it in from this host: write {name} below external_commands: keep_env:"
    close = get_close_matches(name, scope, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return (
        f"set {name} above, or give it a default: ${{{name}:-…}}; a variable of this host "
        "must stand in external_commands.keep_env of settings.yaml"
    )


def _fits(name: str, pattern: str) -> bool:
    stem = pattern.removesuffix("*")
    return name == pattern if stem == pattern else name.startswith(stem)

"""The page of docs/reference that shows what plugins are written against."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass

from builder.overrides.plugins import shown_signature
from builder.plugins import values
from builder.plugins.decisions import DECISIONS, FROMAGER_NAMES
from builder.plugins.hooks import HOOKS

_SECTIONS = ("Args:", "Attributes:", "Returns:")
_HOOKS = {
    "post_build": "same name, fired by `bootstrap`, too",
    "prebuilt_wheel": "same name, fired by every command",
    "post_bootstrap": "same name, fired by every command",
}


def plugins_page(generated: str) -> str:
    """docs/reference/plugins.md."""
    return "\n".join(
        [
            "# Plugins",
            "",
            f"{generated} [Write a plugin](../how-to/write-a-plugin.md) shows each in use.",
            "",
            "## Decisions",
            "",
            "Functions of a module or an object that an entry point of the group",
            "`builder.overrides` names. Each is optional; they come up in this order.",
            "",
            *_functions(DECISIONS),
            "## Hooks",
            "",
            "Functions that entry points of the group `builder.hooks` name.",
            "",
            *_functions(HOOKS),
            "## Values",
            "",
            "All of them are in `builder.plugins.values`.",
            "",
            *_values(),
            "## From Fromager",
            "",
            "| Fromager | here |",
            "|---|---|",
            *(f"| `{old}` | `{new}` |" for old, new in FROMAGER_NAMES.items()),
            *(f"| hook `{name}` | {what} |" for name, what in _HOOKS.items()),
            "",
        ]
    )


def _functions(protocols: Mapping[str, type]) -> Iterator[str]:
    for name, protocol in protocols.items():
        yield f"### `{name}`"
        yield ""
        yield from _code(shown_signature(name, protocol))
        yield from _text(protocol)
        yield from _text(vars(protocol)["__call__"])


def _values() -> Iterator[str]:
    for name, value in vars(values).items():
        if not inspect.isclass(value) or value.__module__ != values.__name__:
            continue
        yield f"### `{name}`"
        yield ""
        if is_dataclass(value):
            fields = (f"    {line}" for line in _fields(value))
            yield from _code("\n".join([f"class {name}:", *fields]))
            yield from _text(value)
        else:
            yield from _text(value)
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield from _code(_method(method, function))
                    yield from _text(function)


def _fields(value: type) -> Iterator[str]:
    for name, parameter in inspect.signature(value).parameters.items():
        # Without the modules: the types have different names.
        kind = re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(parameter.annotation))
        given = '""' if parameter.default == "" else repr(parameter.default)
        default = "" if parameter.default is parameter.empty else f" = {given}"
        yield f"{name}: {kind}{default}"


def _method(name: str, function: object) -> str:
    class Shown:
        __call__ = function

    return shown_signature(name, Shown)


def _code(text: str) -> Iterator[str]:
    yield from ("```python", text, "```", "")


def _text(described: object) -> Iterator[str]:
    text = inspect.getdoc(described)
    if text and getattr(described, "__doc__", None):
        yield from (*_marked_up(text), "")


def _marked_up(text: str) -> Iterator[str]:
    """A docstring, with what it says of each name as a list."""
    section = ""
    for line in text.splitlines():
        if line in _SECTIONS:
            section = line
        elif line.startswith("     "):
            yield f"  {line.strip()}"
        elif line.startswith("    "):
            name, colon, rest = line.strip().partition(": ")
            said = f"`{name}`: {rest}" if colon else line.strip()
            yield f"- gives back: {said}" if section == "Returns:" else f"- {said}"
        elif line or section != "Args:":
            yield line

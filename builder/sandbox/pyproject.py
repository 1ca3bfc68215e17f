"""Changes what a source is built with in its pyproject.toml, and leaves the rest as it was."""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

FILE = "pyproject.toml"
TABLE = "build-system"
KEY = "requires"
MAX_BYTES = 4 << 20

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")


class UnusablePyprojectError(Exception):
    """A pyproject.toml cannot be changed, and why."""


def change(folder: str, update: Mapping[str, Sequence[str]], remove: Sequence[str]) -> None:
    """Changes `[build-system] requires` of a folder's pyproject.toml, which is made if missing.

    Args:
        folder: where the file is.
        update: by canonical name, the requirements that stand for a project from now on.
        remove: canonical names of projects that are required no more.

    Raises:
        UnusablePyprojectError: the file is not valid, or cannot be changed without changing more.
    """
    path = os.path.join(folder, FILE)
    text = _read(path)
    changed = changed_text(text, update, remove)
    if changed == text:
        print(f"{FILE} asks for the same already")
        return
    if os.path.islink(path):
        os.unlink(path)  # what it leads to may be another project's, too
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(changed)
    print(f"{FILE} asks for {tomllib.loads(changed)[TABLE][KEY]}")


def changed_text(text: str, update: Mapping[str, Sequence[str]], remove: Sequence[str]) -> str:
    """A pyproject.toml with its build requirements changed; the same text where none are.

    Raises:
        UnusablePyprojectError: as for `change`.
    """
    meant = _parsed(text)
    requires = _requires(meant)
    wanted = new_requires(requires, update, remove)
    if set(wanted) == set(requires):
        return text
    meant.setdefault(TABLE, {})[KEY] = wanted
    changed = _with_requires(text, wanted)
    if _parsed_safely(changed) != _comparable(meant):
        raise UnusablePyprojectError(f"{FILE} cannot be changed without changing more of it")
    return changed


def new_requires(
    requires: Sequence[str], update: Mapping[str, Sequence[str]], remove: Sequence[str]
) -> list[str]:
    """The build requirements that there are to be, sorted.

    setuptools is always among them unless it is removed or updated: that is how settings for
    Fromager are meant.
    """
    by_name: dict[str, list[str]] = {"setuptools": ["setuptools"]}
    for one in requires:
        by_name.setdefault(_project(one), []).append(one)
    for name in remove:
        by_name.pop(name, None)
    by_name.update({name: list(every) for name, every in update.items()})
    return sorted({one for every in by_name.values() for one in every})


def _read(path: str) -> str:
    if not os.path.lexists(path):
        return ""
    if not os.path.isfile(path):
        raise UnusablePyprojectError(f"{FILE} is no file")
    if os.path.getsize(path) > MAX_BYTES:
        raise UnusablePyprojectError(f"{FILE} is larger than {MAX_BYTES} bytes")
    with open(path, encoding="utf-8", newline="") as file:
        try:
            return file.read()
        except UnicodeDecodeError as error:
            raise UnusablePyprojectError(f"{FILE} is not valid: {error}") from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnusablePyprojectError(f"{FILE} is not valid: {error}") from error


def _requires(document: Mapping[str, Any]) -> list[str]:
    table = document.get(TABLE, {})
    requires = table.get(KEY, []) if isinstance(table, dict) else None
    if not isinstance(requires, list) or not all(isinstance(one, str) for one in requires):
        raise UnusablePyprojectError(f"{FILE} is not valid: [{TABLE}] {KEY} is no list of strings")
    return requires


def _with_requires(text: str, wanted: Sequence[str]) -> str:
    if text and not text.endswith("\n"):
        text += "\n"  # without it, tomlkit may damage the last table
    try:
        document = tomlkit.parse(text)
        if TABLE not in document:
            if text:
                document.add(tomlkit.nl())
            document.add(TABLE, tomlkit.table())
        array = tomlkit.array()
        array.extend(wanted)
        document[TABLE][KEY] = array.multiline(multiline=len(wanted) > 1)
        return tomlkit.dumps(document)
    except (TOMLKitError, RecursionError) as error:
        raise UnusablePyprojectError(f"{FILE} cannot be changed: {error}") from error


def _parsed_safely(text: str) -> str | None:
    try:
        return _comparable(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return None


def _comparable(document: Mapping[str, Any]) -> str:
    """Text that is the same for the same values; other than by ==, nan is like nan, 1 not 1.0."""
    return json.dumps(document, sort_keys=True, default=str)


def _project(requirement: str) -> str:
    """The canonical name (PEP 503); all of what is no requirement, which the host will refuse."""
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found is not None else requirement

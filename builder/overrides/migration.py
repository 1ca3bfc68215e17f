"""Turns the layout of Fromager 0.27 into one settings file for each package.

There, variables stood in `envs/VARIANT/NAME.env`, and everything else in one `settings.yaml`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import InvalidName, canonicalize_name
from pydantic import ValidationError

from builder.errors import InputError
from builder.overrides.checking import explain
from builder.overrides.documents import Document, read_document
from builder.overrides.names import override_name
from builder.overrides.problems import Problem, require_none
from builder.overrides.schema import PackageSettings

_MAX_ENV_BYTES = 1 << 20


@dataclass(frozen=True)
class Migrated:
    """The settings of one package in the new layout. `file` is its name alone."""

    file: str
    text: str


def migrated(envs_dir: Path, settings_file: Path) -> tuple[Migrated, ...]:
    """The new settings files, sorted by name; nothing is written.

    Raises:
        InputError: a file of the old layout cannot be used; every problem is named.
    """
    packages: dict[str, dict[str, Any]] = {}
    if settings_file.exists():
        _take_settings(settings_file, packages)
    if envs_dir.is_dir():
        _take_variables(envs_dir, packages)
    require_none(_problems(packages))
    return tuple(
        Migrated(f"{name}.yaml", yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
        for name, fields in sorted(packages.items())
        if fields
    )


def _take_settings(file: Path, packages: dict[str, dict[str, Any]]) -> None:
    document = read_document(file)
    if isinstance(document, Problem):
        require_none([document])
        return
    for name, fields in _table(document, "packages").items():
        if not isinstance(fields, dict | None):
            require_none([_misplaced(document, ("packages", name), "must hold fields")])
        packages.setdefault(_override(name, file), {}).update(fields or {})
    for variant, names in _table(document, "pre_built").items():
        if not isinstance(names, list | None) or not all(isinstance(it, str) for it in names or ()):
            require_none([_misplaced(document, ("pre_built", variant), "must be a list of names")])
        for name in names or ():
            _variant(packages, _override(name, file), variant)["pre_built"] = True


def _take_variables(folder: Path, packages: dict[str, dict[str, Any]]) -> None:
    for file in sorted(folder.glob("*/*.env")):
        variables = dict(_variables(file))
        if variables:
            name = _override(file.stem, file)
            env = _variant(packages, name, file.parent.name).setdefault("env", {})
            env.update(variables)


def _variables(file: Path) -> Iterator[tuple[str, str]]:
    try:
        if file.stat().st_size > _MAX_ENV_BYTES:
            raise InputError(f"{file}: is larger than {_MAX_ENV_BYTES >> 20} MiB")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            require_none([Problem(file, f"{text!r} is no NAME=VALUE", line=number)])
        yield name.strip(), value.strip()


def _table(document: Document, name: str) -> Mapping[str, Any]:
    content = {} if document.content is None else document.content
    if not isinstance(content, dict):
        require_none([Problem(document.file, "must hold fields, such as `packages:`", line=1)])
        return {}
    value = content.get(name)
    if not isinstance(value, dict | None):
        require_none([_misplaced(document, (name,), "must hold names")])
    return value or {}


def _variant(packages: dict[str, dict[str, Any]], name: str, variant: str) -> dict[str, Any]:
    variants = packages.setdefault(name, {}).setdefault("variants", {})
    fields: dict[str, Any] = variants.setdefault(variant, {})
    return fields


def _override(name: str, file: Path) -> str:
    try:
        return override_name(canonicalize_name(name, validate=True))
    except InvalidName as error:
        raise InputError(f"{file}: {name!r} is no name of a project") from error


def _misplaced(document: Document, location: tuple[str, ...], text: str) -> Problem:
    return Problem(document.file, text, field=".".join(location), line=document.line(location))


def _problems(packages: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    for name, fields in packages.items():
        try:
            PackageSettings.model_validate(fields)
        except ValidationError as error:
            document = Document(Path(f"{name}.yaml"), fields, None)
            for problem in explain(error, document, PackageSettings):
                yield replace(problem, file=f"{name}.yaml, as it would be written")

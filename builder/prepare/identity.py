"""What a source that no index named is called: the container's task, and what it answers."""

import json
import tomllib
from collections.abc import Mapping
from configparser import Error as UnreadableConfig
from configparser import RawConfigParser
from dataclasses import dataclass
from typing import Any, Literal

from packaging.metadata import parse_email
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict

from builder.prepare.task import UnusableSource


@dataclass(frozen=True)
class Identity:
    """What a source says of itself; None for what only its hooks can tell."""

    name: NormalizedName | None
    version: Version | None


class _Seen(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["seen"]
    pyproject: str | None
    pkg_info: str | None
    setup_cfg: str | None


def look_task(archive: str, build_dir: str = "") -> dict[str, object]:
    """What the agent is told.

    Args:
        archive: its name below /in.
        build_dir: the folder of the source that is built; empty for all of it.
    """
    return {"action": "look", "archive": archive, "build_dir": build_dir}


def read_identity(answer: bytes) -> Identity:
    """The name and the version, from the first of PKG-INFO, pyproject.toml and setup.cfg.

    Raises:
        UnusableSource: the archive was refused, or what it says is not valid.
    """
    seen = _seen(answer)
    try:
        pyproject = tomllib.loads(seen.pyproject or "")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnusableSource(f"pyproject.toml is not valid: {error}") from error
    stated = [_of_pkg_info(seen.pkg_info), _of_pyproject(pyproject), _of_setup_cfg(seen.setup_cfg)]
    names = [name for name, _ in stated if name]
    versions = [version for _, version in stated if version]
    try:
        return Identity(
            canonicalize_name(names[0], validate=True) if names else None,
            Version(versions[0]) if versions else None,
        )
    except (InvalidName, InvalidVersion) as error:
        raise UnusableSource(f"what the source says of itself: {error}") from error


def _seen(answer: bytes) -> _Seen:
    try:
        fields = json.loads(answer)
        reason = None if fields.get("status") == "seen" else fields.get("reason", "")
        seen = _Seen.model_validate(fields) if reason is None else None
    except (ValueError, AttributeError, RecursionError) as error:
        raise UnusableSource("the container left no usable result") from error
    if seen is None:
        raise UnusableSource(f"the source {reason or 'could not be read'}")
    return seen


def _of_pkg_info(text: str | None) -> tuple[str, str]:
    raw, _ = parse_email(text or "")
    return raw.get("name", ""), raw.get("version", "")


def _of_pyproject(pyproject: Mapping[str, Any]) -> tuple[str, str]:
    project = pyproject.get("project")
    if not isinstance(project, Mapping):
        # What Poetry had before there was a standard; it says all of it, or nothing.
        tool = pyproject.get("tool")
        poetry = tool.get("poetry") if isinstance(tool, Mapping) else None
        project = poetry if isinstance(poetry, Mapping) else {}
    return _text(project.get("name")), _text(project.get("version"))


def _of_setup_cfg(text: str | None) -> tuple[str, str]:
    config = RawConfigParser(strict=False)
    try:
        config.read_string(text or "")
    except (UnreadableConfig, ValueError):
        return "", ""
    version = config.get("metadata", "version", fallback="")
    is_static = not version.startswith(("attr:", "file:"))
    return config.get("metadata", "name", fallback=""), version if is_static else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

"""The preparing of a source: what the container is told, and what its answer means."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from builder.domain.core_metadata import (
    UnusableMetadataError,
    from_pkg_info,
    from_project_table,
    parse_requirements,
)
from builder.domain.customization import Preparation, RequirementChanges
from builder.domain.instructions import orders
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Pin
from builder.domain.repositories import is_provisional
from builder.domain.sources import BuildSystem

SOURCE_DATE_EPOCH = 315532800
"""1980-01-01, the first moment that a zip archive can name."""
PREPARED_ARCHIVE = "source.tar.gz"
MAX_ARCHIVE_BYTES = 8 << 30

# What stands for a missing [build-system] table or build-backend key (PEP 517, PEP 518).
_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
_LEGACY_REQUIRES = ("setuptools>=40.8.0",)


class UnusableSource(ValueError):  # noqa: N818 - a finding about what upstream made, not our error
    """The source archive cannot be built from, and why."""


class UnusablePatch(UnusableSource):
    """A patch does not fit the source archive, and where."""


class UnfitSetting(UnusableSource):
    """A setting of the package does not go with its source."""


@dataclass(frozen=True)
class PreparedSource:
    """What a prepared source says of itself, if it can.

    Attributes:
        compiled: the first of its files that are compiled, as upstream calls them.
        compiled_count: how many of them there are.
    """

    build_system: BuildSystem
    metadata: ReleaseMetadata | None
    compiled: tuple[str, ...] = ()
    compiled_count: int = 0


class _Prepared(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["prepared"]
    pyproject: str | None
    pkg_info: str | None
    has_setup: bool
    compiled: Annotated[
        list[Annotated[str, StringConstraints(max_length=1100)]], Field(max_length=20)
    ]
    compiled_count: int


class _Refused(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["refused", "broken"]
    reason: str


class _Unpatched(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    status: Literal["unpatched"]
    number: int
    reason: str


class _Undone(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    status: Literal["undone"]
    reason: str


class _Unfit(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    status: Literal["unfit"]
    setting: Literal["build_dir", "project_override"]
    reason: str


def top_folder(pin: Pin) -> str:
    """The one folder inside a rebuilt sdist, and where it is unpacked below /build."""
    return f"{pin.name.replace('-', '_')}-{pin.version}"


def prepare_task(
    pin: Pin, archive: str, preparation: Preparation, patches: Sequence[str] = ()
) -> dict[str, object]:
    """What the agent is told.

    Args:
        pin: the release.
        archive: its name below /in.
        preparation: what is done with it.
        patches: the names of its patches below /in, in order.
    """
    # Where the release is not known yet, what is told would be taken for the answer.
    is_known = not is_provisional(pin.version)
    return {
        "action": "prepare",
        "archive": archive,
        "patches": list(patches),
        "build_dir": preparation.build_dir,
        "requires": _changes(preparation.requires) if preparation.requires else None,
        "instructions": orders(preparation.instructions),
        "has_crates": preparation.vendoring.before_patches,
        "top": top_folder(pin),
        "epoch": SOURCE_DATE_EPOCH,
        "stub": {"name": pin.name, "version": str(pin.version)} if is_known else None,
    }


def read_answer(answer: bytes, pin: Pin, preparation: Preparation) -> PreparedSource:
    """What the prepared source says of its build system and, if it can, of its requirements.

    Args:
        answer: what the agent left.
        pin: the release that it was told to prepare.
        preparation: what it was told to do.

    Raises:
        UnusableSource: the archive was refused, or what it says is not valid.
        UnusablePatch: a patch does not fit.
        UnfitSetting: another setting does not.
    """
    patches = preparation.patches.apply
    try:
        prepared = _prepared(json.loads(answer), [patch.name for patch in patches])
    except UnusableSource:
        raise
    except (ValueError, AttributeError, RecursionError) as error:
        raise UnusableSource("the container left no usable result") from error
    pyproject = _pyproject(prepared)
    if patches or preparation.instructions:
        # Written when the archive was made: a patch may have changed what it was made from. Other
        # build requirements have not.
        prepared = prepared.model_copy(update={"pkg_info": None})
    try:
        return PreparedSource(
            _build_system(pyproject, prepared, preparation.build_dir),
            _static_metadata(pyproject, prepared, pin),
            tuple(prepared.compiled),
            prepared.compiled_count,
        )
    except UnusableMetadataError as error:
        raise UnusableSource(f"what the source says of itself: {error}") from error


def _changes(changes: RequirementChanges) -> dict[str, object]:
    update: dict[str, list[str]] = {}
    for requirement in changes.update:
        update.setdefault(canonicalize_name(requirement.name), []).append(str(requirement))
    return {"update": update, "remove": list(changes.remove)}


def _prepared(fields: dict[str, Any], patches: Sequence[str]) -> _Prepared:
    match fields.get("status"):
        case "prepared":
            return _Prepared.model_validate(fields)
        case "unpatched":
            failed = _Unpatched.model_validate(fields)
            if not 0 <= failed.number < len(patches):
                raise ValueError("there is no such patch")
            raise UnusablePatch(f"patch {patches[failed.number]} does not apply: {failed.reason}")
        case "undone":
            undone = _Undone.model_validate(fields)
            raise UnusableSource(f"what its plugin asks for: {undone.reason}")
        case "unfit":
            unfit = _Unfit.model_validate(fields)
            raise UnfitSetting(f"{unfit.setting}: {unfit.reason}")
        case _:
            raise UnusableSource(f"the source archive {_Refused.model_validate(fields).reason}")


def _pyproject(prepared: _Prepared) -> Mapping[str, Any]:
    try:
        return tomllib.loads(prepared.pyproject or "")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnusableSource(f"pyproject.toml is not valid: {error}") from error


def _build_system(pyproject: Mapping[str, Any], prepared: _Prepared, build_dir: str) -> BuildSystem:
    table = pyproject.get("build-system")
    if table is None:
        if not prepared.has_setup and "project" not in pyproject:
            lacks = "has no pyproject.toml with [build-system], and no setup.py"
            if build_dir:
                raise UnfitSetting(f"build_dir: {build_dir!r} {lacks}")
            raise UnusableSource(lacks)
        return BuildSystem(tuple(map(Requirement, _LEGACY_REQUIRES)), _LEGACY_BACKEND, ())
    if not isinstance(table, dict) or not isinstance(table.get("requires"), list):
        raise UnusableSource("pyproject.toml: [build-system] has no list named requires (PEP 518)")
    backend = table.get("build-backend", _LEGACY_BACKEND)
    if not isinstance(backend, str):
        raise UnusableSource("pyproject.toml: build-backend is no string")
    requires = parse_requirements(str(text) for text in table["requires"])
    return BuildSystem(requires, backend, _backend_path(table.get("backend-path", [])))


def _backend_path(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise UnusableSource("pyproject.toml: backend-path is no list of strings")
    for path in value:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise UnusableSource(
                f"pyproject.toml: backend-path {path!r} leaves the source (PEP 517)"
            )
    return tuple(value)


def _static_metadata(
    pyproject: Mapping[str, Any], prepared: _Prepared, pin: Pin
) -> ReleaseMetadata | None:
    if is_provisional(pin.version):
        return None  # only the hook can tell it
    if prepared.pkg_info is not None:
        found = from_pkg_info(prepared.pkg_info, pin)
        if found is not None:
            return found
    return from_project_table(pyproject, pin)

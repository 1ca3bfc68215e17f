"""`work-dir/build-times.json`: how long builds took, and what emulation had to do with it."""

import json
from typing import Annotated

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.domain.emulation import BuildTime, Factor, Timings
from builder.domain.releases import Pin
from builder.errors import InputError

FILE = "build-times.json"

_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Build(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: str
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    emulated: str = ""
    reused: bool = False


class _FixedWork(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    native_seconds: _Seconds
    emulated_seconds: _Seconds


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    builds: list[_Build]
    fixed_work: dict[str, _FixedWork] = {}


def build_times_json(timings: Timings) -> str:
    """The file's content: builds by name and version, those of one release in their order."""
    builds = sorted(timings.builds, key=lambda build: build.pin)
    content = _File(
        builds=[
            _Build(
                name=build.pin.name,
                version=str(build.pin.version),
                seconds=round(build.seconds, 3),
                emulated=build.emulated,
                reused=build.reused,
            )
            for build in builds
        ],
        fixed_work={
            architecture: _FixedWork(
                native_seconds=factor.native_seconds, emulated_seconds=factor.emulated_seconds
            )
            for architecture, factor in sorted(timings.factors.items())
        },
    )
    return json.dumps(content.model_dump(exclude_defaults=True), indent=2) + "\n"


def read_build_times(text: str, place: str) -> Timings:
    """What such a file says.

    Args:
        text: its content.
        place: its name, for the error.

    Raises:
        InputError: it says something else.
    """
    try:
        content = _File.model_validate_json(text)
        builds = tuple(
            BuildTime(
                Pin(canonicalize_name(build.name), Version(build.version)),
                build.seconds,
                build.emulated,
                build.reused,
            )
            for build in content.builds
        )
    except (ValidationError, InvalidVersion) as error:
        raise InputError(
            f"{place} does not say how long builds took: {error}", hint=f"remove {place}"
        ) from error
    factors = {
        architecture: Factor(it.native_seconds, it.emulated_seconds)
        for architecture, it in content.fixed_work.items()
    }
    return Timings(builds, factors)

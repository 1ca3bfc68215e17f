"""What is remembered about an image that was bootstrapped: `state.json` beside its layout."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from builder.domain.digests import Digest
from builder.domain.images import LayoutImage
from builder.images.layout import Layer, PlacedLayout, WrittenLayout, is_whole
from builder.images.packages import DebianPackage

_STATE_FILE = "state.json"
_LAYOUT = "layout"


@dataclass(frozen=True)
class Derived:
    """What an image was made from that is another one with more packages."""

    name: str
    """Of the other one."""
    image: Digest
    """The other one's ID."""
    added: tuple[str, ...]
    """What was asked for; what that depends on came along."""


@dataclass(frozen=True)
class ImageState:
    """A bootstrapped image, as it lies in the cache."""

    name: str
    recipe: Digest
    layout: WrittenLayout
    platform: str
    packages: tuple[DebianPackage, ...]
    seconds: float
    """How long the bootstrap took."""
    folder: Path
    derived: Derived | None = None

    @property
    def placed(self) -> PlacedLayout:
        """The image's layout."""
        return PlacedLayout(layout_folder(self.folder), self.layout)

    @property
    def image(self) -> LayoutImage:
        return LayoutImage(
            name=self.name,
            layout=layout_folder(self.folder),
            config=self.layout.config,
            diff_id=self.layout.diff_id,
            platform=self.platform,
            below=tuple(layer.diff_id for layer in self.layout.below),
        )


def state_folder(images: Path, name: str, recipe: Digest) -> Path:
    """Where an image lies once it is bootstrapped."""
    return images / f"{name}-{recipe.sha256[:12]}"


def layout_folder(folder: Path) -> Path:
    """The OCI layout inside a state's folder."""
    return folder / _LAYOUT


def write_state(state: ImageState) -> None:
    """Writes `state.json` into the state's folder."""
    record = _StateRecord(
        schema_version=1,
        name=state.name,
        recipe=str(state.recipe),
        config=str(state.layout.config),
        diff_id=str(state.layout.diff_id),
        platform=state.platform,
        size=state.layout.size,
        seconds=round(state.seconds, 1),
        packages=[str(package) for package in state.packages],
        below=[_LayerRecord(diff_id=str(it.diff_id), size=it.size) for it in state.layout.below],
        derived=_derived_record(state.derived),
    )
    text = json.dumps(record.model_dump(), indent=2)
    (state.folder / _STATE_FILE).write_text(f"{text}\n", encoding="utf-8")


def mark_used(state: ImageState) -> None:
    """Remembers that an image was used just now, by the time of its `state.json`."""
    with suppress(OSError):  # a cache that is read-only
        os.utime(state.folder / _STATE_FILE)


def last_used(state: ImageState) -> float:
    """When an image was made or used last, in seconds since 1970."""
    return (state.folder / _STATE_FILE).stat().st_mtime


def read_state(folder: Path) -> ImageState | None:
    """The image in a folder; None where there is none, or not a whole one."""
    try:
        text = (folder / _STATE_FILE).read_text(encoding="utf-8")
        record = _StateRecord.model_validate_json(text)
        state = _from_record(record, folder)
    except (OSError, ValidationError, ValueError):
        return None
    return state if is_whole(layout_folder(folder), state.layout) else None


@contextmanager
def locked(file: Path) -> Iterator[bool]:
    """Holds a lock that other processes see; yields at once, with whether it had to wait.

    The wait itself happens on the way in, after a first try that does not wait.
    """
    with file.open("a") as handle:
        waited = False
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            waited = True
            flock(handle, LOCK_EX)
        yield waited


class _LayerRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    diff_id: str
    size: int


class _DerivedRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    image: str
    added: list[str]


class _StateRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: Literal[1]
    name: str
    recipe: str
    config: str
    diff_id: str
    platform: str
    size: int
    seconds: float
    packages: list[str]
    below: list[_LayerRecord] = []
    derived: _DerivedRecord | None = None


def _derived_record(derived: Derived | None) -> _DerivedRecord | None:
    if derived is None:
        return None
    return _DerivedRecord(name=derived.name, image=str(derived.image), added=list(derived.added))


def _derived(record: _DerivedRecord | None) -> Derived | None:
    if record is None:
        return None
    return Derived(record.name, Digest.parse(record.image), tuple(record.added))


def _from_record(record: _StateRecord, folder: Path) -> ImageState:
    return ImageState(
        name=record.name,
        recipe=Digest.parse(record.recipe),
        layout=WrittenLayout(
            config=Digest.parse(record.config),
            diff_id=Digest.parse(record.diff_id),
            size=record.size,
            below=tuple(Layer(Digest.parse(it.diff_id), it.size) for it in record.below),
        ),
        platform=record.platform,
        packages=tuple(DebianPackage.parse(package) for package in record.packages),
        seconds=record.seconds,
        folder=folder,
        derived=_derived(record.derived),
    )

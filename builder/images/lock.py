"""`image.lock.json`: holds an image to the bytes that it had when it was locked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from builder.domain.digests import Digest
from builder.errors import ImageError, InputError, StorageError
from builder.images.packages import DebianPackage
from builder.images.state import ImageState

LOCK_FILE = "image.lock.json"
BOOTSTRAP_AGAIN = "bootstrap from an archive of the day it was locked (`mirror:` in image.yaml)"
"""How an image that is bootstrapped becomes what it was."""
BRING_ALONG = (
    "bring images/ of the cache along from where it was locked: no two builds of it are the same"
    " to the byte"
)
"""How an image becomes what it was that an engine made."""

_SHOWN_DIFFERENCES = 12


@dataclass(frozen=True)
class ImageLock:
    """What an image must be."""

    recipe: Digest
    config: Digest
    diff_id: Digest
    packages: tuple[DebianPackage, ...]


def lock_of(state: ImageState) -> ImageLock:
    """The lock that an image fits."""
    return ImageLock(
        recipe=state.recipe,
        config=state.layout.config,
        diff_id=state.layout.diff_id,
        packages=state.packages,
    )


def write_lock(lock: ImageLock, target: Path) -> None:
    """Writes a lock, replacing one that is there.

    Raises:
        StorageError: it cannot be written.
    """
    record = _LockRecord(
        schema_version=1,
        recipe=str(lock.recipe),
        config=str(lock.config),
        diff_id=str(lock.diff_id),
        packages=[str(package) for package in lock.packages],
    )
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_text(f"{json.dumps(record.model_dump(), indent=2)}\n", encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise StorageError(
            f"{target}: cannot be written: {error.strerror}",
            hint="give another path for the lock",
        ) from error


def read_lock(file: Path) -> ImageLock | None:
    """The lock in a file; None where there is no file.

    Raises:
        InputError: the file is no lock.
    """
    try:
        record = _LockRecord.model_validate_json(file.read_text(encoding="utf-8"))
        return _from_record(record)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError) as error:
        raise InputError(
            f"{file}: is not a lock of an image: {error}",
            hint=f"remove it, then write it again: builder image lock {file.parent.name}",
        ) from error


def require_locked(
    state: ImageState, lock: ImageLock, file: Path, regained: str = BOOTSTRAP_AGAIN
) -> None:
    """Checks that an image is the one that was locked.

    Args:
        state: the image.
        lock: what it must be.
        file: where the lock lies.
        regained: how one gets the locked image back.

    Raises:
        ImageError: it is another one; the message says in what.
    """
    if state.layout.config == lock.config:
        return
    differences = describe_differences(state, lock)
    raise ImageError(
        f"image {state.name!r} is not the one in {file}:\n"
        + "\n".join(f"  {line}" for line in differences),
        hint=(f"to accept it: builder image lock {state.name}; to get the locked one, {regained}"),
    )


def describe_differences(state: ImageState, lock: ImageLock) -> tuple[str, ...]:
    """What differs between an image and its lock, in lines."""
    lines = [f"ID {state.layout.config}, locked {lock.config}"]
    if state.recipe != lock.recipe:
        lines.append(
            "image.yaml, one that it extends, or the way this version of builder bootstraps, has"
            " changed"
        )
    changes = list(_package_changes(state.packages, lock.packages))
    if not changes:
        lines.append("the packages are the same")
    lines += changes[:_SHOWN_DIFFERENCES]
    if len(changes) > _SHOWN_DIFFERENCES:
        lines.append(f"and {len(changes) - _SHOWN_DIFFERENCES} more packages")
    return tuple(lines)


def _package_changes(
    present: Iterable[DebianPackage], locked: Iterable[DebianPackage]
) -> Iterable[str]:
    now = {(package.name, package.architecture): package.version for package in present}
    then = {(package.name, package.architecture): package.version for package in locked}
    for key in sorted(now.keys() | then.keys()):
        if now.get(key) != then.get(key):
            name, _ = key
            yield f"{name} {now.get(key, 'is missing')}, locked {then.get(key, 'without it')}"


class _LockRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1]
    recipe: str
    config: str
    diff_id: str
    packages: list[str]


def _from_record(record: _LockRecord) -> ImageLock:
    return ImageLock(
        recipe=Digest.parse(record.recipe),
        config=Digest.parse(record.config),
        diff_id=Digest.parse(record.diff_id),
        packages=tuple(DebianPackage.parse(package) for package in record.packages),
    )

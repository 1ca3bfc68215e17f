"""Puts finished files where others see them: whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


def publish_copy(source: Path, target: Path) -> None:
    """Copies a file to its place by way of a temporary name and an atomic rename."""
    with source.open("rb") as reader, _appearing(target) as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)


def publish_text(text: str, target: Path) -> None:
    """Writes a small file to its place by way of a temporary name and an atomic rename."""
    with _appearing(target) as writer:
        writer.write(text.encode())


@contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as writer:
            yield writer
            writer.flush()
            os.fsync(writer.fileno())
        temporary.chmod(0o644)
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

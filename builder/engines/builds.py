"""What both engines have in common when they make an image by a Containerfile."""

import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from builder.domain.derivations import BASE_ARGUMENT, Derivation
from builder.domain.digests import Digest
from builder.errors import ImageError, StorageError

CONTAINERFILE = "Containerfile"

# Both repeat the whole script that failed; it is in the Containerfile.
_SCRIPT = re.compile(r"building at STEP \".*\": |'/bin/sh -c .*' (?=returned)", re.DOTALL)
_IDENTIFIER = re.compile(r"(?:sha256:)?(?P<hex>[0-9a-f]{64})")


def context(derivation: Derivation) -> bytes:
    """What an engine is sent: the Containerfile and nothing else."""
    content = derivation.containerfile.encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(CONTAINERFILE)
        member.size = len(content)
        member.mode = 0o644
        tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def arguments(base: str, derivation: Derivation) -> dict[str, str]:
    """Every argument of the Containerfile."""
    return {**dict(derivation.arguments), BASE_ARGUMENT: base}


def follow(engine: str, answers: Iterable[dict[str, Any]], told: Callable[[str], None]) -> Digest:
    """Hands on what an engine says while it builds; returns the image's ID.

    Args:
        engine: `Podman` or `Docker`.
        answers: what it says, one object at a time.
        told: takes each line.

    Raises:
        ImageError: the build failed.
    """
    failure, found = "", None
    for answer in answers:
        failure = failure or str(answer.get("error") or "")
        text = str(answer.get("stream") or "")
        for line in text.splitlines():
            if line.strip():
                told(line.rstrip())
        named = str((answer.get("aux") or {}).get("ID") or text.strip())
        if match := _IDENTIFIER.fullmatch(named):
            found = Digest(match["hex"])
    if failure:
        raise ImageError(f"{engine} does not build it: {_SCRIPT.sub('', failure)}")
    if found is None:
        raise ImageError(f"{engine} does not say which image it built")
    return found


def objects(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    """Lines of JSON."""
    return (json.loads(line) for line in lines if line.strip())


def write_stream(chunks: Iterable[bytes], target: Path) -> None:
    """Writes a file as it comes.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        with target.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
    except OSError as error:
        raise StorageError(
            f"{target}: {error.strerror or error}",
            hint="check that the disk has space left and that the folder is yours",
        ) from error

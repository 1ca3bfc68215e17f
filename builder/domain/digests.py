"""Digests: how bytes are named."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class Digest:
    """A sha256 digest, as 64 lower-case hexadecimal digits."""

    sha256: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.sha256):
            raise ValueError(f"not a sha256 digest: {self.sha256!r}")

    def __str__(self) -> str:
        return f"sha256:{self.sha256}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `sha256:…` or the bare hexadecimal digits.

        Raises:
            ValueError: `text` is neither.
        """
        return cls(text.removeprefix("sha256:").lower())

    @classmethod
    def of_bytes(cls, content: bytes) -> Self:
        return cls(hashlib.sha256(content).hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> Self:
        with path.open("rb") as file:
            return cls(hashlib.file_digest(file, "sha256").hexdigest())

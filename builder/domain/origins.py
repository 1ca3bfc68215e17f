"""Where the user says that the source of a release is, instead of where an index has it."""

from dataclasses import dataclass

from builder.domain.digests import Digest
from builder.domain.repositories import GitReference


@dataclass(frozen=True)
class AtAddress:
    """A file. `digest` is None where nobody said what it must be."""

    url: str
    digest: Digest | None = None


@dataclass(frozen=True)
class AtState:
    """A state of a repository."""

    reference: GitReference


Origin = AtAddress | AtState

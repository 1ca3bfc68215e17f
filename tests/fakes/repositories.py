"""Git repositories from memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.repositories import NO_SUBMODULES, GitReference, Submodules
from builder.errors import InputError


@dataclass
class FakeRepositories:
    """The Repositories port.

    Attributes:
        commits: by `url@ref`, as a requirement names it, without a login.
        with_submodules: commits that lean on other repositories.
        fetched: what was asked for and is no commit, in order.
        archived: what was packed, in order.
    """

    commits: Mapping[str, str]
    with_submodules: frozenset[str] = frozenset()
    fetched: list[GitReference] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)

    def fetch(self, reference: GitReference) -> GitReference:
        if reference.is_commit:
            return reference
        self.fetched.append(reference)
        if str(reference) not in self.commits:
            raise InputError(f"git+{reference.url} has no {reference.ref!r}")
        return replace(reference, ref=self.commits[str(reference)])

    def archive(
        self,
        reference: GitReference,
        top: str,
        target: Path,
        submodules: Submodules = NO_SUBMODULES,
    ) -> Digest:
        commit = self.fetch(reference)
        self.archived.append(f"{top} of {commit}")
        assert not submodules.are_wanted, "nobody has any here"
        with target.open("x") as file:
            file.write(f"{top} of {commit}")
        return Digest.of_file(target)

    def has_submodules(self, reference: GitReference) -> bool:
        return reference.ref in self.with_submodules

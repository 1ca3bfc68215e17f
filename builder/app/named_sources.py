"""The repositories that packages name in their requirements: which may be, and what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from packaging.utils import NormalizedName

from builder.app.commits import check_name, pin_of
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import (
    AllowedRepositories,
    GitReference,
    is_provisional,
    is_repository,
)
from builder.errors import IndexUnreachableError, InputError
from builder.overrides.reading import Overrides
from builder.prepare.identity import Identity
from builder.resolve.problem import Named, Refused
from builder.resolve.requirements_text import shown


class Commits(Protocol):
    """Finds commits, and makes releases of them."""

    def at(self, reference: GitReference) -> GitReference: ...

    def identity(self, commit: GitReference, project: NormalizedName | None) -> Identity: ...

    def release(self, pin: Pin, commit: GitReference) -> Candidate: ...

    def tell_of_submodules(self, pin: Pin, commit: GitReference) -> None: ...


@dataclass(frozen=True)
class Policy:
    """What decides whether a source that a package names is used.

    Attributes:
        allowed: by the user.
        asked: what the user asked for; whoever names the same gets the same.
        goes_on: whether a repository that cannot be reached does not end the run.
    """

    allowed: AllowedRepositories
    asked: Mapping[NormalizedName, Candidate]
    goes_on: bool = False


class NamedSources:
    """Looks at sources that requirements name. Safe from several threads."""

    def __init__(self, commits: Commits, overrides: Overrides, policy: Policy) -> None:
        self._commits = commits
        self._overrides = overrides
        self._policy = policy

    def named(self, source: Named) -> Candidate | Refused:
        """The release that a source is; its version may be provisional.

        Raises:
            IndexUnreachableError: the repository cannot be had, and that ends the run.
        """
        try:
            reference = _reference(source)
            asked = self._policy.asked.get(source.project)
            if asked is not None:
                return self._as_asked(source, reference, asked)
            if reference not in self._policy.allowed:
                return _not_allowed(source, reference)
            commit = self._commits.at(reference)
            identity = self._commits.identity(commit, source.project)
            pin = pin_of(reference, commit, identity, source.project)
            self._commits.tell_of_submodules(pin, commit)
            return self._release(source, pin, commit)
        except InputError as error:
            return Refused(error.message, error.hint)
        except IndexUnreachableError as error:
            if not self._policy.goes_on:
                raise
            return Refused(error.message, error.hint)

    def told(self, candidate: Candidate, source: Named, pin: Pin) -> Candidate | Refused:
        """The same release under the name and version that its hooks have told."""
        try:
            check_name(_reference(source), pin.name, source.project)
            return self._release(source, pin, GitReference.parse(candidate.source))
        except InputError as error:
            return Refused(error.message, error.hint)

    def _as_asked(
        self, source: Named, reference: GitReference, asked: Candidate
    ) -> Candidate | Refused:
        """What the user asked for holds for everyone, so it must be the same commit."""
        own = GitReference.parse(asked.source)
        if reference.url == own.url and self._commits.at(reference).ref == own.ref:
            return asked
        return Refused(
            f"{source} is not what you ask for, {own}",
            f"ask for {source} yourself, or for a release that does not name it",
        )

    def _release(self, source: Named, pin: Pin, commit: GitReference) -> Candidate | Refused:
        if not is_provisional(pin.version) and self._overrides.pre_built(pin) is not None:
            return Refused(
                f"{source} names a repository, and the settings have the wheel of {pin} taken "
                "from an index",
                "take pre_built out of its settings",
            )
        return self._commits.release(pin, commit)


def _reference(source: Named) -> GitReference:
    if not is_repository(source.url):
        raise InputError(
            f"{shown(str(source))} names a URL that leads to no git repository",
            hint="constrain whoever requires it to a release that names none; "
            "`download_source` in settings takes a source from a URL",
        )
    reference = GitReference.parse(source.url)
    if reference.login is not None:
        raise InputError(
            f"{source.project} @ {reference} is named with a login",
            hint=f"ask for {source.project} @ {reference} yourself, with a login of your own",
        )
    return reference


def _not_allowed(source: Named, reference: GitReference) -> Refused:
    return Refused(
        f"{reference.url} is no repository that packages may name",
        f"allow it with --allow-git {reference.url}, or under git.allow in settings.yaml; or ask "
        f"for '{source.project} @ {reference}' yourself",
    )

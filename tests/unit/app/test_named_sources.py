"""Repositories that packages name are used where the user lets them, and are the same for all."""

from dataclasses import dataclass, field

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.app.named_sources import NamedSources, Policy
from builder.domain.digests import Digest
from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import AllowedRepositories, GitReference
from builder.errors import IndexUnreachableError
from builder.indexes.with_repositories import packed_file
from builder.overrides.reading import Overrides
from builder.prepare.identity import Identity
from builder.resolve.problem import Named, Refused
from tests.facts import pin
from tests.fakes.repositories import FakeRepositories

LIB = NormalizedName("lib")
URL = "git+https://git.example/team/lib@v2"
COMMITS = {URL: "2" * 40, "git+https://git.example/team/lib@main": "3" * 40}


@dataclass
class _Commits:
    says: Identity = field(default_factory=lambda: Identity(None, None))
    reaches: bool = True
    told_of: list[str] = field(default_factory=list)

    def at(self, reference: GitReference) -> GitReference:
        if not self.reaches:
            raise IndexUnreachableError("nobody is there")
        return FakeRepositories(COMMITS).fetch(reference)

    def identity(self, commit: GitReference, project: NormalizedName | None) -> Identity:
        assert commit.is_commit
        assert project == LIB
        return self.says

    def release(self, pin: Pin, commit: GitReference) -> Candidate:
        file = packed_file(pin, commit, Digest.of_bytes(b""))
        return Candidate(pin, file, (), SpecifierSet(), None, commit.url)

    def tell_of_submodules(self, pin: Pin, commit: GitReference) -> None:
        self.told_of.append(f"{pin} {commit.ref}")


def sources(
    commits: _Commits | None = None,
    *allowed: str,
    asked: Candidate | None = None,
    overrides: Overrides | None = None,
    goes_on: bool = False,
) -> NamedSources:
    policy = Policy(
        AllowedRepositories.parse(allowed), {} if asked is None else {LIB: asked}, goes_on=goes_on
    )
    return NamedSources(commits or _Commits(), overrides or Overrides("cpu"), policy)


def refusal(found: Candidate | Refused) -> Refused:
    assert isinstance(found, Refused), found
    return found


def test_what_is_allowed_is_looked_up_and_called_as_it_says_or_as_its_tag_does() -> None:
    commits = _Commits(Identity(LIB, pin("lib==2.5").version))

    stated = sources(commits, "https://git.example/team/").named(Named(LIB, URL))
    tagged = sources(None, "https://git.example/").named(Named(LIB, URL))

    assert isinstance(stated, Candidate)
    assert (str(stated.pin), stated.source) == ("lib==2.5", f"{URL[:-3]}@{'2' * 40}")
    assert commits.told_of == [f"lib==2.5 {'2' * 40}"]
    assert isinstance(tagged, Candidate)
    assert str(tagged.pin) == "lib==2"


def test_what_no_file_states_is_provisional_until_it_is_told() -> None:
    allowed = sources(None, "https://git.example/")
    named = Named(LIB, "git+https://git.example/team/lib@main")

    provisional = allowed.named(named)
    assert isinstance(provisional, Candidate)
    told = allowed.told(provisional, named, pin("lib==3.dev1"))
    other = allowed.told(provisional, named, pin("other==1"))

    assert str(provisional.pin) == f"lib==0+git.{'3' * 12}"
    assert isinstance(told, Candidate)
    assert (str(told.pin), told.source) == ("lib==3.dev1", provisional.source)
    assert "holds other, not lib" in refusal(other).reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (URL, "https://git.example/team/lib is no repository that packages may name"),
        ("https://git.example/lib-1.0.tar.gz", "leads to no git repository"),
        ("file:///etc/passwd", "leads to no git repository"),
        ("git+https://me:secret@git.example/team/lib@v2", "named with a login"),
        ("git+ext://sh%20-c%20true", "names no repository that may be asked"),
        ("git+http://git.example/team/lib@v2", "would come in the clear"),
        ("git+https://git.example/team/lib@v2#egg=lib", "has a fragment"),
    ],
)
def test_what_is_not_allowed_or_no_repository_is_refused_unasked(url: str, reason: str) -> None:
    found = refusal(sources(_Commits(reaches=False)).named(Named(LIB, url)))

    assert reason in found.reason
    assert found.hint
    assert "secret" not in found.reason + found.hint


def test_refs_and_names_that_are_not_there_are_refusals() -> None:
    allowed = sources(_Commits(Identity(NormalizedName("other"), None)), "https://git.example/")

    assert "has no 'v9'" in refusal(allowed.named(Named(LIB, f"{URL[:-3]}@v9"))).reason
    assert "holds other, not lib" in refusal(allowed.named(Named(LIB, URL))).reason


def test_what_the_user_asks_for_is_what_all_get() -> None:
    asked = _Commits().release(pin("lib==2"), GitReference.parse(f"{URL[:-3]}@{'2' * 40}"))
    named = sources(None, asked=asked)

    same = named.named(Named(LIB, URL))
    another = named.named(Named(LIB, "git+https://git.example/team/lib@main"))
    elsewhere = sources(None, "https://git.example/", asked=asked).named(
        Named(LIB, "git+https://git.example/fork/lib@v2")
    )

    assert same == asked
    assert "is not what you ask for" in refusal(another).reason
    assert "is not what you ask for" in refusal(elsewhere).reason


def test_a_repository_that_cannot_be_reached_ends_the_run_but_in_test_mode() -> None:
    named = Named(LIB, URL)

    with pytest.raises(IndexUnreachableError):
        sources(_Commits(reaches=False), "https://git.example/").named(named)
    tolerant = sources(_Commits(reaches=False), "https://git.example/", goes_on=True)

    assert refusal(tolerant.named(named)).reason == "nobody is there"

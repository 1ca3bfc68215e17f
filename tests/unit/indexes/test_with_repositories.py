"""Commits stand in for what an index has of some projects, and for nothing else."""

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.domain.digests import Digest
from builder.domain.releases import Candidate, ProjectPage
from builder.domain.repositories import GitReference
from builder.errors import DigestMismatchError
from builder.indexes.with_repositories import IndexWithRepositories, packed_file
from tests.facts import pin
from tests.fakes.index import FakeIndex, FakeRelease
from tests.fakes.repositories import FakeRepositories

COMMIT = GitReference("https://git.example/a", "1" * 40)
A, B, C = (canonicalize_name(name) for name in "abc")
RIGHT = Digest.of_bytes(f"some_a-1.0 of {COMMIT}".encode())


def candidate(digest: Digest | None = RIGHT) -> Candidate:
    file = packed_file(pin("some-a==1.0"), COMMIT, digest)
    return Candidate(pin("a==1.0"), file, (), SpecifierSet(), None, COMMIT.url)


@pytest.fixture
def usual() -> FakeIndex:
    return FakeIndex([FakeRelease("a", "2.0"), FakeRelease("b", "1.0"), FakeRelease("c", "1.0")])


@pytest.fixture
def index(usual: FakeIndex) -> IndexWithRepositories:
    return IndexWithRepositories(usual, FakeRepositories({}), {A: candidate(), C: None})


def test_a_project_of_a_repository_has_that_release_alone(
    index: IndexWithRepositories, usual: FakeIndex
) -> None:
    assert index.project(A) == ProjectPage(A, (candidate(),))
    assert index.project(B) == usual.project(B)
    assert usual.asked == [B, B]


def test_a_project_whose_version_is_not_known_yet_has_none(index: IndexWithRepositories) -> None:
    page = index.project(C)

    assert isinstance(page, ProjectPage)
    assert page.candidates == ()
    assert "name it by a tag" in page.notes[0]


def test_a_commit_is_packed_below_the_name_of_its_file_and_held_to_its_digest(
    index: IndexWithRepositories, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"

    assert index.fetch(candidate().sdist, good, lambda _count: None) == RIGHT
    with pytest.raises(DigestMismatchError, match="is not the promised file"):
        index.fetch(candidate(Digest("0" * 64)).sdist, bad, lambda _count: None)

    assert good.read_text() == f"some_a-1.0 of {COMMIT}"
    assert not bad.exists()


def test_files_of_indexes_come_from_there(
    index: IndexWithRepositories, usual: FakeIndex, tmp_path: Path
) -> None:
    index.fetch(FakeRelease("b", "1.0").candidate.sdist, tmp_path / "b", lambda _count: None)

    assert usual.fetched == ["b-1.0.tar.gz"]

"""Source archives in the downloads folder are the promised ones, however they came there."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.domain.releases import Candidate
from builder.errors import DigestMismatchError, InputError, StorageError
from builder.fetch.sources import fetch_source
from tests.fakes.index import FakeIndex, FakeRelease

RELEASE = FakeRelease("Foo.Bar", "1.0", sdist=b"content")
CANDIDATE = RELEASE.candidate
DIGEST = Digest.of_bytes(b"content")
OTHER = Digest("0" * 64)


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex([RELEASE])


def without_digest(candidate: Candidate) -> Candidate:
    return replace(candidate, sdist=replace(candidate.sdist, digest=None))


def test_an_archive_keeps_the_name_the_index_gives_it(index: FakeIndex, tmp_path: Path) -> None:
    came: list[int] = []

    source = fetch_source(index, CANDIDATE, tmp_path / "a/b", progress=came.append)

    assert source.path == tmp_path / "a/b/foo_bar-1.0.tar.gz"
    assert source.path.read_bytes() == b"content"
    assert (source.pin, source.digest, source.url) == (CANDIDATE.pin, DIGEST, CANDIDATE.sdist.url)
    assert not source.reused
    assert came == [7]


def test_the_same_archive_is_not_fetched_twice(index: FakeIndex, tmp_path: Path) -> None:
    fetch_source(index, CANDIDATE, tmp_path)

    assert fetch_source(index, CANDIDATE, tmp_path).reused
    assert index.fetched == ["foo_bar-1.0.tar.gz"]


def test_another_archive_of_that_name_is_replaced(index: FakeIndex, tmp_path: Path) -> None:
    (tmp_path / "foo_bar-1.0.tar.gz").write_bytes(b"damaged")

    source = fetch_source(index, CANDIDATE, tmp_path)

    assert source.path.read_bytes() == b"content"
    assert not source.reused


def test_a_link_of_that_name_is_replaced_and_not_followed(index: FakeIndex, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"content")
    (tmp_path / "foo_bar-1.0.tar.gz").symlink_to("elsewhere")

    source = fetch_source(index, CANDIDATE, tmp_path)

    assert not source.path.is_symlink()
    assert not source.reused


def test_a_folder_of_that_name_is_an_error(index: FakeIndex, tmp_path: Path) -> None:
    (tmp_path / "foo_bar-1.0.tar.gz").mkdir()

    with pytest.raises(StorageError):
        fetch_source(index, CANDIDATE, tmp_path)


def test_any_of_the_required_digests_may_match(index: FakeIndex, tmp_path: Path) -> None:
    assert fetch_source(index, CANDIDATE, tmp_path, [OTHER, DIGEST]).digest == DIGEST


def test_an_archive_that_the_user_does_not_allow_is_not_even_fetched(
    index: FakeIndex, tmp_path: Path
) -> None:
    with pytest.raises(DigestMismatchError, match=r"foo_bar-1\.0\.tar\.gz") as caught:
        fetch_source(index, CANDIDATE, tmp_path, [OTHER])

    assert str(OTHER) in caught.value.hint
    assert index.fetched == []


def test_the_users_digest_stands_in_for_a_missing_one(index: FakeIndex, tmp_path: Path) -> None:
    candidate = without_digest(CANDIDATE)

    assert fetch_source(index, candidate, tmp_path / "a", [DIGEST]).digest == DIGEST
    with pytest.raises(DigestMismatchError):
        fetch_source(index, candidate, tmp_path / "b", [OTHER])


@pytest.mark.parametrize("required", [[], [DIGEST, OTHER]])
def test_an_archive_without_one_digest_is_refused(
    index: FakeIndex, tmp_path: Path, required: list[Digest]
) -> None:
    with pytest.raises(InputError, match="no sha256") as caught:
        fetch_source(index, without_digest(CANDIDATE), tmp_path, required)

    assert "--hash" in caught.value.hint


@pytest.mark.parametrize("name", ["../x.tar.gz", "/x.tar.gz", ".x.tar.gz", "", "x\n.tar.gz"])
def test_a_name_that_leaves_the_folder_is_refused(
    index: FakeIndex, tmp_path: Path, name: str
) -> None:
    candidate = replace(CANDIDATE, sdist=replace(CANDIDATE.sdist, filename=name))

    with pytest.raises(InputError, match="an index names a file"):
        fetch_source(index, candidate, tmp_path)

"""Constraints may come from a URL."""

from pathlib import Path

import pytest

from builder.errors import IndexUnreachableError, InputError
from builder.indexes.documents import read_document
from builder.indexes.transport import Limits


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_bytes(b"foo<2")

    assert read_document((tmp_path / "a b.txt").as_uri()) == b"foo<2"


def test_a_file_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(IndexUnreachableError, match=r"gone\.txt answered with status 404"):
        read_document((tmp_path / "gone.txt").as_uri())


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"foo<2")

    with pytest.raises(IndexUnreachableError, match="longer than 4 bytes"):
        read_document((tmp_path / "a.txt").as_uri(), Limits(metadata_bytes=4))


def test_unprotected_urls_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        read_document("http://me:s3cret@index.example/c.txt")

    assert "s3cret" not in caught.value.message


def test_a_host_that_is_not_there_is_unreachable_and_its_password_stays_hidden() -> None:
    with pytest.raises(IndexUnreachableError) as caught:
        read_document("https://me:s3cret@127.0.0.1:9/c.txt", Limits(retries=0))

    assert "s3cret" not in caught.value.message

"""The store gives back what was put in, or nothing."""

from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.errors import StorageError
from builder.stores.files import FileStore

KEY = Digest("a" * 64)


def test_what_was_put_in_comes_back(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    store = FileStore(tmp_path / "store")

    path = store.path(store.put(tmp_path / "file"))

    assert path is not None
    assert path.read_text() == "text"


def test_a_changed_file_is_noticed_and_can_be_put_in_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    digest = FileStore(tmp_path / "store").put(tmp_path / "file")
    path = FileStore(tmp_path / "store").path(digest)
    assert path is not None
    path.chmod(0o644)
    path.write_text("evil")

    later = FileStore(tmp_path / "store")

    assert later.path(digest) is None
    assert later.put(tmp_path / "file") == digest
    assert later.path(digest) is not None


def test_results_of_earlier_runs_count_only_if_they_may(tmp_path: Path) -> None:
    FileStore(tmp_path).record(KEY, b"result")
    fresh = FileStore(tmp_path, reuse=False)

    assert FileStore(tmp_path).result(KEY) == b"result"
    assert fresh.result(KEY) is None
    fresh.record(KEY, b"new")
    assert fresh.result(KEY) == b"new"


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")

    with pytest.raises(StorageError) as raised:
        FileStore(tmp_path / "store").record(KEY, b"result")

    assert raised.value.hint

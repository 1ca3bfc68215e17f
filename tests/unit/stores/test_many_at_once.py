"""Whatever happens on the way, a store holds whole files or none."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.errors import StorageError
from builder.stores.files import FileStore

KEY = Digest("a" * 64)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_many_may_put_the_same_in_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    stores = [FileStore(tmp_path / "store") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(lambda store: store.put(tmp_path / "file"), stores * 5))

    (digest,) = digests
    assert len(files_below(tmp_path / "store")) == 1
    assert stores[0].path(digest) is not None


def test_a_reader_sees_the_old_result_or_the_new_one_and_never_half(tmp_path: Path) -> None:
    store, over = FileStore(tmp_path), threading.Event()
    results = {bytes([letter]) * 50_000 for letter in b"ab"}
    store.record(KEY, b"a" * 50_000)

    def write() -> None:
        for number in range(40):
            store.record(KEY, (b"a", b"b")[number % 2] * 50_000)
        over.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not over.is_set():
            assert FileStore(tmp_path).result(KEY) in results
        writing.result()


def test_what_is_kept_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    store = FileStore(tmp_path / "store")

    path = store.path(store.put(tmp_path / "file"))

    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o444


def test_what_is_put_in_stays_whatever_becomes_of_the_original(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    store = FileStore(tmp_path / "store")
    digest = store.put(tmp_path / "file")

    (tmp_path / "file").write_text("other")

    path = FileStore(tmp_path / "store").path(digest)
    assert path is not None
    assert path.read_text() == "text"


def test_what_a_killed_run_left_half_written_is_never_taken_for_a_file(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "store")
    digest = Digest.of_bytes(b"text")
    place = tmp_path / "store/files" / digest.sha256[:2]
    place.mkdir(parents=True)
    (place / ".half").write_bytes(b"te")
    (place / digest.sha256).write_bytes(b"te")

    assert store.path(digest) is None


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    place = tmp_path / "results" / KEY.sha256[:2] / KEY.sha256
    place.mkdir(parents=True)

    with pytest.raises(StorageError, match="cannot be written"):
        store.record(KEY, b"result")

    assert files_below(tmp_path) == []


def test_what_vanishes_while_the_run_goes_on_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    store = FileStore(tmp_path / "store")
    digest = store.put(tmp_path / "file")
    path = store.path(digest)
    assert path is not None

    path.unlink()

    assert store.path(digest) is None
    assert store.put(tmp_path / "file") == digest

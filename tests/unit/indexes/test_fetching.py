"""Downloads arrive whole and verified, or not at all."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from signal import SIG_IGN, SIGXFSZ, signal

import pytest

from builder.domain.digests import Digest
from builder.domain.releases import RemoteFile
from builder.errors import (
    BuilderError,
    DigestMismatchError,
    IndexUnreachableError,
    InputError,
    StorageError,
)
from builder.indexes.simple import SimpleIndex
from tests.index_server import Cut, IndexServer, Other, Redirect, Stall, Status
from tests.unit.indexes.conftest import MakeIndex

CONTENT = random.Random(1).randbytes(3_000_000)
PATH = "/files/foo-1.0.tar.gz"


@pytest.fixture
def file(server: IndexServer) -> RemoteFile:
    server.publish("foo", "foo-1.0.tar.gz", CONTENT)
    url = f"http://127.0.0.1:{server.port}{PATH}"
    return RemoteFile("foo-1.0.tar.gz", url, Digest.of_bytes(CONTENT))


@pytest.fixture
def index(server: IndexServer, make_index: MakeIndex) -> SimpleIndex:
    return make_index([server.url], retries=2, read_seconds=0.3)


def fetch(index: SimpleIndex, file: RemoteFile, folder: Path) -> list[int]:
    """Fetches into the folder; says how many bytes came at a time."""
    came: list[int] = []
    assert index.fetch(file, folder / file.filename, came.append) == file.digest
    assert (folder / file.filename).read_bytes() == CONTENT
    return came


def listing(folder: Path) -> list[str]:
    return [it.name for it in folder.iterdir()]


def ranges(server: IndexServer) -> list[str | None]:
    return [it.headers.get("Range") for it in server.seen]


def test_a_file_arrives_and_nothing_else_stays(
    index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    came = fetch(index, file, tmp_path)

    assert sum(came) == len(CONTENT)
    assert listing(tmp_path) == [file.filename]


def test_a_broken_download_resumes_where_it_broke(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    server.faults[PATH] = [Cut(1_000_000), Stall(1), Cut(500_000), Status(503)]

    came = fetch(index, file, tmp_path)

    assert sum(came) == len(CONTENT)
    assert ranges(server) == [
        None,
        "bytes=1000000-",
        "bytes=1000001-",
        "bytes=1500001-",
        "bytes=1500001-",
    ]
    assert {it.headers.get("If-Range") for it in server.seen[1:]} == {server.etag}
    assert {it.headers["Accept-Encoding"] for it in server.seen} == {"identity"}


def test_a_file_that_changed_meanwhile_is_begun_again(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    server.faults[PATH] = [Cut(1_000_000, etag='"old"')]

    assert sum(fetch(index, file, tmp_path)) == len(CONTENT) + 1_000_000
    assert server.seen[1].headers["If-Range"] == '"old"'


def test_an_index_without_ranges_is_asked_for_everything_again(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    server.honours_ranges = False
    server.faults[PATH] = [Cut(1_000_000)]

    assert sum(fetch(index, file, tmp_path)) == len(CONTENT) + 1_000_000


def test_what_a_killed_process_left_is_used(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    (tmp_path / "foo-1.0.tar.gz.part").write_bytes(CONTENT[:2_000_000])

    assert sum(fetch(index, file, tmp_path)) == 1_000_000
    assert ranges(server) == ["bytes=2000000-"]


def test_a_part_that_is_whole_needs_no_request(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    (tmp_path / "foo-1.0.tar.gz.part").write_bytes(CONTENT)

    assert fetch(index, file, tmp_path) == []
    assert server.seen == []


@pytest.mark.parametrize(
    "left", [b"garbage", CONTENT + b"more", b"x" * len(CONTENT), b"y" + CONTENT[1:2_000_000]]
)
def test_a_part_that_leads_nowhere_is_thrown_away(
    index: SimpleIndex, file: RemoteFile, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / "foo-1.0.tar.gz.part").write_bytes(left)

    fetch(index, file, tmp_path)

    assert listing(tmp_path) == [file.filename]


def test_other_bytes_than_promised_are_refused(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    server.faults[PATH] = [Other(b"evil")]

    with pytest.raises(DigestMismatchError, match=r"foo-1\.0\.tar\.gz from http") as caught:
        fetch(index, file, tmp_path)

    assert str(file.digest) in caught.value.hint
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    "fault",
    [
        Status(404),
        Status(403),
        Status(500),
        Stall(1),
        Other(b"x" * 9, {"Content-Range": "bytes 5-13/14"}, 206),
        Redirect("file:///etc/passwd"),
        Redirect("ftp://index.example/x"),
    ],
)
def test_a_file_that_cannot_be_had_is_an_error(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path, fault: object
) -> None:
    (tmp_path / "foo-1.0.tar.gz.part").write_bytes(b"")
    server.faults[PATH] = [fault] * 60  # type: ignore[list-item]

    with pytest.raises((IndexUnreachableError, DigestMismatchError)) as caught:
        index.fetch(file, tmp_path / file.filename, lambda _count: None)

    assert caught.value.hint
    assert not (tmp_path / file.filename).exists()


def test_an_endless_file_is_refused(
    server: IndexServer, file: RemoteFile, make_index: MakeIndex, tmp_path: Path
) -> None:
    index = make_index([server.url], file_bytes=1_000_000)

    with pytest.raises(StorageError, match="longer than 1,000,000 bytes"):
        fetch(index, file, tmp_path)

    assert listing(tmp_path) == []


def test_a_file_without_a_digest_is_refused(
    server: IndexServer, index: SimpleIndex, tmp_path: Path
) -> None:
    file = RemoteFile("foo-1.0.tar.gz", f"http://127.0.0.1:{server.port}{PATH}", None)

    with pytest.raises(InputError, match="no sha256 for foo") as caught:
        index.fetch(file, tmp_path / "x", lambda _count: None)

    assert "--hash" in caught.value.hint
    assert server.seen == []


@pytest.mark.parametrize(
    ("index_url", "url"),
    [
        ("https://index.example/", "http://index.example/foo.tar.gz"),
        ("https://index.example/", "file:///etc/passwd"),
        ("http://index.example/", "file:///etc/passwd"),
        ("file:///srv/simple/", "http://index.example/foo.tar.gz"),
        ("https://index.example/", "https://127.0.0.1/foo.tar.gz"),
    ],
)
def test_addresses_that_no_index_leads_to_are_refused(
    make_index: MakeIndex, tmp_path: Path, index_url: str, url: str
) -> None:
    file = RemoteFile("foo.tar.gz", url, Digest("0" * 64))

    with pytest.raises(InputError, match="may not be fetched"):
        make_index([index_url]).fetch(file, tmp_path / "x", lambda _count: None)


def test_threads_that_want_the_same_file_download_it_once(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: fetch(index, file, tmp_path), range(12)))

    assert len(server.seen) == 1
    assert listing(tmp_path) == [file.filename]


def test_a_link_in_place_of_the_part_is_not_followed(
    index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "foo-1.0.tar.gz.part").symlink_to("victim")

    with pytest.raises(StorageError):
        fetch(index, file, tmp_path)

    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_a_folder_that_is_missing_is_the_disks_fault_and_not_the_networks(
    index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"gone/foo-1\.0\.tar\.gz\.part: No such file"):
        fetch(index, file, tmp_path / "gone")


def test_a_disk_that_fills_up_is_named_with_a_hint(
    index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    with file_size_limit(1_000_000), pytest.raises(StorageError) as caught:
        fetch(index, file, tmp_path)

    assert "cannot write" in caught.value.message
    assert caught.value.hint
    assert fetch(index, file, tmp_path)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Makes writes fail half-way, as on a full disk."""
    soft, hard = getrlimit(RLIMIT_FSIZE)
    before = signal(SIGXFSZ, SIG_IGN)
    setrlimit(RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
        signal(SIGXFSZ, before)


def test_a_file_that_the_server_calls_compressed_is_taken_as_it_is(
    server: IndexServer, index: SimpleIndex, file: RemoteFile, tmp_path: Path
) -> None:
    server.faults[PATH] = [Other(CONTENT, {"Content-Encoding": "gzip"})]

    fetch(index, file, tmp_path)


def test_metadata_is_checked_and_bounded(
    server: IndexServer, index: SimpleIndex, make_index: MakeIndex
) -> None:
    text = b"Metadata-Version: 2.1\nName: foo\n"
    server.publish("foo", "foo-1.0-py3-none-any.whl", metadata=text)
    url = f"http://127.0.0.1:{server.port}/files/foo-1.0-py3-none-any.whl?x=1"
    wheel = RemoteFile("foo-1.0-py3-none-any.whl", url, None, Digest.of_bytes(text))

    assert index.metadata(wheel) == text

    path = "/files/foo-1.0-py3-none-any.whl.metadata"
    outcomes: list[tuple[object, type[BuilderError]]] = [
        (Other(b"Name: evil"), DigestMismatchError),
        (Status(404), IndexUnreachableError),
    ]
    for fault, expected in outcomes:
        server.faults[path] = [fault]  # type: ignore[list-item]
        with pytest.raises(expected, match=r"foo-1\.0-py3-none-any\.whl\.metadata"):
            index.metadata(wheel)
    with pytest.raises(IndexUnreachableError, match="longer than 5 bytes"):
        make_index([server.url], metadata_bytes=5).metadata(wheel)


def test_metadata_without_a_digest_is_refused(server: IndexServer, index: SimpleIndex) -> None:
    with pytest.raises(InputError, match="no metadata"):
        index.metadata(RemoteFile("foo-1.whl", server.url, None))

"""Every Index keeps the promises of the port: over HTTP, from files, and the fake."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage, RemoteFile
from builder.errors import DigestMismatchError, IndexUnreachableError, InputError
from builder.indexes.simple import SimpleIndex
from builder.ports import Index
from tests.fakes.index import FakeIndex, FakeRelease
from tests.index_server import IndexServer
from tests.unit.indexes.conftest import MakeIndex

FOO = NormalizedName("foo")
RELEASES = [
    FakeRelease("foo", "1.9", sdist=b"nine", yanked="old"),
    FakeRelease("foo", "1.10", ("bar>=1",), ">=3.9", sdist=b"ten"),
]


@pytest.fixture(params=["http", "files", "fake"])
def index(
    request: pytest.FixtureRequest, server: IndexServer, make_index: MakeIndex, tmp_path: Path
) -> Iterator[Index]:
    match request.param:
        case "fake":
            yield FakeIndex(RELEASES)
        case "http":
            publish(server)
            yield make_index([server.url])
        case _:
            publish(server)
            write_tree(server, tmp_path / "tree")
            yield make_index([(tmp_path / "tree/simple").as_uri()])


def publish(server: IndexServer) -> None:
    for release in RELEASES:
        candidate = release.candidate
        server.publish(
            "foo",
            candidate.sdist.filename,
            release.sdist,
            yanked=release.yanked,
            requires_python=release.requires_python,
        )
        for wheel in candidate.wheels:
            server.publish("foo", wheel.filename, b"wheel", metadata=release.metadata)


def write_tree(server: IndexServer, folder: Path) -> None:
    paths = ["simple/foo/", *(f"files/{it.candidate.sdist.filename}" for it in RELEASES)]
    paths += [f"files/{w.filename}.metadata" for it in RELEASES for w in it.candidate.wheels]
    for path in paths:
        found = server.content(f"/{path}")
        assert found is not None
        file = folder / (f"{path}index.html" if path.endswith("/") else path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(found[1])


def page_of(index: Index) -> ProjectPage:
    page = index.project(FOO)
    assert isinstance(page, ProjectPage)
    return page


def test_releases_come_newest_first(index: Index) -> None:
    newest, oldest = page_of(index).candidates

    assert (newest.pin.version, oldest.pin.version) == (Version("1.10"), Version("1.9"))
    assert (newest.yanked, oldest.yanked) == (None, "old")
    assert str(newest.requires_python) == ">=3.9"
    assert newest.sdist.digest == Digest.of_bytes(b"ten")


def test_an_unknown_project_is_a_value(index: Index) -> None:
    answer = index.project(NormalizedName("bar"))

    assert isinstance(answer, NoSuchProject)
    assert len(answer.asked) == 1


def test_the_same_question_gets_the_same_answer(index: Index) -> None:
    assert index.project(FOO) == index.project(FOO)


def test_metadata_is_what_was_promised(index: Index) -> None:
    (wheel,) = page_of(index).candidates[0].wheels

    text = index.metadata(wheel)

    assert b"Requires-Dist: bar>=1" in text
    with pytest.raises(DigestMismatchError):
        index.metadata(RemoteFile(wheel.filename, wheel.url, None, Digest("0" * 64)))
    with pytest.raises(InputError):
        index.metadata(RemoteFile(wheel.filename, wheel.url, None))


def test_a_fetched_file_is_what_was_promised(index: Index, tmp_path: Path) -> None:
    came: list[int] = []
    sdist = page_of(index).candidates[0].sdist

    digest = index.fetch(sdist, tmp_path / "x", came.append)

    assert digest.sha256 == hashlib.sha256(b"ten").hexdigest()
    assert (tmp_path / "x").read_bytes() == b"ten"
    assert sum(came) == 3


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"digest": Digest("0" * 64)}, DigestMismatchError),
        ({"digest": None}, InputError),
        ({"url_suffix": "x"}, IndexUnreachableError),
    ],
)
def test_nothing_is_left_of_what_is_not_as_promised(
    index: Index, tmp_path: Path, changed: dict[str, object], error: type[Exception]
) -> None:
    sdist = page_of(index).candidates[0].sdist
    digest = changed.get("digest", sdist.digest)
    assert digest is None or isinstance(digest, Digest)
    file = RemoteFile(sdist.filename, f"{sdist.url}{changed.get('url_suffix', '')}", digest)

    with pytest.raises(error):
        index.fetch(file, tmp_path / "x", lambda _count: None)

    assert not (tmp_path / "x").exists()


def test_a_tree_that_is_not_there_is_unreachable(tmp_path: Path, make_index: MakeIndex) -> None:
    index: SimpleIndex = make_index([(tmp_path / "gone/simple").as_uri()])

    with pytest.raises(IndexUnreachableError, match="no package index in"):
        index.project(FOO)

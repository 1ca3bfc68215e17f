"""What becomes of project pages: one index answers, and only what can be built is offered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage
from builder.errors import IndexUnreachableError, InputError
from tests.index_server import Cut, IndexServer, Other, Redirect, Stall, Status
from tests.unit.indexes.conftest import MakeIndex

FOO = NormalizedName("foo")
FOO_BAR = NormalizedName("foo-bar")


def page_of(index: object, name: NormalizedName = FOO) -> ProjectPage:
    page = index.project(name)  # type: ignore[attr-defined]
    assert isinstance(page, ProjectPage)
    return page


def names(page: ProjectPage) -> list[str]:
    return [it.sdist.filename for it in page.candidates]


@pytest.mark.parametrize("style", ["html", "json", "old-html"])
def test_every_kind_of_page_says_the_same(
    server: IndexServer, make_index: MakeIndex, style: Literal["html", "json", "old-html"]
) -> None:
    server.style = style
    server.publish("foo", "foo-1.0.tar.gz", b"one", requires_python=">=3.8", yanked="bad & old")
    server.publish("foo", "foo-1.10.tar.gz", b"ten", requires_python=">=3.9")
    server.publish("foo", "foo-1.10-py3-none-any.whl", b"wheel", metadata=b"Name: foo")
    server.publish("foo", "foo-1.10-py2-none-any.whl", b"wheel")

    page = page_of(make_index([server.url]))

    newest, oldest = page.candidates
    assert (str(newest.pin), str(oldest.pin)) == ("foo==1.10", "foo==1.0")
    assert newest.sdist.digest == Digest.of_bytes(b"ten")
    assert newest.requires_python == SpecifierSet(">=3.9")
    assert (newest.yanked, oldest.yanked) == (None, "bad & old")
    with_metadata = [it.filename for it in newest.wheels if it.metadata_digest is not None]
    assert with_metadata == ["foo-1.10-py3-none-any.whl"]
    assert len(newest.wheels) == 2
    assert newest.wheels[1].metadata_digest == Digest.of_bytes(b"Name: foo")
    assert newest.index_url == server.url
    assert [it.filename for it in page.wheels[newest.pin.version]] == [
        "foo-1.10-py2-none-any.whl",
        "foo-1.10-py3-none-any.whl",
    ]


def test_a_release_of_wheels_alone_is_listed_among_the_wheels(
    server: IndexServer, make_index: MakeIndex
) -> None:
    server.publish("foo", "foo-1.0-py3-none-any.whl", b"wheel", yanked="bad")

    page = page_of(make_index([server.url]))

    ((version, (wheel,)),) = page.wheels.items()
    assert page.candidates == ()
    assert (str(version), wheel.yanked) == ("1.0", "bad")
    assert wheel.digest == Digest.of_bytes(b"wheel")


def test_json_pages_say_when_a_file_was_uploaded(
    server: IndexServer, make_index: MakeIndex
) -> None:
    server.style = "json"
    server.publish("foo", "foo-1.0.tar.gz", upload_time="2026-03-01T14:00:00.250000+02:00")
    server.publish("foo", "foo-1.0-py3-none-any.whl", upload_time="2026-03-02T00:00:00Z")

    (candidate,) = page_of(make_index([server.url])).candidates
    (wheel,) = page_of(make_index([server.url])).wheels[candidate.pin.version]

    assert candidate.sdist.upload_time == datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
    assert wheel.upload_time == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "2026-03-01T14:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"],
    ids=["none", "words", "no zone", "no such month", "before all time"],
)
def test_a_time_that_nobody_can_tell_is_none(
    server: IndexServer, make_index: MakeIndex, written: str
) -> None:
    server.style = "json"
    server.publish("foo", "foo-1.0.tar.gz", upload_time=written)

    assert page_of(make_index([server.url])).candidates[0].sdist.upload_time is None


def test_html_pages_say_nothing_of_times(server: IndexServer, make_index: MakeIndex) -> None:
    server.publish("foo", "foo-1.0.tar.gz", upload_time="2026-03-01T12:00:00Z")

    assert page_of(make_index([server.url])).candidates[0].sdist.upload_time is None


@pytest.mark.parametrize("style", ["html", "json"])
def test_a_yank_without_a_reason_is_a_yank(
    server: IndexServer, make_index: MakeIndex, style: Literal["html", "json"]
) -> None:
    server.style = style
    server.publish("foo", "foo-1.0.tar.gz", yanked="")

    assert page_of(make_index([server.url])).candidates[0].yanked == ""


def test_both_forms_are_asked_for(server: IndexServer, make_index: MakeIndex) -> None:
    server.publish("foo", "foo-1.0.tar.gz")

    page_of(make_index([server.url]))

    assert "simple.v1+json" in server.seen[0].headers["Accept"]
    assert "text/html" in server.seen[0].headers["Accept"]


def test_the_first_index_that_knows_a_project_serves_it_alone(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex
) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    other_server.publish("foo", "foo-99.tar.gz")
    other_server.publish("foo-bar", "foo_bar-1.tar.gz")
    index = make_index([server.url, other_server.url])

    assert names(page_of(index)) == ["foo-1.0.tar.gz"]
    assert names(page_of(index, FOO_BAR)) == ["foo_bar-1.tar.gz"]
    assert page_of(index, FOO_BAR).candidates[0].index_url == other_server.url
    assert other_server.paths() == ["/simple/foo-bar/"]


def test_an_index_with_an_empty_page_knows_the_project(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex
) -> None:
    server.add_project("foo")
    other_server.publish("foo", "foo-99.tar.gz")

    assert names(page_of(make_index([server.url, other_server.url]))) == []


def test_a_project_that_no_index_knows_is_a_value(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex
) -> None:
    index = make_index([server.url, other_server.url])

    assert index.project(FOO) == NoSuchProject(FOO, (server.url, other_server.url))


@pytest.mark.parametrize(
    "fault",
    [
        Status(403),
        Status(410),
        Status(500),
        Status(503),
        Cut(10),
        Stall(1),
        Other(b"<html>", {"Content-Type": "application/pdf"}),
        Other(b"{", {"Content-Type": "application/vnd.pypi.simple.v1+json"}),
        Other(b"[]", {"Content-Type": "application/vnd.pypi.simple.v1+json"}),
        Other(
            b'{"meta": {"api-version": "2.0"}, "files": []}',
            {"Content-Type": "application/vnd.pypi.simple.v1+json"},
        ),
        Other(b'<meta name="pypi:repository-version" content="2.0">'),
        Other(b"no gzip at all", {"Content-Encoding": "gzip"}),
        Redirect("file:///etc/passwd"),
        Redirect("ftp://index.example/"),
        Redirect("/simple/foo/"),
    ],
)
def test_an_index_that_fails_is_never_passed_over(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex, fault: object
) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [fault] * 20  # type: ignore[list-item]
    other_server.publish("foo", "foo-99.tar.gz")
    index = make_index([server.url, other_server.url], retries=1, read_seconds=0.1)

    with pytest.raises(IndexUnreachableError) as caught:
        index.project(FOO)

    assert caught.value.hint
    assert other_server.seen == []


def test_an_index_that_is_not_there_is_an_error(make_index: MakeIndex) -> None:
    with pytest.raises(IndexUnreachableError, match=r"127\.0\.0\.1:9/foo/ could not be read"):
        make_index(["http://127.0.0.1:9/"], retries=0).project(FOO)


@pytest.mark.parametrize(
    "faults",
    [
        [Status(429, {"Retry-After": "0"})],
        [Status(500), Status(502), Status(503)],
        [Cut(20), Cut(3)],
        [Stall(2)],
    ],
)
def test_passing_troubles_are_overcome(
    server: IndexServer, make_index: MakeIndex, faults: list[Status | Cut | Stall]
) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [*faults]

    assert names(page_of(make_index([server.url], read_seconds=0.2))) == ["foo-1.0.tar.gz"]
    assert len(server.seen) == len(faults) + 1


def test_retry_after_is_capped(server: IndexServer, make_index: MakeIndex) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [Status(429, {"Retry-After": "86400"})]

    assert page_of(make_index([server.url], retry_after_seconds=0)).candidates


def test_two_threads_cause_one_request_and_get_one_answer(
    server: IndexServer, make_index: MakeIndex
) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    index = make_index([server.url])

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(index.project, [FOO] * 32))

    assert all(it is pages[0] for it in pages)
    assert len(server.seen) == 1


def test_what_was_answered_once_stays(server: IndexServer, make_index: MakeIndex) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    index = make_index([server.url])
    before = index.project(FOO)
    server.publish("foo", "foo-2.0.tar.gz")

    assert index.project(FOO) is before


def test_a_failure_is_not_remembered(server: IndexServer, make_index: MakeIndex) -> None:
    server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [Status(403)]
    index = make_index([server.url])
    with pytest.raises(IndexUnreachableError):
        index.project(FOO)

    assert page_of(index).candidates


def test_a_page_that_is_too_long_is_refused(server: IndexServer, make_index: MakeIndex) -> None:
    server.publish("foo", "foo-1.0.tar.gz")

    with pytest.raises(IndexUnreachableError, match="longer than 50 bytes"):
        make_index([server.url], page_bytes=50).project(FOO)


@pytest.mark.parametrize("style", ["html", "json"])
def test_a_page_with_too_many_files_is_refused(
    server: IndexServer, make_index: MakeIndex, style: Literal["html", "json"]
) -> None:
    server.style = style
    for number in range(4):
        server.publish("foo", f"foo-{number}.tar.gz")

    with pytest.raises(IndexUnreachableError, match="more than 3 files"):
        make_index([server.url], page_files=3).project(FOO)


def test_a_page_that_moved_is_found_and_its_links_are_relative_to_where_it_is(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex
) -> None:
    other_server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [Redirect(f"{other_server.url}foo/", 301)]

    (candidate,) = page_of(make_index([server.url])).candidates

    assert candidate.sdist.url == f"http://127.0.0.1:{other_server.port}/files/foo-1.0.tar.gz"
    assert candidate.index_url == server.url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "index.example/simple",
        "ftp://index.example/simple",
        "https:///simple",
        "https://index.example:port/",
        "https://index.example/simple?token=x",
        "file://elsewhere/simple",
    ],
)
def test_what_is_no_index_url_is_refused(url: str, make_index: MakeIndex) -> None:
    with pytest.raises(InputError) as caught:
        make_index([url or " "])

    assert caught.value.hint
    assert "token" not in caught.value.message

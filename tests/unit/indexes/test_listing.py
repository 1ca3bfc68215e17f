"""Which files of a page become releases, and what is said of the others."""

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.domain.releases import ProjectPage
from builder.indexes.addresses import refusal
from builder.indexes.listing import list_releases
from builder.indexes.pages import Link, PageError, read_html, read_json

INDEX = "https://index.example/simple/"
DIGEST = "0" * 64


def link(filename: str, **changes: str | None) -> Link:
    fields = {
        "filename": filename,
        "url": f"https://files.index.example/{filename}",
        "sha256": DIGEST,
        "requires_python": "",
        "yanked": None,
        "metadata_sha256": None,
    } | changes
    return Link(**fields)  # type: ignore[arg-type]


def listed(*links: Link, name: str = "foo-bar") -> ProjectPage:
    return list_releases(NormalizedName(name), links, INDEX, partial(refusal, INDEX))


def names(page: ProjectPage) -> list[str]:
    return [it.sdist.filename for it in page.candidates]


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("foo_bar-1.0.tar.gz", "1.0"),
        ("foo-bar-1.0.tar.gz", "1.0"),
        ("Foo.Bar-1.0.zip", "1.0"),
        ("foo__bar-1.0rc1.TAR.GZ", "1.0rc1"),
        ("foo_bar-1.0-beta2.tar.bz2", "1.0b2"),
        ("foo_bar-1.0-1.tgz", "1.0.post1"),
        ("foo_bar-1!2.0+local.1.tar.xz", "1!2.0+local.1"),
    ],
)
def test_names_of_sdists_are_understood_however_they_are_spelled(
    filename: str, version: str
) -> None:
    (candidate,) = listed(link(filename)).candidates

    assert str(candidate.pin.version) == version


@pytest.mark.parametrize(
    ("filename", "note"),
    [
        ("foo_bar-1.0.exe", "neither an sdist nor a wheel"),
        ("foo_bar-1.0-py2.7.egg", "neither an sdist nor a wheel"),
        ("foo-1.0.tar.gz", "with a name that is not one of foo-bar"),
        ("foo_bar_baz-1.0.tar.gz", "with a name that is not one of foo-bar"),
        ("foo_bar.tar.gz", "with a name that is not one of foo-bar"),
        ("foo_bar-baz-1.0.tar.gz", "without a valid version"),
        ("foo_bar-1.0.linux-x86_64.tar.gz", "without a valid version"),
        (
            "foo_b\N{CYRILLIC SMALL LETTER A}r-1.0.tar.gz",
            "with a name that is not a plain file name",
        ),
        ("../foo_bar-1.0.tar.gz", "with a name that is not a plain file name"),
        ("foo_bar-1.0\n.tar.gz", "with a name that is not a plain file name"),
        (".foo_bar-1.0.tar.gz", "with a name that is not a plain file name"),
        ("foo_bar-1.0" + "0" * 300 + ".tar.gz", "with a name that is not a plain file name"),
    ],
)
def test_what_cannot_be_built_is_left_out_with_a_note(filename: str, note: str) -> None:
    page = listed(link(filename))

    assert page.candidates == ()
    assert len(page.notes) == 1
    assert page.notes[0].startswith(f"1 files {note}: ")
    assert page.notes[0].isprintable()
    assert page.notes[0].isascii()


@pytest.mark.parametrize(
    "url",
    [
        "http://files.index.example/foo_bar-1.tar.gz",
        "file:///etc/passwd",
        "ftp://files.index.example/foo_bar-1.tar.gz",
        "https://127.0.0.1/foo_bar-1.tar.gz",
        "https://169.254.169.254/foo_bar-1.tar.gz",
        "https://[::ffff:127.0.0.1]/foo_bar-1.tar.gz",
        "https://localhost/foo_bar-1.tar.gz",
        "https://[broken/foo_bar-1.tar.gz",
        "",
    ],
)
def test_files_at_addresses_that_may_not_be_followed_are_left_out(url: str) -> None:
    page = listed(
        link("foo_bar-1.tar.gz", url=url),
        link("foo_bar-1-py3-none-any.whl", url=url),
    )

    assert page.candidates == ()
    assert page.wheels == {}
    assert "at a refused address" in page.notes[0]


def test_notes_are_bounded() -> None:
    page = listed(*(link(f"foo_bar-{number}.exe") for number in range(10_000)))

    assert len(page.notes) == 1
    assert page.notes[0].startswith("10000 files neither")
    assert len(page.notes[0]) < 500


def test_releases_without_an_sdist_are_noted_newest_first() -> None:
    page = listed(
        *(link(f"foo_bar-{it}-py3-none-any.whl") for it in ("1.2", "1.10", "1.9", "1.1")),
        link("foo_bar-1.0.tar.gz"),
    )

    assert names(page) == ["foo_bar-1.0.tar.gz"]
    assert page.notes == ("4 releases with wheels but no sdist: 1.10, 1.9, 1.2, …",)


@given(
    st.permutations(
        [
            link("foo_bar-1.0.tar.bz2"),
            link("foo_bar-1.0.zip"),
            link("foo_bar-1.0.tar.gz", yanked="x"),
            link("foo-bar-1.0.0.tar.gz", sha256=None),
            link("foo_bar-1.0.0.zip"),
        ]
    )
)
def test_of_several_sdists_one_is_chosen_whatever_their_order(links: list[Link]) -> None:
    assert names(listed(*links)) == ["foo_bar-1.0.0.zip"]


def test_a_tar_gz_is_preferred_to_a_zip() -> None:
    page = listed(link("foo_bar-1.0.zip"), link("foo_bar-1.0.tar.gz"))

    assert names(page) == ["foo_bar-1.0.tar.gz"]


def test_an_invalid_requires_python_is_ignored_with_a_note() -> None:
    page = listed(link("foo_bar-1.0.tar.gz", requires_python=">=3.6.*"))

    assert page.candidates[0].requires_python == SpecifierSet()
    assert "invalid requires-python, ignored: foo_bar-1.0.tar.gz (>=3.6.*)" in page.notes[0]


def test_credentials_and_fragments_leave_the_urls() -> None:
    url = "https://me:s3cret@files.index.example/foo_bar-1.tar.gz?x=1#egg=foo"

    (candidate,) = listed(link("foo_bar-1.tar.gz", url=url)).candidates

    assert candidate.sdist.url == "https://files.index.example/foo_bar-1.tar.gz?x=1"


def test_html_may_have_a_base_entities_and_quoted_names() -> None:
    page = (
        b'<base href="https://files.index.example/a/"><base href="https://other.example/">'
        b"<A HREF='b%2Dc-1%2B2.tar.gz?x=1&amp;y=2#sha256=" + DIGEST.upper().encode() + b"' "
        b'data-requires-python="&gt;=3.8">x</a><a>no link</a><!-- <a href="hidden-1.tar.gz"> -->'
    )

    (found,) = read_html(page, INDEX, 10)

    assert found == Link(
        filename="b-c-1+2.tar.gz",
        url="https://files.index.example/a/b%2Dc-1%2B2.tar.gz?x=1&y=2",
        sha256=DIGEST,
        requires_python=">=3.8",
        yanked=None,
        metadata_sha256=None,
    )


def test_digests_of_other_kinds_do_not_count() -> None:
    page = b'<a href="a-1.tar.gz#md5=d41d8cd98f00b204e9800998ecf8427e" data-core-metadata="true">'

    (found,) = read_html(page, INDEX, 10)

    assert found.sha256 is None
    assert found.metadata_sha256 is None


def test_odd_entries_of_a_json_page_do_not_spoil_the_others() -> None:
    files = [
        None,
        {"filename": 1, "url": "x"},
        {"filename": "a-1.zip"},
        {"filename": "a-2.zip", "url": "a-2.zip", "hashes": [], "requires-python": 3, "yanked": ""},
        {"filename": "a-3.zip", "url": "a-3.zip", "hashes": {"sha256": "short"}, "yanked": True},
        {"filename": "a-4.zip", "url": "a-4.zip", "upload-time": 1700000000},
    ]

    two, three, four = read_json(json.dumps({"files": files}).encode(), f"{INDEX}a/", 10)

    assert two == Link("a-2.zip", f"{INDEX}a/a-2.zip", None, "", None, None)
    assert three == Link("a-3.zip", f"{INDEX}a/a-3.zip", None, "", "", None)
    assert four.upload_time == ""


@pytest.mark.parametrize("start", [b"<a href='", b"<!--", b"<a x=y ", b"<script>"])
def test_a_tag_without_an_end_does_not_keep_the_parser_busy(start: bytes) -> None:
    with pytest.raises(PageError, match="a tag of more than"):
        list(read_html(start + b"</x" * (1 << 20), INDEX, 10))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (read_html, read_json):
        try:
            links = list(read(body, INDEX, 10))
        except PageError:
            continue
        listed(*links)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_listed_has_a_name_that_stays_in_its_folder(prefix: str, suffix: str) -> None:
    page = listed(link(f"{prefix}foo_bar-1{suffix}.tar.gz", url="https://index.example/x"))

    for name in names(page):
        assert "/" not in name
        assert "\\" not in name
        assert not name.startswith(".")

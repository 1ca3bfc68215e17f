"""Which repositories may be named, and how."""

import pytest

from builder.domain.repositories import (
    AllowedRepositories,
    GitReference,
    is_provisional,
    provisional_version,
)
from builder.errors import InputError


@pytest.mark.parametrize(
    ("text", "url", "ref"),
    [
        ("git+https://git.example/a/b.git@v1.0", "https://git.example/a/b.git", "v1.0"),
        ("git+https://git.example/a", "https://git.example/a", ""),
        ("git+https://git.example:8443/a@feature/x", "https://git.example:8443/a", "feature/x"),
        ("git+ssh://git@git.example/a.git@main", "ssh://git@git.example/a.git", "main"),
        ("git+https://token@git.example/a@v1", "https://git.example/a", "v1"),
        ("git+http://127.0.0.1:80/a", "http://127.0.0.1:80/a", ""),
        ("git+http://[::1]:80/a", "http://[::1]:80/a", ""),
        ("git+https://git.example/@team/a@v1", "https://git.example/@team/a", "v1"),
        ("git+file:///srv/a@release-1", "file:///srv/a", "release-1"),
    ],
)
def test_a_reference_has_a_place_and_a_state(text: str, url: str, ref: str) -> None:
    reference = GitReference.parse(text)

    assert (reference.url, reference.ref) == (url, ref)
    assert GitReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        "git+ext::sh -c touch% /tmp/x",
        "git+ext://sh/x",
        "git+git://git.example/a",
        "git+http://git.example/a",
        "git+http://127.0.0.1.git.example/a",
        "git+ssh://-oProxyCommand=x/a",
        "git+ssh://-oProxyCommand=x@git.example/a",
        "git+ssh://git:secret@git.example/a",
        "git+file://host/a",
        "git+https:///a",
        "git+https://git.example",
        "git+https://git.example/",
        "git+https://git.example/a?x",
        "git+https://git.example/a@v1#egg=a",
        "git+-https://git.example/a",
        "--upload-pack=x",
        "https://git.example/a",
        "git+https://git.example/a\n@v1",
        "git+https://git.example/" + "a" * 2000,
    ],
)
def test_nothing_else_is_asked(text: str) -> None:
    with pytest.raises(InputError):
        GitReference.parse(text)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-x",
        "--upload-pack=touch",
        "+main",
        "main:refs/heads/x",
        "a..b",
        "a\nb",
        "a b",
        "a\x1b[31mb",
        "a@{1}",
        "main~1",
        "main^",
        "ma*n",
        "/main",
        "main/",
        "x.lock",
        "a\\b",
    ],
)
def test_a_ref_is_a_name_and_nothing_that_git_reads_otherwise(ref: str) -> None:
    with pytest.raises(InputError):
        GitReference.parse(f"git+https://git.example/a@{ref}")


def test_messages_hold_no_secret() -> None:
    with pytest.raises(InputError) as caught:
        GitReference.parse("git+http://me:secret@git.example/a")

    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("ref", "version"),
    [("v1.2", "1.2"), ("1.2rc1", "1.2rc1"), ("main", None), ("1" * 40, None), ("", None)],
)
def test_a_ref_that_is_a_version_names_it(ref: str, version: str | None) -> None:
    found = GitReference("https://git.example/a", ref).version

    assert (str(found) if found else None) == version


def test_a_provisional_version_can_be_told_from_others() -> None:
    made = provisional_version("0123456789abcdef0123456789abcdef01234567")

    assert str(made) == "0+git.0123456789ab"
    assert is_provisional(made)
    assert is_provisional(provisional_version("0" * 40))
    assert not is_provisional(type(made)("1.0+git.0123456789ab"))


@pytest.mark.parametrize(
    ("beginning", "url"),
    [
        ("https://git.example/team/", "git+https://git.example/team/lib@v1"),
        ("git+https://Git.Example/team", "git+https://git.example/team/lib.git"),
        ("https://git.example", "git+https://GIT.example/any/thing"),
        ("https://git.example/team/lib.git", "git+https://git.example/team/lib.git@main"),
        ("ssh://git@git.example/team/", "git+ssh://git@git.example/team/lib"),
        ("http://127.0.0.1:8080/", "git+http://127.0.0.1:8080/lib"),
        ("file:///srv/mirror/", "git+file:///srv/mirror/lib.git"),
    ],
)
def test_a_repository_is_allowed_by_how_its_url_begins(beginning: str, url: str) -> None:
    assert GitReference.parse(url) in AllowedRepositories.parse([beginning])


@pytest.mark.parametrize(
    "url",
    [
        "git+https://git.example.evil.example/team/lib",
        "git+https://git.example/teams/lib",
        "git+https://git.example:8443/team/lib",
        "git+https://git.example/team/../other/lib",
        "git+https://git.example/team/%2e%2e/other/lib",
        "git+https://git.example/team/./lib",
        "git+https://git.example//team/lib",
        "git+ssh://git.example/team/lib",
        "git+file:///team/lib",
    ],
)
def test_what_only_looks_like_it_is_not_allowed(url: str) -> None:
    allowed = AllowedRepositories.parse(["https://git.example/team", "https://other.example/"])

    assert GitReference.parse(url) not in allowed


@pytest.mark.parametrize(
    "beginning",
    [
        "",
        "https://",
        "file:///",
        "git.example/team",
        "http://git.example/",
        "ext::sh",
        "https://a/%2e",
        "https://me:secret@git.example/",
        "https://git.example/../",
        "https://git.example/x@v1",
    ],
)
def test_what_is_no_beginning_of_urls_is_refused(beginning: str) -> None:
    with pytest.raises(InputError) as caught:
        AllowedRepositories.parse([beginning])

    assert "write https://HOST/PATH/" in caught.value.hint
    assert "secret" not in str(caught.value)


def test_nothing_is_allowed_unless_somebody_says_so() -> None:
    assert GitReference.parse("git+https://git.example/lib") not in AllowedRepositories()

"""The tags of a project become releases, and tokens go to the server that they are for."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from builder.domain.digests import Digest
from builder.domain.releases import ProjectPage, RemoteFile
from builder.errors import DigestMismatchError, IndexUnreachableError, InputError
from builder.indexes.elsewhere import Elsewhere
from builder.indexes.forges import GithubProject, GitlabProject, github_api, tokens_of
from builder.indexes.tagged import releases_of_tags
from builder.indexes.transport import Limits, Token
from tests.forge_server import ForgeServer, forge_server

NAME = canonicalize_name("some-pkg")
A, B, C = "a" * 40, "b" * 40, "c" * 64
DEFAULT = r"v?(\d.*)"


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with forge_server() as running:
        yield running


@pytest.fixture
def other() -> Iterator[ForgeServer]:
    with forge_server() as running:
        yield running


def elsewhere(*tokens: Token) -> Elsewhere:
    limits = Limits(backoff_seconds=0.0, retries=1, read_seconds=5.0)
    return Elsewhere(tokens, limits=limits, sleep=lambda _seconds: None)


def github(forge: ForgeServer, variables: Mapping[str, str] | None = None) -> GithubProject:
    given = variables or {}
    return GithubProject(forge.project, given, elsewhere(*tokens_of(given)))


def listed(
    project: GithubProject | GitlabProject,
    matcher: str = DEFAULT,
    *,
    by_git: bool = True,
    dated: bool = False,
) -> ProjectPage:
    return releases_of_tags(NAME, project, matcher, by_git=by_git, dated=dated)


def versions(page: ProjectPage) -> list[str]:
    return [str(one.pin.version) for one in page.candidates]


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_each_tag_that_is_a_version_is_a_release_at_its_commit(
    kind: str, forge: ForgeServer
) -> None:
    forge.tags = [("v1.0", A), ("2.0rc1", B), ("nightly", C), ("v3.0", C)]
    is_github = kind == "github"

    page = listed(github(forge) if is_github else GitlabProject(forge.project, elsewhere()))

    assert versions(page) == ["3.0", "2.0rc1", "1.0"]
    assert [one.sdist.url for one in page.candidates] == [
        f"git+{forge.project}.git@{commit}" for commit in (C, B, A)
    ]
    assert page.notes == ("1 tags that name no version: nightly",)
    assert all(one.by_settings for one in page.candidates)


def test_archives_are_named_by_their_commit(forge: ForgeServer) -> None:
    forge.tags = [("v1.0", A)]

    (of_github,) = listed(github(forge), by_git=False).candidates
    (of_gitlab,) = listed(GitlabProject(forge.project, elsewhere()), by_git=False).candidates

    assert of_github.sdist.url == f"{forge.url}/api/v3/repos/owner/project/tarball/{A}"
    assert of_gitlab.sdist.url == (
        f"{forge.url}/api/v4/projects/owner%2Fproject/repository/archive.tar.gz?sha={A}"
    )
    assert of_github.sdist.filename == "some_pkg-1.0.tar.gz"
    assert of_github.sdist.digest is None


def test_a_matcher_takes_the_version_out_of_the_whole_tag(forge: ForgeServer) -> None:
    forge.tags = [("rel-1.0", A), ("rel-1.0-docs", B), ("x-rel-2.0", C)]

    assert versions(listed(github(forge), r"rel-([\d.]+)")) == ["1.0"]


def test_a_version_that_two_tags_name_otherwise_is_none(forge: ForgeServer) -> None:
    forge.tags = [("v1.0", A), ("1.0", B), ("2.0", A), ("v2.0", A)]

    page = listed(github(forge))

    assert versions(page) == ["2.0"]
    assert page.notes == ("1.0 and v1.0 are both 1.0",)


def test_every_page_of_tags_is_read(forge: ForgeServer) -> None:
    forge.tags = [(f"v1.{count}", A) for count in range(250)]

    assert len(listed(github(forge)).candidates) == 250
    assert [path.rpartition("=")[2] for path in forge.paths] == ["1", "2", "3"]


def test_tags_without_end_are_not_read_for_ever(forge: ForgeServer) -> None:
    forge.tags = [("v1.0", A)] * 100 * 51

    with pytest.raises(IndexUnreachableError, match="goes on after 5,000 tags"):
        listed(github(forge))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"{}",
        b'[{"name": "v1"}]',
        b'[{"name": "v1", "commit": {"sha": "main"}}]',
        b'[{"name": "v1", "commit": {"sha": "--upload-pack=x"}}]',
        b'[{"name": "' + b"v" * 300 + b'", "commit": {"sha": "' + b"a" * 40 + b'"}}]',
        b"[" * 100_000,
    ],
)
def test_an_answer_of_another_kind_is_refused(raw: bytes, forge: ForgeServer) -> None:
    forge.raw = raw

    with pytest.raises(IndexUnreachableError, match="not what such a server gives"):
        listed(github(forge))


def test_times_are_those_of_the_commits_where_ages_matter(forge: ForgeServer) -> None:
    forge.tags = [("v1.0", A), ("v2.0", B)]
    forge.dates = {A: "2020-01-02T03:04:05Z", B: "2024-01-02T05:04:05+02:00"}

    github_page = listed(github(forge), dated=True)
    asked = len(forge.paths)
    gitlab_page = listed(GitlabProject(forge.project, elsewhere()))

    times = [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)]
    assert [one.sdist.upload_time for one in github_page.candidates] == times
    assert asked == 3
    assert [one.sdist.upload_time for one in gitlab_page.candidates] == times
    assert len(forge.paths) == asked + 1


def test_only_the_newest_releases_are_asked_for_their_times(forge: ForgeServer) -> None:
    forge.tags = [(f"v{count}", A) for count in range(1, 41)]
    forge.dates = {A: "2020-01-02T03:04:05Z"}

    page = listed(github(forge), dated=True)

    assert [one.sdist.upload_time is None for one in page.candidates] == [False] * 30 + [True] * 10


def test_the_interface_is_where_the_variables_say_for_the_server_they_are_for() -> None:
    own = {"GITHUB_API_URL": "https://own.example/api/", "GITHUB_SERVER_URL": "https://own.example"}

    assert github_api("https://github.com/o/r", {}) == "https://api.github.com"
    assert github_api("https://own.example/o/r", {}) == "https://own.example/api/v3"
    assert github_api("https://own.example/o/r", own) == "https://own.example/api"
    assert github_api("https://github.com/o/r", own) == "https://api.github.com"


def test_a_project_of_github_has_an_owner_and_a_name() -> None:
    with pytest.raises(InputError, match="names no project on GitHub"):
        GithubProject("https://github.com/a/b/c", {}, elsewhere())


def test_tokens_go_to_the_server_that_they_are_for(forge: ForgeServer, other: ForgeServer) -> None:
    variables = {
        "GITHUB_TOKEN": "secret",
        "GITHUB_SERVER_URL": forge.url,
        "GITLAB_PRIVATE_TOKEN": "private",
        "CI_JOB_TOKEN": "job",
        "CI_SERVER_URL": other.url,
    }
    tokens = tokens_of(variables)
    forge.tags = other.tags = [("v1.0", A)]

    github(forge, variables).tags()
    github(other, variables).tags()
    GitlabProject(other.project, elsewhere(*tokens)).tags()

    assert [one.tokens for one in forge.asked] == [{"Authorization": "Bearer secret"}]
    assert [one.tokens for one in other.asked] == [{"PRIVATE-TOKEN": "private"}] * 2
    assert "secret" not in repr(tokens)
    assert [one.header for one in tokens_of({"CI_JOB_TOKEN": "job"})] == ["JOB-TOKEN"]


@pytest.mark.parametrize("header", ["Authorization", "PRIVATE-TOKEN", "JOB-TOKEN"])
def test_a_redirect_leaves_tokens_behind(
    header: str, forge: ForgeServer, other: ForgeServer, tmp_path: Path
) -> None:
    forge.elsewhere = other.url.replace("127.0.0.1", "localhost")
    other.files["/archive"] = b"content"
    there = elsewhere(Token(forge.url, header, "secret"))

    digest = there.fetch(
        RemoteFile("a.tar.gz", f"{forge.url}/archive", None), tmp_path / "a", lambda _count: None
    )

    assert digest == Digest.of_bytes(b"content")
    assert [one.tokens for one in forge.asked] == [{header: "secret"}]
    assert [one.tokens for one in other.asked] == [{}]


def test_a_file_that_is_promised_is_held_to_it(forge: ForgeServer, tmp_path: Path) -> None:
    forge.files["/archive"] = b"content"
    file = RemoteFile("a.tar.gz", f"{forge.url}/archive", Digest.of_bytes(b"other"))

    with pytest.raises(DigestMismatchError):
        elsewhere().fetch(file, tmp_path / "a", lambda _count: None)

    assert not (tmp_path / "a").exists()


def test_what_an_earlier_run_left_of_an_unpromised_file_is_no_part_of_it(
    forge: ForgeServer, tmp_path: Path
) -> None:
    forge.files["/archive"] = b"content"
    (tmp_path / "a.part").write_bytes(b"con")
    file = RemoteFile("a.tar.gz", f"{forge.url}/archive", None)

    elsewhere().fetch(file, tmp_path / "a", lambda _count: None)

    assert (tmp_path / "a").read_bytes() == b"content"


def test_nothing_unpromised_comes_in_the_clear(tmp_path: Path) -> None:
    file = RemoteFile("a.tar.gz", "http://files.example/a.tar.gz", None)

    with pytest.raises(InputError, match="would come in the clear"):
        elsewhere().fetch(file, tmp_path / "a", lambda _count: None)

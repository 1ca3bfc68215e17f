"""Submodules are packed where they are wanted, from nowhere but where they may come from."""

import os
import tarfile
from pathlib import Path

import pytest

from builder.domain.repositories import GitReference, Submodules
from builder.errors import BuilderError, InputError
from builder.indexes.git import GitRepositories
from builder.indexes.git_submodules import Declared, declared, is_usable, linked, source_of
from tests.git_repository import GitRepository, smart_server

ALL = Submodules(every=True)
COMMIT = "1" * 40
PARENT = GitReference.parse("git+https://user:secret@git.example/group/project@v1")


@pytest.fixture
def project(tmp_path: Path) -> GitReference:
    """A repository with two submodules, one of which has one itself, some named relatively."""
    served = tmp_path / "served"
    inner, left, right, top = (
        GitRepository.make(served / name) for name in ("inner", "left", "right", "top")
    )
    inner_commit = inner.commit({"in": "inner"})
    left.commit({"file": "left"})
    left_commit = left.add_submodules(("deep/inner", "../inner", inner_commit))
    right_commit = right.commit({"file": "right"})
    right.commit({"file": "newer than what is named"})
    top.commit({"setup.py": "top"})
    commit = top.add_submodules(
        ("vendor/left", "../left", left_commit),
        ("vendor/right", f"file://{right.folder}", right_commit),
    )
    return GitReference.parse(f"{top.url}@{commit}")


@pytest.fixture
def git(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "cache", dict(os.environ))


def files(path: Path) -> dict[str, str]:
    with tarfile.open(path) as tar:
        opened = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read().decode() for name, file in opened.items() if file is not None}


def test_all_of_them_are_packed_with_those_below_them(
    project: GitReference, git: GitRepositories, tmp_path: Path
) -> None:
    first = git.archive(project, "p", tmp_path / "1.tar.gz", ALL)
    again = GitRepositories(tmp_path / "other", dict(os.environ))

    packed = files(tmp_path / "1.tar.gz")
    del packed["p/.gitmodules"], packed["p/vendor/left/.gitmodules"]
    assert packed == {
        "p/setup.py": "top",
        "p/vendor/left/file": "left",
        "p/vendor/left/deep/inner/in": "inner",
        "p/vendor/right/file": "right",
    }
    assert again.archive(project, "p", tmp_path / "2.tar.gz", ALL) == first
    assert list((tmp_path / "cache").glob(".joined-*")) == []


def test_those_at_the_named_paths_are_packed_and_others_not(
    project: GitReference, git: GitRepositories, tmp_path: Path
) -> None:
    git.archive(project, "p", tmp_path / "1.tar.gz", Submodules(paths=("vendor/right/",)))

    packed = files(tmp_path / "1.tar.gz")
    assert set(packed) == {"p/.gitmodules", "p/setup.py", "p/vendor/right/file"}


def test_a_path_without_a_submodule_is_told_with_those_that_there_are(
    project: GitReference, git: GitRepositories, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no submodule at 'vendor'") as caught:
        git.archive(project, "p", tmp_path / "1.tar.gz", Submodules(paths=("vendor",)))

    assert "vendor/left, vendor/right" in (caught.value.hint or "")
    assert not (tmp_path / "1.tar.gz").exists()


def test_what_is_declared_and_not_there_is_passed_over(
    git: GitRepositories, tmp_path: Path
) -> None:
    repository = GitRepository.make(tmp_path / "served")
    text = '[submodule "gone"]\n\tpath = gone\n\turl = ../gone\n[submodule "x"]\n\tpath = x\n'
    repository.commit({".gitmodules": text, "gone": "a file now"})

    git.archive(GitReference.parse(repository.url), "p", tmp_path / "1.tar.gz", ALL)

    assert files(tmp_path / "1.tar.gz")["p/gone"] == "a file now"


def test_a_source_without_submodules_is_packed_as_it_is(
    git: GitRepositories, tmp_path: Path
) -> None:
    repository = GitRepository.make(tmp_path / "served")
    repository.commit({"a": "1"})

    git.archive(GitReference.parse(repository.url), "p", tmp_path / "1.tar.gz", ALL)

    assert files(tmp_path / "1.tar.gz") == {"p/a": "1"}


def test_a_repository_that_holds_itself_ends(git: GitRepositories, tmp_path: Path) -> None:
    repository = GitRepository.make(tmp_path / "served")
    commit = repository.commit({"a": "1"})
    for _ in range(12):
        commit = repository.add_submodules(("again", "./", commit))

    with pytest.raises(InputError, match="levels deep"):
        git.archive(GitReference.parse(repository.url), "p", tmp_path / "1.tar.gz", ALL)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example/other", "https://git.example/other"),
        ("../other.git", "https://git.example/group/other.git"),
        ("./below", "https://git.example/group/project/below"),
        ("../../elsewhere/x", "https://git.example/elsewhere/x"),
        ("git@git.example:group/other.git", "ssh://git@git.example/group/other.git"),
    ],
)
def test_addresses_are_read_as_git_reads_them(url: str, expected: str) -> None:
    assert source_of(PARENT, Declared("sub", url), COMMIT) == GitReference(expected, COMMIT)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "/etc",
        "http://127.0.0.1/x",
        "http://git.example/x",
        "ext::sh -c true",
        "-u./evil",
        "ssh://-oProxyCommand=x/y",
        "../../../../x",
        "",
    ],
)
def test_addresses_that_would_make_this_machine_ask_itself_are_refused(url: str) -> None:
    with pytest.raises(InputError):
        source_of(PARENT, Declared("sub", url), COMMIT)


def test_a_login_goes_to_its_own_host_alone() -> None:
    same = source_of(PARENT, Declared("sub", "../other"), COMMIT)
    other = source_of(PARENT, Declared("sub", "https://me:pw@other.example/x"), COMMIT)

    assert same.login == ("user", "secret")
    assert other.login is None


@pytest.mark.parametrize("path", ["../x", "/x", ".git/hooks", "a/../b", "a//b", "", ".", "a/.git"])
def test_paths_that_leave_their_place_are_not_used(path: str) -> None:
    assert not is_usable(path)


def test_only_links_to_commits_count() -> None:
    assert linked(f"160000 commit {COMMIT}\tsub\0".encode(), "sub") == COMMIT
    assert linked(f"100644 blob {COMMIT}\tsub\0".encode(), "sub") is None
    assert linked(b"", "sub") is None


def test_names_may_hold_dots_and_what_is_half_told_is_none() -> None:
    listed = b"submodule.a.b.path\na/b\0submodule.a.b.url\n../b\0submodule.c.path\nc\0"

    assert declared(listed) == (Declared("a/b", "../b"),)


def modules(name: str, path: str, url: str) -> str:
    return f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n'


@pytest.mark.parametrize(
    ("name", "path", "url", "reason"),
    [
        ("part", "part", "file://{0}/inner", "is not fetched from there"),
        ("part", "part", "{0}/inner", "names no repository"),
        ("part", "part", "../../../../{0}/inner", "above the repository host|gitmodulesUrl"),
        ("part", "part", "ext::touch% {0}/canary", "names no repository"),
        ("part", "part", "-u{0}/canary", "gitmodules|fsck"),
        ("part", "part", "ssh://-oProxyCommand=touch/x", "no repository|gitmodules|fsck"),
        ("part", "../part", "../inner/.git", "is no path of a submodule"),
        ("part", "/part", "../inner/.git", "is no path of a submodule"),
        ("part", "a/../../part", "../inner/.git", "is no path of a submodule"),
        ("part", ".git/hooks", "../inner/.git", "is no path of a submodule"),
        ("../../part", "part", "../inner/.git", "gitmodules|fsck"),
    ],
)
def test_modules_that_lead_to_this_machine_or_out_of_the_tree_are_refused(
    name: str, path: str, url: str, reason: str, git: GitRepositories, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    inner, top = (GitRepository.make(served / folder) for folder in ("inner", "top"))
    commit = inner.commit({"secret": "of this machine"})
    top.commit({".gitmodules": modules(name, path, url.format(served))})
    top.git("update-index", "--add", "--cacheinfo", f"160000,{commit},part")
    top.git("commit", "--quiet", "--message=a link")

    with smart_server(served) as server, pytest.raises(BuilderError, match=reason):
        git.archive(
            git.fetch(GitReference.parse(f"{server.url}/top/.git@main")),
            "p",
            tmp_path / "1.tar.gz",
            ALL,
        )

    assert not (tmp_path / "1.tar.gz").exists()
    assert list(served.glob("canary*")) == []
    assert [it for it in (tmp_path / "cache").glob("*.git") if commit in it.name] == []


def test_a_path_through_a_link_leads_nowhere(git: GitRepositories, tmp_path: Path) -> None:
    served, outside = tmp_path / "served", tmp_path / "outside"
    outside.mkdir()
    inner, top = (GitRepository.make(served / folder) for folder in ("inner", "top"))
    commit = inner.commit({"in": "inner"})
    top.commit({".gitmodules": modules("part", "link/part", "../inner")})
    (top.folder / "link").symlink_to(outside)
    top.git("add", "--all")
    top.git("commit", "--quiet", "--message=a link")
    through = git.fetch(GitReference.parse(top.url))
    (top.folder / "link").unlink()
    top.git("rm", "--quiet", "--cached", "link")
    top.git("update-index", "--add", "--cacheinfo", f"160000,{commit},link/part")
    top.git("commit", "--quiet", "--message=a folder")
    beside = git.fetch(GitReference.parse(top.url))

    git.archive(through, "p", tmp_path / "1.tar.gz", ALL)
    git.archive(beside, "p", tmp_path / "2.tar.gz", ALL)

    assert set(files(tmp_path / "1.tar.gz")) == {"p/.gitmodules"}
    assert files(tmp_path / "2.tar.gz")["p/link/part/in"] == "inner"
    assert list(outside.iterdir()) == []

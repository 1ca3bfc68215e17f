"""Repositories are read by the real git; nothing that they hold has any effect but as bytes."""

import os
import tarfile
import time
from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.domain.repositories import GitReference
from builder.errors import IndexUnreachableError, InputError
from builder.indexes.git import GitLimits, GitRepositories
from builder.indexes.git_commands import git_environment
from builder.indexes.git_errors import unreachable
from tests.git_repository import (
    GitRepository,
    demanding_server,
    dumb_server,
    redirecting_server,
    smart_server,
)


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository.make(tmp_path / "served" / "project")


@pytest.fixture
def git(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "cache", dict(os.environ))


def parsed(text: str) -> GitReference:
    return GitReference.parse(text)


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar}


def content(path: Path, name: str) -> bytes:
    with tarfile.open(path) as tar:
        found = tar.extractfile(name)
        assert found is not None
        return found.read()


def test_a_tag_a_branch_a_commit_and_nothing_lead_to_commits(
    repository: GitRepository, git: GitRepositories
) -> None:
    first = repository.commit({"a": "1"}, tag="v1.0")
    second = repository.commit({"a": "2"})
    repository.git("branch", "some/branch")
    third = repository.commit({"a": "3"})
    refs = {"@v1.0": first, "@some/branch": second, "@main": third, "": third}
    refs |= {f"@{first}": first, f"@{second[:12]}": second, "@refs/tags/v1.0": first}

    found = {ref: git.fetch(parsed(repository.url + ref)).ref for ref in refs}

    assert found == refs


def test_a_commit_is_fetched_once(repository: GitRepository, git: GitRepositories) -> None:
    commit = repository.commit({"a": "1"})
    reference = git.fetch(parsed(f"{repository.url}@main"))
    repository.folder.rename(repository.folder.with_name("gone"))

    assert git.fetch(reference).ref == commit
    with pytest.raises(IndexUnreachableError):
        git.fetch(parsed(f"{repository.url}@main"))


def test_an_archive_is_the_same_from_every_cache(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1", "folder/b": "2"}, tag="v1.0")
    repository.commit({"c": "3"})
    repository.git("tag", "another", commit)
    other = GitRepositories(tmp_path / "other", dict(os.environ))

    one = git.archive(git.fetch(parsed(f"{repository.url}@v1.0")), "p-1.0", tmp_path / "1.tar.gz")
    two = other.archive(parsed(f"{repository.url}@{commit}"), "p-1.0", tmp_path / "2.tar.gz")

    assert one == two == Digest.of_file(tmp_path / "1.tar.gz")
    names = {"p-1.0", "p-1.0/a", "p-1.0/folder", "p-1.0/folder/b"}
    assert set(members(tmp_path / "1.tar.gz")) == names
    assert {it.mtime for it in members(tmp_path / "1.tar.gz").values()} == {1577934245}


@pytest.mark.parametrize("how", ["smart", "dumb"])
def test_repositories_come_over_http_on_this_machine(
    how: str, repository: GitRepository, git: GitRepositories
) -> None:
    first = repository.commit({"a": "1"}, tag="v1.0")
    second = repository.commit({"a": "2"})
    repository.git("update-server-info")
    serve = smart_server if how == "smart" else dumb_server
    with serve(repository.folder.parent) as server:
        url = f"{server.url}/project/.git"

        found = [git.fetch(parsed(url + ref)).ref for ref in ("@v1.0", "", f"@{first}")]

    assert found == [first, second, first]


def test_a_login_is_sent_and_not_shown(repository: GitRepository, git: GitRepositories) -> None:
    repository.commit({"a": "1"})
    with smart_server(repository.folder.parent) as server:
        url = server.url.replace("://", "://some%40body:se%3Acret@")

        found = git.fetch(parsed(f"{url}/project/.git"))

    assert set(server.heard) == {"Basic c29tZUBib2R5OnNlOmNyZXQ="}
    assert "secret" not in str(found)
    assert "se%3Acret" not in str(found) + repr(found)


def test_a_login_goes_to_no_other_host(repository: GitRepository, git: GitRepositories) -> None:
    repository.commit({"a": "1"})
    with (
        smart_server(repository.folder.parent) as server,
        redirecting_server(server.url.removeprefix("git+")) as first,
    ):
        git.fetch(parsed(f"{first.url}/project/.git"))
        asked_without = len(server.heard)
        url = first.url.replace("://", "://somebody:secret@")

        with pytest.raises(IndexUnreachableError, match="could not be fetched"):
            git.fetch(parsed(f"{url}/project/.git"))

    assert asked_without > 0
    assert server.heard == [""] * asked_without


@pytest.mark.parametrize("target", ["file://", "ftp://127.0.0.1", "ext::touch%20canary"])
def test_no_redirect_leads_to_another_way_of_fetching(
    target: str, repository: GitRepository, git: GitRepositories
) -> None:
    repository.commit({"a": "1"})
    with (
        redirecting_server(f"{target}{repository.folder}") as server,
        pytest.raises(IndexUnreachableError, match="could not be fetched"),
    ):
        git.fetch(parsed(f"{server.url}/.git"))


def test_a_long_history_stays_where_it_is(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    for number in range(20):
        repository.commit({"a": str(number)})

    commit = git.fetch(parsed(f"{repository.url}@main")).ref

    (cached,) = (tmp_path / "cache").glob("*.git")
    history = GitRepository(cached).git("rev-list", commit).split()
    assert history == [commit]


def test_refs_that_look_like_options_are_only_names(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    first = repository.commit({"a": "1"})
    canary = tmp_path / "canary"
    for name in (f"--upload-pack=touch${{IFS}}{canary}", "-x"):
        repository.git("update-ref", f"refs/heads/{name}", first)
        repository.git("update-ref", f"refs/tags/{name}", first)
    repository.commit({"a": "2"})

    found = git.fetch(parsed(f"{repository.url}@{first[:12]}"))
    digest = git.archive(found, "p", tmp_path / "p.tar.gz")

    assert found.ref == first
    assert digest == Digest.of_file(tmp_path / "p.tar.gz")
    assert not canary.exists()


def test_what_is_not_there_is_told(repository: GitRepository, git: GitRepositories) -> None:
    repository.commit({"a": "1"})

    with pytest.raises(InputError, match="has no 'v9'"):
        git.fetch(parsed(f"{repository.url}@v9"))
    with pytest.raises(InputError, match=f"has no '{'0' * 40}'"):
        git.fetch(parsed(f"{repository.url}@{'0' * 40}"))
    with pytest.raises(IndexUnreachableError, match="could not be fetched"):
        git.fetch(parsed(f"{repository.url}-elsewhere"))


def test_a_repository_of_another_user_is_told_as_such(
    repository: GitRepository, git: GitRepositories
) -> None:
    if os.geteuid() == 0:
        repository.commit({"a": "1"})
        for path in (repository.folder, repository.folder / ".git"):
            os.chown(path, 65534, 65534)
        with pytest.raises(InputError, match="belongs to another user"):
            git.fetch(parsed(repository.url))
    said = "git config --global --add safe.directory /srv/a; fatal: Could not read"

    error = unreachable(GitReference("file:///srv/a"), said)

    assert isinstance(error, InputError)
    assert "clone it" in error.hint


def test_an_empty_repository_has_no_state(repository: GitRepository, git: GitRepositories) -> None:
    with pytest.raises(InputError, match="has no default branch"):
        git.fetch(parsed(repository.url))


def test_attributes_of_the_tree_start_nothing_and_change_nothing(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    files = {
        "subst": "$Format:%H %d %G?$ $Id$",
        "text": "1\n2\n",
        "left-out": "here",
        "filtered": "here",
    }
    attributes = (
        "subst export-subst ident\ntext text eol=crlf\nleft-out export-ignore\n"
        "filtered filter=bad diff=bad working-tree-encoding=UTF-16\n"
    )
    repository.commit({**files, "folder/.gitattributes": "* export-ignore\n", "folder/file": ""})
    (repository.folder / ".gitattributes").write_text(attributes)
    repository.git("update-index", "--add", "--cacheinfo", _blob(repository, ".gitattributes"))
    repository.git("commit", "--quiet", "--message=attributes")
    repository.git("config", "filter.bad.smudge", f"touch {canary}")
    repository.git("config", "filter.bad.process", f"touch {canary}")

    git.archive(git.fetch(parsed(repository.url)), "p", tmp_path / "p.tar.gz")

    assert {name: content(tmp_path / "p.tar.gz", f"p/{name}").decode() for name in files} == files
    assert "p/folder/file" in members(tmp_path / "p.tar.gz")
    assert not canary.exists()


def test_hooks_and_submodules_are_left_alone(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    commit = repository.commit({".gitmodules": _SUBMODULE, "a": "1"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    repository.git("commit", "--quiet", "--message=a submodule")
    for name in ("post-checkout", "post-update", "pre-receive", "reference-transaction"):
        hook = repository.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)
    repository.git("config", "uploadpack.packObjectsHook", f"touch {canary}; exec git")
    repository.git("config", "core.fsmonitor", f"touch {canary}")

    found = git.fetch(parsed(repository.url))
    git.archive(found, "p", tmp_path / "p.tar.gz")

    assert git.has_submodules(found)
    assert set(members(tmp_path / "p.tar.gz")) == {"p", "p/.gitmodules", "p/a", "p/sub"}
    assert not canary.exists()


def test_modules_that_would_run_something_are_refused(
    repository: GitRepository, git: GitRepositories
) -> None:
    repository.commit({".gitmodules": _SUBMODULE.replace("https://git.example/x", "-u./evil")})

    with pytest.raises(IndexUnreachableError, match=r"gitmodules|fsck"):
        git.fetch(parsed(repository.url))


def test_links_and_names_stay_what_they_are_for_the_container_to_judge(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    long_name = "/".join(["x" * 200] * 12)
    (repository.folder / "link").symlink_to("/etc/passwd")
    repository.commit({long_name: "long"})

    git.archive(git.fetch(parsed(repository.url)), "p", tmp_path / "p.tar.gz")

    found = members(tmp_path / "p.tar.gz")
    assert found["p/link"].linkname == "/etc/passwd"
    assert f"p/{long_name}" in found


def test_configuration_of_the_user_has_no_say(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit({"a": "1"})
    (tmp_path / ".gitconfig").write_text(
        f'[url "file:///nonexistent"]\n\tinsteadOf = file://{repository.folder}\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")

    assert (
        GitRepositories(tmp_path / "c", dict(os.environ)).fetch(parsed(repository.url)).ref
        == commit
    )


@pytest.mark.parametrize(
    "name",
    [
        *("GIT_SSH_COMMAND", "GIT_SSH", "GIT_PROXY_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS"),
        *("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_EDITOR", "GIT_TRACE2_EVENT"),
    ],
)
def test_no_program_that_a_variable_names_is_started(
    name: str, repository: GitRepository, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1"})
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\n")
    program.chmod(0o755)
    git = GitRepositories(tmp_path / "c", {**os.environ, name: str(program)})

    assert git.fetch(parsed(repository.url)).ref == commit
    assert not canary.exists()


def test_no_variable_changes_what_git_may_do(repository: GitRepository, tmp_path: Path) -> None:
    commit = repository.commit({"a": "1"})
    canary = tmp_path / "canary"
    hooks = tmp_path / "templates/hooks"
    hooks.mkdir(parents=True)
    (hooks / "reference-transaction").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (hooks / "reference-transaction").chmod(0o755)
    elsewhere = {
        "GIT_ALLOW_PROTOCOL": "ext:ftp",
        "GIT_PROTOCOL_FROM_USER": "1",
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor=touch {canary}'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(hooks),
        "GIT_TEMPLATE_DIR": str(hooks.parent),
        "GIT_EXEC_PATH": str(tmp_path),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(tmp_path / "objects"),
        "GIT_NAMESPACE": "other",
    }

    git = GitRepositories(tmp_path / "c", {**os.environ, **elsewhere})

    assert git.fetch(parsed(repository.url)).ref == commit
    assert not canary.exists()
    assert not (tmp_path / "objects").exists()


def test_helpers_for_logins_are_not_asked(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    configured = f'[credential]\n\thelper = "!touch {canary}; echo password=x"\n'
    (tmp_path / ".gitconfig").write_text(configured)
    monkeypatch.setenv("HOME", str(tmp_path))
    repository.commit({"a": "1"})
    git = GitRepositories(
        tmp_path / "c", {**os.environ, "GIT_CONFIG_GLOBAL": str(tmp_path / ".gitconfig")}
    )

    with demanding_server() as server, pytest.raises(IndexUnreachableError):
        git.fetch(parsed(f"{server.url}/project/.git"))

    assert server.heard == [""]
    assert not canary.exists()


def test_a_repository_that_would_fetch_what_it_lacks_fetches_nothing(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    repository.commit({"a": "lost"})
    lost = repository.git("rev-parse", "HEAD:a")
    (repository.folder / ".git/objects" / lost[:2] / lost[2:]).unlink()
    for setting, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.promisor", "true"),
        ("remote.evil.url", f"ext::touch {canary}"),
        ("protocol.ext.allow", "always"),
        ("protocol.allow", "always"),
    ):
        repository.git("config", setting, value)

    with pytest.raises(IndexUnreachableError):
        git.fetch(parsed(repository.url))

    assert not canary.exists()


def test_what_git_starts_is_held_to_the_same_way_of_fetching() -> None:
    served = git_environment({"GIT_ALLOW_PROTOCOL": "ext"}, parsed("git+file:///srv/a"))
    alone = git_environment({"GIT_NO_LAZY_FETCH": "0"})

    assert (served["GIT_ALLOW_PROTOCOL"], served["GIT_NO_LAZY_FETCH"]) == ("file", "1")
    assert (alone["GIT_ALLOW_PROTOCOL"], alone["GIT_NO_LAZY_FETCH"]) == ("none", "1")


def test_nothing_that_a_repository_borrows_from_is_borrowed_from_here(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    other = GitRepository.make(tmp_path / "other")
    other.commit({"a": "1"})
    commit = repository.commit({"b": "2"})
    info = repository.folder / ".git/objects/info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{other.folder}/.git/objects\n")

    git.fetch(parsed(repository.url))

    (cached,) = (tmp_path / "cache").glob(f"*{commit}.git")
    assert not (cached / "objects/info/alternates").exists()
    assert "promisor" not in (cached / "config").read_text()


def test_what_grows_without_end_or_takes_too_long_is_stopped(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit({"zeros": b"\0" * 3_000_000})
    small = GitRepositories(tmp_path / "1", dict(os.environ), GitLimits(archive_bytes=1_000_000))
    hasty = GitRepositories(tmp_path / "2", dict(os.environ), GitLimits(seconds=0.0))

    with pytest.raises(InputError, match="holds more than 1,000,000 bytes"):
        small.archive(small.fetch(parsed(repository.url)), "p", tmp_path / "p.tar.gz")
    began = time.monotonic()
    with pytest.raises(Exception, match="it took too long"):
        hasty.fetch(parsed(repository.url))

    assert time.monotonic() - began < 10
    assert not (tmp_path / "p.tar.gz").exists()
    assert [path.name for path in tmp_path.glob(".*.part")] == []


def test_what_a_killed_run_left_is_no_hindrance(
    repository: GitRepository, git: GitRepositories, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1"})
    git.fetch(parsed(repository.url))
    (lock,) = (tmp_path / "cache").glob("*.lock")
    left = lock.with_suffix(".part")
    left.mkdir()
    (left / "shallow.lock").write_text("")

    assert git.fetch(parsed(f"{repository.url}@main")).ref == commit
    assert not left.exists()


_SUBMODULE = '[submodule "sub"]\n\tpath = sub\n\turl = https://git.example/x\n\tupdate = none\n'


def _blob(repository: GitRepository, name: str) -> str:
    digest = repository.git("hash-object", "-w", "--no-filters", name)
    return f"100644,{digest},{name}"

"""Git repositories are built from, in real containers, and from their locks elsewhere."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from builder.domain.digests import Digest
from tests.git_repository import GitRepository, smart_server
from tests.system.conftest import Program, another_cache
from tests.system.sdists import BACKEND, Package

pytestmark = pytest.mark.once


TELLS_ITS_VERSION = BACKEND.replace(
    'project["version"]', 'os.environ.get("PRETENDED") or open("VERSION").read().strip()'
)
GIT_WHEELS = [
    "application-1.0-0-py3-none-any.whl",
    "library-2.0-0-py3-none-any.whl",
    "one_file-1.0-0-py3-none-any.whl",
]


def files_of(package: Package) -> dict[str, bytes]:
    """What a repository of a package holds."""
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(package.sdist())) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            files[member.name.partition("/")[2]] = content.read()
    return files


def with_hooks_that_tell(name: str, version: str, salt: str) -> dict[str, str]:
    """A source whose version no file states in a way that others can read."""
    pyproject = (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\ndynamic = ["version"]\n'
        "[tool.one-file]\nhook-requires = []\nsays = []\n"
    )
    files = {"pyproject.toml": pyproject, "backend.py": TELLS_ITS_VERSION}
    return {**files, "VERSION": version, "salt": salt}


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository.make(tmp_path / "served" / "library")


@pytest.fixture
def library(salt: str) -> Package:
    return Package("library", "2.0", salt=salt)


@pytest.fixture
def tree(program: Program, salt: str) -> Program:
    """An index with a backend, an old library, and an application that needs some library."""
    program.publish(
        Package("one-file", backend="", salt=salt),
        Package("library", "1.0", salt=salt),
        Package("application", salt=salt, requires=("library>=1",)),
    )
    return program


def requirements(program: Program, *lines: str) -> tuple[str, str]:
    file = program.output.parent / "requirements.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    return "-r", str(file)


def graph(program: Program) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(program.graph.read_text())
    return loaded


def left(program: Program, name: str) -> list[str]:
    """The files whose name says that they are of a project."""
    return sorted(
        str(path.relative_to(program.output))
        for path in program.output.rglob(f"{name}*")
        if path.is_file() and path.suffix != ".log" and "simple" not in path.parts
    )


def test_a_line_that_names_a_tag_alone_is_built_and_recorded(
    tree: Program, repository: GitRepository, library: Package
) -> None:
    commit = repository.commit(files_of(library), tag="v2.0")
    repository.commit({"salt": "later"})
    asked = requirements(tree, "application", f"{repository.url}@v2.0")

    done = tree.run("bootstrap", *asked)
    before = tree.graph.read_bytes()
    again = tree.run("bootstrap", *asked)

    assert done.status == 0, done.stderr
    assert tree.wheels() == GIT_WHEELS
    node = graph(tree)["library==2.0"]
    assert node["download_url"] == f"{repository.url}@{commit}"
    archive = tree.output / "sdists-repo/downloads/library-2.0.tar.gz"
    assert node["source_sha256"] == Digest.of_file(archive).sha256
    edges = {edge["key"]: edge for edge in graph(tree)[""]["edges"]}
    assert edges["library==2.0"]["req"] == f"library @ {repository.url}@v2.0"
    assert [edge["key"] for edge in graph(tree)["application==1.0"]["edges"]] == [
        "one-file==1.0",
        "library==2.0",
    ]
    entries = {entry["dist"]: entry for entry in json.loads(tree.build_order.read_text())}
    assert entries["library"]["source_url"] == node["download_url"]
    assert entries["library"]["source_url_type"] == "git"
    assert (tree.output / "work-dir/constraints.txt").read_text() == (
        "application==1.0\nlibrary==2.0\n"
    )
    assert again.status == 0, again.stderr
    assert again.begun == []
    assert tree.graph.read_bytes() == before


def test_a_lock_is_built_elsewhere_from_the_carried_archive_or_the_commit(
    tree: Program, repository: GitRepository, library: Package, tmp_path: Path
) -> None:
    repository.commit(files_of(library), tag="v2.0")
    asked = ("application", f"library @ {repository.url}@main")
    discovered = tree.run("bootstrap", "--sdist-only", *asked)
    assert discovered.status == 0, discovered.stderr
    repository.commit({"salt": "moved on"})
    carried, bare, order = (tree.copied(tmp_path / it) for it in ("carried", "bare", "order"))
    archive = "sdists-repo/downloads/library-2.0.tar.gz"
    content = (tree.output / archive).read_bytes()
    (bare.output / archive).unlink()

    with another_cache(tree.engine, tmp_path / "cache") as variables:
        fetched = bare.run("build-parallel", str(bare.graph), variables=variables)
    repository.folder.rename(repository.folder.with_name("gone"))
    with another_cache(tree.engine, tmp_path / "cache2") as variables:
        offline = carried.run("build-parallel", str(carried.graph), variables=variables)
        by_order = order.run("build-sequence", str(order.build_order), variables=variables)
        (order.output / archive).unlink()
        lost = order.run("build-sequence", "--force", str(order.build_order), variables=variables)

    assert fetched.status == 0, fetched.stderr
    assert (bare.output / archive).read_bytes() == content
    for done, program in ((offline, carried), (by_order, order)):
        assert done.status == 0, done.stderr
        assert program.wheels() == GIT_WHEELS
        assert program.graph.read_bytes() == tree.graph.read_bytes()
    assert lost.status == 5, lost.stderr
    assert "library.git" in lost.stderr or str(repository.folder) in lost.stderr


def test_a_lock_without_digests_is_completed(
    tree: Program, repository: GitRepository, library: Package, tmp_path: Path
) -> None:
    commit = repository.commit(files_of(library), tag="v2.0")
    assert tree.run("bootstrap", "--sdist-only", f"{repository.url}@v2.0").status == 0
    lock = graph(tree)
    for key in ("source_sha256", "build_requires", "build_environment", "requires_dist"):
        lock["library==2.0"].pop(key)
    lock["library==2.0"]["download_url"] = f"{repository.url}@v2.0"
    old = tmp_path / "old.json"
    old.write_text(json.dumps(lock))
    other = Program(tree.engine, tree.index, tmp_path / "other")

    done = other.run("build-parallel", str(old))

    assert done.status == 0, done.stderr
    node = graph(other)["library==2.0"]
    assert node["download_url"] == f"{repository.url}@{commit}"
    assert node["source_sha256"] == graph(tree)["library==2.0"]["source_sha256"]


def test_hooks_tell_the_version_that_no_file_states(
    tree: Program, repository: GitRepository, salt: str
) -> None:
    repository.commit(with_hooks_that_tell("library", "3.1.dev4", salt))
    asked = ("application", repository.url)

    done = tree.run("bootstrap", *asked)
    before = tree.graph.read_bytes()
    again = tree.run("bootstrap", *asked)

    assert done.status == 0, done.stderr
    assert "library==3.1.dev4" in graph(tree)
    assert left(tree, "library") == [
        "sdists-repo/builds/library-3.1.dev4.tar.gz",
        "sdists-repo/downloads/library-3.1.dev4.tar.gz",
        "wheels-repo/downloads/library-3.1.dev4-0-py3-none-any.whl",
    ]
    assert again.begun == []
    assert tree.graph.read_bytes() == before


def test_hooks_that_cannot_tell_are_a_failed_build_with_a_way_out(
    tree: Program, repository: GitRepository, salt: str, tmp_path: Path
) -> None:
    files = with_hooks_that_tell("library", "1.0", salt)
    repository.commit({**files, "VERSION": "no version"})

    done = tree.run("bootstrap", "application", repository.url)
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "library.yaml").write_text("env: {PRETENDED: 3.1.dev4}\n")
    told = tree.run("bootstrap", "--settings-dir", str(settings), "application", repository.url)
    assert "library==3.1.dev4" in graph(tree)
    tree.graph.unlink()
    gone = "gone @ git+file:///nonexistent/gone@v1"
    tolerant = tree.run("bootstrap", "--test-mode", "one-file", repository.url, gone)

    assert told.status == 0, told.stderr
    assert done.status == 100, done.stderr
    assert "failed: library==0+git." in done.stderr
    assert f"you asked -> library @ {repository.url} (toplevel)" in done.stderr
    assert "hint: name a tag that is a version" in done.stderr
    assert "SETUPTOOLS_SCM_PRETEND_VERSION" in done.stderr
    assert f"repeat: builder bootstrap 'library @ {repository.url}'" in done.stderr
    assert not tree.graph.exists() or "library" not in tree.graph.read_text()
    assert tolerant.status == 100, tolerant.stderr
    assert f"left out: {gone} (the command line)" in tolerant.stderr
    assert "one-file==1.0" in graph(tree)


def test_extras_and_markers_count_on_the_named_form(
    tree: Program, repository: GitRepository, library: Package
) -> None:
    extra = '[project.optional-dependencies]\nmore = ["application"]\n'
    files = files_of(library)
    pyproject = files["pyproject.toml"].decode()
    says = "says = [\"application; extra == 'more'\"]"
    repository.commit({**files, "pyproject.toml": pyproject.replace("says = []", says) + extra})
    asked = requirements(
        tree,
        f"Library[more] @ {repository.url} ; python_version > '3'",
        "nowhere @ git+file:///nonexistent/nowhere@v1 ; python_version < '3'",
    )

    done = tree.run("bootstrap", *asked)

    assert done.status == 0, done.stderr
    assert tree.wheels() == GIT_WHEELS
    (edge,) = graph(tree)[""]["edges"]
    assert edge["req"] == f'Library[more] @ {repository.url} ; python_version > "3"'


def test_an_earlier_graph_holds_the_commit_of_a_branch(
    tree: Program, repository: GitRepository, library: Package, tmp_path: Path
) -> None:
    first = repository.commit(files_of(library))
    asked = ("bootstrap", "--sdist-only", f"{repository.url}@main")
    assert tree.run(*asked).status == 0
    earlier = tree.graph.rename(tmp_path / "earlier.json")
    second = repository.commit({"salt": "moved on"})

    held = tree.run(*asked, "-p", str(earlier))
    held_url = graph(tree)["library==2.0"]["download_url"]
    moved = tree.run(*asked)

    assert (held.status, moved.status) == (0, 0), held.stderr + moved.stderr
    assert held_url.endswith(first)
    assert graph(tree)["library==2.0"]["download_url"].endswith(second)


def test_what_does_not_fit_a_repository_is_explained(
    tree: Program, repository: GitRepository, library: Package, salt: str, tmp_path: Path
) -> None:
    repository.commit(files_of(library), tag="v2.0")
    tree.publish(Package("old", salt=salt, requires=("library<2",)))
    limits = tmp_path / "limits.txt"
    limits.write_text("library==1.0\n")
    with_url = tmp_path / "with-url.txt"
    with_url.write_text(f"{repository.url}@v2.0\n")
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings/library.yaml").write_text("variants: {cpu: {pre_built: true}}\n")

    conflict = tree.run("bootstrap", "old", repository.url)
    limited = tree.run("bootstrap", repository.url, "-c", str(limits))
    constrained = tree.run("bootstrap", "old", "-c", str(with_url))
    misnamed = tree.run("bootstrap", f"other @ {repository.url}@v2.0")
    twice = tree.run("bootstrap", repository.url, f"library @ {repository.url}@{'0' * 40}")

    ready_made = tree.run("bootstrap", repository.url, "--settings-dir", str(tmp_path / "settings"))

    assert conflict.status == 3, conflict.stderr
    assert "old==1.0 requires library<2" in conflict.stderr
    assert f"the command line requires library @ {repository.url}" in conflict.stderr
    assert limited.status == 3, limited.stderr
    assert "limits.txt:1 limits library to ==1.0" in limited.stderr
    assert constrained.status == 2, constrained.stderr
    assert "with-url.txt:1: a constraint has no URL" in constrained.stderr
    assert misnamed.status == 2, misnamed.stderr
    assert f"hint: write library @ {repository.url}@v2.0" in misnamed.stderr
    assert twice.status == 2, twice.stderr
    assert ready_made.status == 2, ready_made.stderr
    assert "the settings have its wheel taken from an index" in ready_made.stderr
    assert tree.wheels() == []


def test_repositories_that_packages_name_are_followed_where_that_is_allowed(
    program: Program, repository: GitRepository, library: Package, salt: str, tmp_path: Path
) -> None:
    gadget = GitRepository.make(tmp_path / "served" / "gadget")
    gadget.commit(with_hooks_that_tell("gadget", "3.1.dev4", salt))
    commit = repository.commit(files_of(library), tag="v2.0")
    with smart_server(repository.folder.parent) as server:
        needs = f"library @ {server.url}/library/.git@v2.0"
        builds_with = f"gadget @ {server.url}/gadget/.git@main"
        program.publish(
            Package("one-file", backend="", salt=salt),
            Package("library", "2.0", salt=f"of the index, {salt}"),
            Package("library", "3.0", salt=salt),
            Package("application", salt=salt, requires=(needs,), build_requires=(builds_with,)),
            Package("top", salt=salt, requires=("library", "application")),
        )
        settings = tmp_path / "settings.yaml"
        settings.write_text(f"git: {{allow: ['{server.url}/library/']}}\n")
        allowed = ("--settings-file", str(settings), "--allow-git", f"{server.url}/gadget/")
        refused = program.run("bootstrap", "--sdist-only", "top", *allowed[2:])
        discovered = program.run("bootstrap", "--sdist-only", "top", *allowed)
        earlier = program.graph.rename(tmp_path / "earlier.json")
        gadget.commit({"salt": "moved on"})
        again = program.run("bootstrap", "--sdist-only", "top", *allowed, "-p", str(earlier))
    bare = program.copied(tmp_path / "bare")
    with another_cache(program.engine, tmp_path / "cache") as variables:
        built = bare.run("build-parallel", str(bare.graph), variables=variables)

    assert refused.status == 3, refused.stderr
    assert f"the command line -> top==1.0 -> application==1.0 requires {needs}" in refused.stderr
    assert f"hint: allow it with --allow-git {server.url[4:]}/library/.git" in refused.stderr
    assert discovered.status == 0, discovered.stderr
    assert again.status == 0, again.stderr
    assert program.graph.read_bytes() == earlier.read_bytes()
    nodes = graph(program)
    assert nodes["library==2.0"]["download_url"] == f"{server.url}/library/.git@{commit}"
    edges = {edge["key"]: edge for edge in nodes["application==1.0"]["edges"]}
    assert edges["library==2.0"]["req"] == needs
    assert (edges["gadget==3.1.dev4"]["req"], edges["gadget==3.1.dev4"]["req_type"]) == (
        builds_with,
        "build-system",
    )
    assert left(program, "gadget") == [
        "sdists-repo/builds/gadget-3.1.dev4.tar.gz",
        "sdists-repo/downloads/gadget-3.1.dev4.tar.gz",
        "wheels-repo/downloads/gadget-3.1.dev4-0-py3-none-any.whl",
    ]
    archive = program.output / "sdists-repo/downloads/library-2.0.tar.gz"
    assert nodes["library==2.0"]["source_sha256"] == Digest.of_file(archive).sha256
    assert built.status == 0, built.stderr
    assert {wheel.partition("-")[0] for wheel in bare.wheels()} == {
        *("application", "gadget", "library", "one_file", "top"),
    }


def test_logins_are_in_no_file_and_no_message(
    tree: Program, repository: GitRepository, library: Package
) -> None:
    repository.commit(files_of(library), tag="v2.0")
    with smart_server(repository.folder.parent) as server:
        url = server.url.replace("://", "://somebody:swordfish@") + "/library/.git"
        asked = requirements(tree, f"{url}@v2.0", "library[more] @ ${PLACE}@v2.0")

        done = tree.run("bootstrap", *asked, variables={"PLACE": url})
        wrong = tree.run("bootstrap", f"{url}@v9")

    assert done.status == 0, done.stderr
    assert server.heard[0].startswith("Basic ")
    assert wrong.status == 2, wrong.stderr
    for said in (done.stdout + done.stderr, wrong.stdout + wrong.stderr):
        assert "swordfish" not in said
    files = [path for path in tree.output.rglob("*") if path.is_file()]
    assert [path for path in files if b"swordfish" in path.read_bytes()] == []
    assert graph(tree)["library==2.0"]["download_url"].startswith("git+http://127.0.0.1:")


def test_submodules_belong_to_the_source_where_settings_say_so(
    tree: Program, repository: GitRepository, library: Package, tmp_path: Path
) -> None:
    data = GitRepository.make(tmp_path / "served" / "data")
    commit = data.commit({"table": "1 2 3"})
    repository.commit(files_of(library))
    repository.add_submodules(("vendor/data", "../data", commit))
    settings = tmp_path / "settings"
    settings.mkdir()
    command = ("bootstrap", "--sdist-only", "--settings-dir", str(settings), repository.url)
    archive = tree.output / "sdists-repo/downloads/library-2.0.tar.gz"

    without = tree.run(*command)
    names = names_in(archive)
    (settings / "library.yaml").write_text("git_options: {submodules: true}\n")
    taken = tree.run(*command)
    archive_with = archive.read_bytes()
    archive.unlink()
    with another_cache(tree.engine, tmp_path / "cache") as variables:
        fetched = tree.run(
            "build-parallel",
            "--settings-dir",
            str(settings),
            str(tree.graph),
            variables=variables,
        )

    assert (without.status, taken.status, fetched.status) == (0, 0, 0), fetched.stderr
    assert "has submodules, which are left out: git_options.submodules" in without.stderr
    assert "library-2.0/vendor/data/table" not in names
    assert "left out" not in taken.stderr
    assert "library-2.0/vendor/data/table" in names_in(archive)
    assert archive.read_bytes() == archive_with


def names_in(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


TELLS_WHAT_IS_VENDORED = """
import os
found = sorted(name for name in os.listdir("vendor") if os.listdir(f"vendor/{name}"))
with open("vendored.py", "w") as file:
    file.write(f"FOUND = {found}\\n")
"""


def test_every_form_builds_with_all_some_and_no_submodules(
    tree: Program, repository: GitRepository, salt: str, tmp_path: Path
) -> None:
    parts = [GitRepository.make(tmp_path / "served" / name) for name in ("left", "right")]
    links = [(f"vendor/{it.folder.name}", f"../../{it.folder.name}/.git") for it in parts]
    commits = [it.commit({"part": it.folder.name}) for it in parts]
    package = Package("library", "2.0", salt=salt, payload=TELLS_WHAT_IS_VENDORED)
    repository.commit(files_of(package))
    commit = repository.add_submodules(
        *((path, url, at) for (path, url), at in zip(links, commits, strict=True))
    )
    repository.git("tag", "v2.0")
    settings = tmp_path / "settings"
    settings.mkdir()

    with smart_server(repository.folder.parent) as server:
        url = f"{server.url}/library/.git"

        def vendored(line: str, options: str) -> str:
            (settings / "library.yaml").write_text(f"git_options: {options}\n")
            done = tree.run("bootstrap", "--settings-dir", str(settings), line)
            assert done.status == 0, done.stderr
            assert graph(tree)["library==2.0"]["download_url"] == f"{url}@{commit}"
            with zipfile.ZipFile(tree.output / "wheels-repo/downloads" / GIT_WHEELS[1]) as wheel:
                return wheel.read("vendored.py").decode()

        forms = [f"library @ {url}@v2.0", f"library @ {url}@main", f"library @ {url}@{commit}", url]
        everything = [vendored(line, "{submodules: true}") for line in forms]
        some = vendored(url, "{submodules: true, submodule_paths: [vendor/right]}")
        none = vendored(url, "{submodules: false}")

    assert everything == ["FOUND = ['left', 'right']\n"] * 4
    assert some == "FOUND = ['right']\n"
    assert none == "FOUND = []\n"


def test_nothing_that_a_repository_asks_for_is_run_or_followed(
    tree: Program, repository: GitRepository, library: Package, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    repository.commit({**files_of(library), "note": "$Format:%H$"})
    filters = "* filter=evil\n"
    (repository.folder / ".gitattributes").write_text("note export-subst\nsalt export-ignore\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message=attributes")
    (repository.folder / ".git/info").mkdir(exist_ok=True)
    (repository.folder / ".git/info/attributes").write_text(filters)
    for setting in ("filter.evil.smudge", "core.fsmonitor", "uploadpack.packObjectsHook"):
        repository.git("config", setting, f"touch {canary}")
    for name in ("post-checkout", "post-upload-pack", "pre-receive"):
        hook = repository.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)

    done = tree.run("bootstrap", "--sdist-only", repository.url)

    assert done.status == 0, done.stderr
    assert not canary.exists()
    with tarfile.open(tree.output / "sdists-repo/downloads/library-2.0.tar.gz") as tar:
        note = tar.extractfile("library-2.0/note")
        assert note is not None
        assert note.read() == b"$Format:%H$"
        assert "library-2.0/salt" in tar.getnames()


@pytest.mark.parametrize(
    ("files", "links", "reason"),
    [
        ({}, {"passwd": "/etc/passwd"}, "outside the archive"),
        ({}, {"up": "../../elsewhere"}, "outside the archive"),
        ({"pyproject.toml": "[project"}, {}, "pyproject.toml is not valid"),
    ],
)
def test_a_hostile_tree_is_refused_before_anything_is_built(
    tree: Program,
    repository: GitRepository,
    library: Package,
    files: Mapping[str, str],
    links: Mapping[str, str],
    reason: str,
) -> None:
    for name, target in links.items():
        (repository.folder / name).symlink_to(target)
    repository.commit({**files_of(library), **files})

    done = tree.run("bootstrap", repository.url)

    assert done.status == 2, done.stderr
    assert reason in done.stderr
    assert "the command line: git+file://" in done.stderr
    assert tree.wheels() == []


@pytest.mark.parametrize(
    "line",
    [
        "git+file://{0}@--upload-pack=touch${{IFS}}canary",
        "git+ext://sh%20-c%20touch%20canary",
        "library @ git+ssh://-oProxyCommand=touch/canary",
        "git+file://{0}@main;touch",
        "library @ git+file://{0}@v1..v2",
    ],
)
def test_lines_that_are_meant_for_a_shell_or_for_git_reach_neither(
    line: str, tree: Program, repository: GitRepository
) -> None:
    done = tree.run("bootstrap", line.format(repository.folder))

    assert done.status == 2, done.stderr
    assert not tree.output.exists() or tree.wheels() == []
    assert list(Path.cwd().glob("canary")) == []

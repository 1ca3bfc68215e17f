"""Sources come from where settings say that they are, and stay what they were."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.domain.digests import Digest
from tests.forge_server import ForgeServer, forge_server
from tests.git_repository import GitRepository
from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

TARBALL = "/api/v3/repos/owner/project/tarball/"
WHEELS_ONLY = "resolver_dist: {include_wheels: true, include_sdists: false}\n"
NAMES = ("addressed", "archived", "cloned", "listed", "mapped", "stated", "tagged", "wheeled")


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    with forge_server(tmp_path / "served") as running:
        yield running


@pytest.fixture
def packages(salt: str) -> dict[str, Package]:
    return {name: Package(name, backend="", salt=salt) for name in NAMES}


def repository(folder: Path, package: Package) -> GitRepository:
    """A repository that holds a package, with a tag."""
    made = GitRepository.make(folder)
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(package.sdist())) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            files[member.name.partition("/")[2]] = content.read()
    made.commit(files, tag="v1.0")
    return made


@dataclass(frozen=True)
class Scene:
    """An index, servers and repositories, and settings that lead to them."""

    program: Program
    forge: ForgeServer
    packages: Mapping[str, Package]
    repositories: Mapping[str, GitRepository]
    settings: Path

    def lay(self, name: str, text: str) -> None:
        (self.settings / f"{name}.yaml").write_text(text)

    def run(self, command: str, what: str, *options: str) -> Done:
        return self.program.run(command, what, "--settings-dir", str(self.settings), *options)

    def commit(self, name: str) -> str:
        return self.repositories[name].git("rev-parse", "HEAD")

    def url(self, name: str) -> str:
        return self.repositories[name].url.removeprefix("git+")

    def sha256(self, name: str) -> str:
        return Digest.of_bytes(self.packages[name].sdist()).sha256

    @property
    def nodes(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.program.graph.read_text())
        return {key.partition("==")[0]: node for key, node in loaded.items() if key}

    @property
    def source_types(self) -> dict[str, str]:
        entries = json.loads(self.program.build_order.read_text())
        return {entry["dist"]: entry["source_url_type"] for entry in entries}


@pytest.fixture
def scene(
    program: Program, forge: ForgeServer, packages: dict[str, Package], salt: str, tmp_path: Path
) -> Scene:
    other = {name: Package(name, backend="", salt="of the index") for name in NAMES}
    program.publish(
        Package("application", backend="", salt=salt, requires=NAMES),
        other["addressed"],
        other["cloned"],
    )
    program.publish_wheels(other["wheeled"])
    for name in ("addressed", "listed", "wheeled"):
        forge.files[f"/{name}/v1.0.tar.gz"] = packages[name].sdist()
    folders = {name: tmp_path / name for name in ("cloned", "mapped", "stated")}
    folders["tagged"] = tmp_path / "served/owner/project.git"
    repositories = {name: repository(it, packages[name]) for name, it in folders.items()}
    (tmp_path / "settings").mkdir()
    made = Scene(program, forge, packages, repositories, tmp_path / "settings")
    commit = made.commit("tagged")
    forge.tags = [("v1.0", commit), ("nightly", "b" * 40)]
    forge.files[f"{TARBALL}{commit}"] = packages["archived"].sdist()
    return made


def lay_settings(scene: Scene) -> None:
    """Leads every package to its source in another way."""
    forge = scene.forge
    url = f"{forge.url}/${{canonicalized_name}}/v${{version}}.tar.gz"
    name = "own-${version}.tar.gz"
    scene.lay("addressed", f"download_source: {{url: '{url}', destination_filename: '{name}'}}")
    scene.lay(
        "wheeled",
        f"{WHEELS_ONLY}download_source:\n  url: {url}\n"
        f"  sha256: {{'1.0': {scene.sha256('wheeled')}}}\n",
    )
    versions = f"{{'1.0': {scene.sha256('listed')}}}"
    scene.lay("listed", f"source: {{provider: url, url: '{url}', versions: {versions}}}")
    for name, provider in (("tagged", "gitlab-tag-git"), ("archived", "github-tag-download")):
        scene.lay(name, f"source: {{provider: {provider}, project_url: {forge.project}}}")
    for name, provider, rest in (
        ("cloned", "pypi-git", "tag: 'v{version}'"),
        ("mapped", "versionmap-git", "versionmap: {'1.0': main}"),
        ("stated", "git", "ref: main"),
    ):
        where = f"clone_url: '{scene.url(name)}'"
        scene.lay(name, f"source: {{provider: {provider}, {where}, {rest}}}")


def test_every_way_leads_to_a_source_that_is_built_and_recorded(scene: Scene) -> None:
    lay_settings(scene)
    forge = scene.forge

    done = scene.run("bootstrap", "application")

    assert done.status == 0, done.stderr
    assert scene.program.wheels() == sorted(
        f"{name}-1.0-0-py3-none-any.whl" for name in ("application", *NAMES)
    )
    assert {name: scene.nodes[name]["download_url"] for name in NAMES} == {
        "addressed": f"{forge.url}/addressed/v1.0.tar.gz",
        "archived": f"{forge.url}{TARBALL}{scene.commit('tagged')}",
        "listed": f"{forge.url}/listed/v1.0.tar.gz",
        "tagged": f"git+{forge.project}.git@{scene.commit('tagged')}",
        "wheeled": f"{forge.url}/wheeled/v1.0.tar.gz",
        **{
            name: f"git+{scene.url(name)}@{scene.commit(name)}"
            for name in ("cloned", "mapped", "stated")
        },
    }
    assert scene.source_types == {
        "application": "sdist",
        **dict.fromkeys(("addressed", "archived", "listed", "wheeled"), "override"),
        **dict.fromkeys(("cloned", "mapped", "stated", "tagged"), "git"),
    }
    downloads = scene.program.output / "sdists-repo/downloads"
    assert (downloads / "own-1.0.tar.gz").read_bytes() == scene.packages["addressed"].sdist()
    for name in NAMES:
        file = "own-1.0.tar.gz" if name == "addressed" else f"{name}-1.0.tar.gz"
        assert scene.nodes[name]["source_sha256"] == Digest.of_file(downloads / file).sha256
    unchecked = [line for line in done.stderr.splitlines() if "nobody says what" in line]
    assert len(unchecked) == 2, unchecked

    # What is known is built from without anybody being asked.
    again = scene.run("bootstrap", "application")
    asked = len(forge.asked)
    locked = scene.run("build-parallel", str(scene.program.graph), "--force")
    assert again.status == 0, again.stderr
    assert again.begun == []
    assert "nobody says what" not in again.stderr
    assert locked.status == 0, locked.stderr
    assert forge.paths[asked:] == []


def test_what_was_taken_unchecked_has_to_stay_what_it_was(scene: Scene) -> None:
    lay_settings(scene)
    archive = scene.program.output / "sdists-repo/downloads/own-1.0.tar.gz"
    first = scene.run("bootstrap", "--sdist-only", "addressed")
    archive.unlink()
    scene.forge.files["/addressed/v1.0.tar.gz"] = scene.packages["listed"].sdist()

    again = scene.run("bootstrap", "--sdist-only", "addressed")
    by_lock = scene.run("build-parallel", str(scene.program.graph))

    assert first.status == 0, first.stderr
    assert again.status != 0
    assert "is not the file that it was when it was first fetched" in again.stderr
    assert by_lock.status != 0
    assert "is not the promised file" in by_lock.stderr
    assert not archive.exists()


def test_what_cannot_be_had_is_told_with_its_reason(scene: Scene) -> None:
    scene.lay("addressed", "source: {provider: not-available, reason: its licence ran out}")
    scene.lay("wheeled", WHEELS_ONLY)
    scene.lay("stated", "source: {provider: hook-sdist}")

    withheld = scene.run("bootstrap", "addressed")
    sourceless = scene.run("bootstrap", "wheeled")
    plugless = scene.run("bootstrap", "stated")

    assert withheld.status != 0
    assert "not available: its licence ran out" in withheld.stderr
    assert sourceless.status == 100, sourceless.stderr
    assert "is only known by its wheels, and nothing says where its source is" in sourceless.stderr
    assert plugless.status != 0
    assert "the settings leave it to a plugin (hook-sdist)" in plugless.stderr

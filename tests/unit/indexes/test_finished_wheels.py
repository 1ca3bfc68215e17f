"""An index that has finished wheels and nothing else serves as one: over files, over HTTP."""

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage
from builder.publish.wheels import WheelsRepository
from tests.facts import wheel
from tests.index_server import IndexServer
from tests.unit.indexes.conftest import MakeIndex

NAME = canonicalize_name("some-pkg")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A wheels-repo as a bootstrap leaves it."""
    root = tmp_path / "wheels-repo"
    for of in ("some-pkg==1.0+local.1", "some-pkg==2.0", "other==1"):
        stored = tmp_path / of
        stored.write_text(of)
        WheelsRepository(root).publish(wheel(of), stored)
    return root


def test_the_folder_that_a_run_leaves_is_an_index(
    repository: Path, make_index: MakeIndex, tmp_path: Path
) -> None:
    index = make_index([(repository / "simple").as_uri()])

    page = index.project(NAME)

    assert isinstance(page, ProjectPage)
    assert page.candidates == ()
    assert {str(version): len(files) for version, files in page.wheels.items()} == {
        "2.0": 1,
        "1.0+local.1": 1,
    }
    (file,) = page.wheels[Version("1.0+local.1")]
    assert file.url == (repository / "downloads" / file.filename).as_uri().replace("%2B", "+")
    digest = index.fetch(file, tmp_path / "fetched", lambda _count: None)
    assert digest == Digest.of_file(tmp_path / "fetched") == wheel("some-pkg==1.0+local.1").digest


def test_a_project_without_wheels_there_is_unknown(repository: Path, make_index: MakeIndex) -> None:
    index = make_index([(repository / "simple").as_uri()])

    assert isinstance(index.project(canonicalize_name("third")), NoSuchProject)


def test_a_server_of_wheels_is_an_index(
    server: IndexServer, make_index: MakeIndex, tmp_path: Path
) -> None:
    server.publish("some-pkg", "some_pkg-1.0-0-py3-none-any.whl", b"wheel")
    index = make_index([server.url])

    page = index.project(NAME)

    assert isinstance(page, ProjectPage)
    (file,) = page.wheels[Version("1.0")]
    assert index.fetch(file, tmp_path / "x", lambda _count: None) == Digest.of_bytes(b"wheel")

"""Wheels appear whole, under an index that any installer reads, and never change under a reader."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builder.publish.files import publish_copy, publish_text
from builder.publish.wheels import WheelsRepository
from tests.facts import wheel


def publish(repository: WheelsRepository, folder: Path, of: str) -> Path:
    stored = folder / of
    stored.write_text(of)
    return repository.publish(wheel(of), stored)


def test_a_wheel_is_listed_with_its_digest(tmp_path: Path) -> None:
    repository = WheelsRepository(tmp_path / "repo")

    path = publish(repository, tmp_path, "some-pkg==1")

    assert path == tmp_path / "repo/downloads/some_pkg-1-0-py3-none-any.whl"
    simple = tmp_path / "repo/simple"
    digest = wheel("some-pkg==1").digest.sha256
    page = (simple / "some-pkg/index.html").read_text()
    assert f'href="../../downloads/{path.name}#sha256={digest}"' in page
    assert 'href="some-pkg/"' in (simple / "index.html").read_text()
    assert (simple / "some-pkg" / path.name).read_text() == "some-pkg==1"


def test_pages_list_every_release_of_one_project_alone(tmp_path: Path) -> None:
    repository = WheelsRepository(tmp_path / "repo")
    for of in ("a==1", "a==2", "a-b==1"):
        publish(repository, tmp_path, of)
    (repository.downloads / "nonsense.whl").write_text("")

    page = (tmp_path / "repo/simple/a/index.html").read_text()

    assert page.count("<a ") == 2
    assert "nonsense" not in page


def test_a_wheel_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    repository = WheelsRepository(tmp_path / "repo")
    path = publish(repository, tmp_path, "a==1")
    before = path.stat()

    publish(repository, tmp_path, "a==1")

    assert path.stat().st_ino == before.st_ino


def test_a_wheel_with_other_bytes_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    repository = WheelsRepository(tmp_path / "repo")
    path = publish(repository, tmp_path, "a==1")
    path.chmod(0o644)
    path.write_text("damaged")
    with path.open() as reader:
        publish(repository, tmp_path, "a==1")

        assert reader.read() == "damaged"
    assert path.read_text() == "a==1"


def test_many_may_publish_at_once(tmp_path: Path) -> None:
    repository = WheelsRepository(tmp_path / "repo")
    names = [f"p{number}==1" for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda of: publish(repository, tmp_path, of), names))

    page = (tmp_path / "repo/simple/index.html").read_text()
    assert page.count("<a ") == 20


def test_what_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder/target"
    target.mkdir(parents=True)
    (target / "in the way").write_text("")

    with pytest.raises(OSError, match="directory"):
        publish_text("text", target)
    with pytest.raises(FileNotFoundError):
        publish_copy(tmp_path / "missing", tmp_path / "folder/other")

    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["target"]

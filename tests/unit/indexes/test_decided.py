"""What the operator's own code decides is fetched from where it says, everything else as ever."""

from collections.abc import Callable
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.domain.digests import Digest
from builder.domain.releases import ProjectPage, RemoteFile
from builder.indexes.decided import DecidedIndex, Page
from builder.indexes.elsewhere import Elsewhere
from tests.fakes.index import FakeIndex, FakeRelease
from tests.index_server import IndexServer

RELEASE = FakeRelease("demo", "1.0")
NAME = canonicalize_name("demo")


def ignore(_count: int) -> None: ...


def test_the_usual_page_is_there_for_whoever_asks(tmp_path: Path) -> None:
    index = DecidedIndex(FakeIndex([RELEASE]), lambda _name, usual: usual(), Elsewhere())

    page = index.project(NAME)

    assert page == FakeIndex([RELEASE]).project(NAME)
    assert isinstance(page, ProjectPage)
    (candidate,) = page.candidates
    assert index.metadata(candidate.wheels[0]) == RELEASE.metadata
    index.fetch(candidate.sdist, tmp_path / "file", ignore)
    assert (tmp_path / "file").read_bytes() == RELEASE.sdist


def test_what_no_index_has_comes_from_its_url(server: IndexServer, tmp_path: Path) -> None:
    file = server.publish("other", "other-1.tar.gz", b"content")
    url = server.url.replace("/simple/", "/files/") + file.filename

    def decide(_name: object, _usual: Callable[[], Page]) -> ProjectPage:
        return ProjectPage(NAME, ())

    decided = DecidedIndex(FakeIndex([]), decide, Elsewhere())
    decided.project(NAME)
    promised = RemoteFile("demo-1.tar.gz", url, Digest.of_bytes(b"content"))
    decided.fetch(promised, tmp_path / "file", ignore)

    assert (tmp_path / "file").read_bytes() == b"content"
    assert server.paths() == ["/files/other-1.tar.gz"]

"""The web server shows the wheels that are there, as an index, and nothing else of the disk."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.domain.digests import Digest
from builder.domain.releases import NoSuchProject, ProjectPage
from builder.errors import InputError
from builder.indexes.simple import SimpleIndex
from builder.publish.server import WheelServer

WHEEL = "some_pkg-1.0+local.1-0-py3-none-any.whl"
FOREIGN = "some_pkg-2.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", "/dev/null")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "wheels-repo"
    for folder, name in (("downloads", WHEEL), ("prebuilt", FOREIGN)):
        (root / folder).mkdir(parents=True)
        (root / folder / name).write_bytes(name.encode())
    (tmp_path / "secret").write_text("secret")
    (tmp_path / FOREIGN.replace("2.0", "3.0")).write_text("secret")
    return root


@pytest.fixture
def requests() -> list[str]:
    """What was asked for."""
    return []


@pytest.fixture
def server(root: Path, requests: list[str]) -> Iterator[WheelServer]:
    with closing(WheelServer(root, "127.0.0.1", 0, requests.append)) as running:
        thread = Thread(target=running.serve, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            running.stop()
            thread.join()


def get(server: WheelServer, path: str, method: str = "GET") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    with closing(connection):
        connection.request(method, path)
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        return response


def page_of(server: WheelServer, name: str) -> ProjectPage:
    index = SimpleIndex([server.url])
    with closing(index):
        page = index.project(canonicalize_name(name))
    assert isinstance(page, ProjectPage)
    return page


def test_an_index_reads_every_wheel_built_here_or_elsewhere(
    server: WheelServer, tmp_path: Path
) -> None:
    wheels = page_of(server, "some-pkg").wheels

    assert [str(it) for it in wheels] == ["2.0", "1.0+local.1"]
    ((built,), (foreign,)) = wheels[Version("1.0+local.1")], wheels[Version("2.0")]
    assert built.digest == Digest.of_bytes(WHEEL.encode())
    index = SimpleIndex([server.url])
    with closing(index):
        index.fetch(built, tmp_path / "a", lambda _count: None)
        index.fetch(foreign, tmp_path / "b", lambda _count: None)
    assert (tmp_path / "a").read_bytes() == WHEEL.encode()
    assert (tmp_path / "b").read_bytes() == FOREIGN.encode()


def test_a_project_that_is_not_there_is_unknown(server: WheelServer) -> None:
    index = SimpleIndex([server.url])
    with closing(index):
        assert isinstance(index.project(canonicalize_name("other")), NoSuchProject)


def test_wheels_that_appear_or_change_later_are_served(server: WheelServer, root: Path) -> None:
    page_of(server, "some-pkg")
    (root / "downloads" / WHEEL).write_bytes(b"changed")
    (root / "downloads/new-1-0-py3-none-any.whl").write_bytes(b"new")

    assert page_of(server, "some-pkg").wheels[Version("1.0+local.1")][0].digest == (
        Digest.of_bytes(b"changed")
    )
    assert page_of(server, "new").wheels


def test_what_was_built_here_hides_what_somebody_else_built(
    server: WheelServer, root: Path
) -> None:
    (root / "prebuilt" / WHEEL).write_bytes(b"foreign")

    (wheel,) = page_of(server, "some-pkg").wheels[Version("1.0+local.1")]

    assert wheel.digest == Digest.of_bytes(WHEEL.encode())
    assert get(server, f"/prebuilt/{WHEEL}").status == 404


def test_the_top_lists_projects(server: WheelServer) -> None:
    assert b'href="some-pkg/"' in get(server, "/simple/").body  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", "/simple/"),
        ("/simple", "/simple/"),
        ("/simple/some-pkg", "/simple/some-pkg/"),
        ("/simple/Some_Pkg/", "/simple/some-pkg/"),
        ("/simple/%0d%0aX:%20y", "/simple/%0D%0Ax%3A%20y/"),
    ],
)
def test_other_spellings_lead_to_the_right_one(server: WheelServer, path: str, place: str) -> None:
    response = get(server, path)

    assert (response.status, response.getheader("Location")) == (301, place)
    assert response.getheader("X") is None


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/downloads/../../secret",
        "/downloads/%2e%2e/%2e%2e/secret",
        "/downloads/..%2f..%2fsecret",
        "/simple/../../secret",
        "/simple/some-pkg/..%2f..%2f..%2fsecret",
        "/downloads/",
        "/downloads",
        "/build/x",
        "//downloads",
        "/simple//",
        "/simple/some-pkg/link-1-0-py3-none-any.whl",
        "/downloads/link-1-0-py3-none-any.whl",
        "/downloads/folder-1-0-py3-none-any.whl",
        "/downloads/notes.txt",
        f"/downloads/{FOREIGN}",
        f"/simple/other/{FOREIGN}",
        "/downloads/%00",
        "/downloads/%ff",
    ],
)
def test_nothing_else_is_there(server: WheelServer, root: Path, tmp_path: Path, path: str) -> None:
    (root / "downloads/link-1-0-py3-none-any.whl").symlink_to(tmp_path / "secret")
    (root / "downloads/folder-1-0-py3-none-any.whl").mkdir()
    (root / "downloads/notes.txt").write_text("secret")

    response = get(server, path)

    assert response.status == 404
    assert response.body == b""  # type: ignore[attr-defined]


def test_a_wheel_is_under_its_project_as_well(server: WheelServer) -> None:
    assert get(server, f"/simple/some-pkg/{FOREIGN}").body == (  # type: ignore[attr-defined]
        FOREIGN.encode()
    )


def test_a_head_has_no_body(server: WheelServer) -> None:
    response = get(server, f"/prebuilt/{FOREIGN}", "HEAD")

    assert (response.status, response.getheader("Content-Length")) == (200, str(len(FOREIGN)))


def test_nothing_can_be_written(server: WheelServer) -> None:
    assert get(server, f"/prebuilt/{FOREIGN}", "PUT").status == 501


def test_requests_are_told(server: WheelServer, requests: list[str]) -> None:
    get(server, "/nowhere")

    assert requests == ['"GET /nowhere HTTP/1.1" 404 -']


def test_a_folder_that_is_not_there_yet_is_an_empty_index(tmp_path: Path) -> None:
    with closing(WheelServer(tmp_path / "none", "127.0.0.1", 0, print)) as server:
        thread = Thread(target=server.serve, daemon=True)
        thread.start()
        assert get(server, "/simple/").status == 200
        server.stop()
        thread.join()


def test_a_port_that_is_taken_is_an_error_with_a_hint(server: WheelServer, root: Path) -> None:
    port = urlsplit(server.url).port or 0

    with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1 port {port}") as caught:
        WheelServer(root, "127.0.0.1", port, print)

    assert "--port" in caught.value.hint


def test_an_address_of_another_machine_is_an_error(root: Path) -> None:
    with pytest.raises(InputError, match="cannot listen on"):
        WheelServer(root, "192.0.2.1", 0, print)

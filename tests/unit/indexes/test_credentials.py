"""Passwords reach the host they belong to, and nothing else."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import NormalizedName

from builder.domain.digests import Digest
from builder.domain.releases import ProjectPage, RemoteFile
from builder.errors import IndexUnreachableError
from builder.indexes.addresses import shown
from tests.index_server import IndexServer, Redirect, Status
from tests.unit.indexes.conftest import MakeIndex

FOO = NormalizedName("foo")


def with_login(url: str) -> str:
    return url.replace("://", "://me%40home:s3%2Fcret@")


def localhost(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


def authorizations(server: IndexServer) -> list[str | None]:
    return [it.headers.get("Authorization") for it in server.seen]


def test_credentials_in_the_index_url_open_pages_and_files(
    server: IndexServer, make_index: MakeIndex, tmp_path: Path
) -> None:
    server.login = ("me@home", "s3/cret")
    server.publish("foo", "foo-1.0.tar.gz", b"one")
    index = make_index([with_login(server.url)])

    page = index.project(FOO)
    assert isinstance(page, ProjectPage)
    index.fetch(page.candidates[0].sdist, tmp_path / "x", lambda _count: None)

    assert (tmp_path / "x").read_bytes() == b"one"
    assert "s3" not in repr(page)
    assert "me%40" not in repr(page)


def test_credentials_stay_with_their_host_on_a_redirect(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex, tmp_path: Path
) -> None:
    server.login = ("me@home", "s3/cret")
    other_server.publish("foo", "foo-1.0.tar.gz", b"one")
    server.faults["/simple/foo/"] = [Redirect(localhost(f"{other_server.url}foo/"))]
    index = make_index([with_login(server.url)])

    page = index.project(FOO)
    assert isinstance(page, ProjectPage)
    index.fetch(page.candidates[0].sdist, tmp_path / "x", lambda _count: None)

    assert authorizations(server) == ["Basic bWVAaG9tZTpzMy9jcmV0"]
    assert authorizations(other_server) == [None, None]


def test_credentials_stay_with_their_port(
    server: IndexServer, other_server: IndexServer, make_index: MakeIndex
) -> None:
    other_server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [Redirect(f"{other_server.url}foo/")]

    make_index([with_login(server.url)]).project(FOO)

    assert authorizations(other_server) == [None]


def test_two_indexes_on_one_host_keep_their_own_logins(
    server: IndexServer, make_index: MakeIndex
) -> None:
    base = f"127.0.0.1:{server.port}"
    index = make_index([f"http://a:1@{base}/team-a/simple", f"http://b:2@{base}/team-b/simple"])

    index.project(FOO)

    assert authorizations(server) == ["Basic YTox", "Basic Yjoy"]


def test_netrc_is_honoured(
    server: IndexServer, make_index: MakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.login = ("me", "secret")
    server.publish("foo", "foo-1.0.tar.gz")

    assert isinstance(make_index([server.url]).project(FOO), ProjectPage)


def test_a_refused_login_is_an_error_that_says_how_to_log_in(
    server: IndexServer, make_index: MakeIndex
) -> None:
    server.login = ("me", "secret")

    with pytest.raises(IndexUnreachableError, match="status 401") as caught:
        make_index([server.url]).project(FOO)

    assert "netrc" in caught.value.hint


def test_neither_errors_nor_logs_hold_credentials(
    server: IndexServer,
    make_index: MakeIndex,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.publish("foo", "foo-1.0.tar.gz")
    server.faults["/simple/foo/"] = [
        Status(403),
        Redirect("ftp://you:t0ken@index.example/?sig=t0ken"),
    ]
    index = make_index([with_login(server.url)], retries=0)
    gone = make_index(["http://me%40home:s3%2Fcret@127.0.0.1:9/"], retries=0)
    file = RemoteFile("x", f"{server.url}?sig=t0ken", Digest("0" * 64))

    said = []
    for attempt in (
        lambda: index.project(FOO),
        lambda: index.project(FOO),
        lambda: gone.project(FOO),
        lambda: index.fetch(file, tmp_path / "x", lambda _count: None),
    ):
        with pytest.raises(IndexUnreachableError) as caught:
            attempt()
        said.append(caught.value.message + caught.value.hint + repr(caught.value))

    for secret in ("s3", "cret", "me%40", "me@", "t0ken"):
        assert secret not in "".join(said)
        assert secret not in caplog.text.replace("?sig=t0ken", "")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://a:b@index.example/x?y#z", "https://index.example/x"),
        (
            "see 'https://index.example/x?sig=1' and http://t@h/",
            "see 'https://index.example/x' and http://h/",
        ),
        ("no url? none", "no url? none"),
    ],
)
def test_what_is_shown_has_no_secrets(text: str, clean: str) -> None:
    assert shown(text) == clean


def test_only_the_named_authorities_are_trusted(tmp_path: Path) -> None:
    """The choice is made once per process, from its environment; so this starts one."""
    script = (
        "import sys; from builder.indexes.transport import _bundle_context, _system_context\n"
        "assert _bundle_context(sys.argv[1]) is _bundle_context(sys.argv[1])\n"
        "assert _bundle_context(sys.argv[1]).cert_store_stats()['x509_ca'] == 0\n"
        "assert _bundle_context(sys.argv[1]).check_hostname\n"
        "assert _system_context().check_hostname\n"
    )

    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@index.example/simple/",
        "https://me:sec@ret@index.example/simple/",
        "https://me:sec/ret@index.example/simple/",
        "https://secret@index.example/simple/",
    ],
)
def test_no_part_of_a_login_is_shown(url: str) -> None:
    told = shown(f"cannot read {url} now, nor https://index.example:8080/me@home")

    plain = "cannot read https://index.example/simple/ now, nor https://index.example:8080/me@home"
    assert told == plain

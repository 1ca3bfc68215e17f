"""A build order's files are downloaded, and each is held to a digest."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git_repository import GitRepository
from tests.index_server import IndexServer, Redirect, index_server

A = b"the source of a"
B = b"the source of b"
WHEEL = b"a wheel"


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with index_server() as running:
        running.publish("a", "a-1.0.tar.gz", A)
        running.publish("b", "b-2.0.tar.gz", B)
        running.publish("b", "b-2.0-py3-none-any.whl", WHEEL)
        running.publish("b", "b-2.0-cp313-cp313-linux_s390x.whl", b"for another machine")
        yield running


def entry(server: IndexServer, dist: str, version: str, **changes: object) -> dict[str, object]:
    """As a bootstrap writes it, without a digest."""
    return {
        "req": dist,
        "constraint": "",
        "dist": dist,
        "version": version,
        "prebuilt": False,
        "source_url": f"http://127.0.0.1:{server.port}/files/{dist}-{version}.tar.gz",
        "source_url_type": "sdist",
    } | changes


def download(
    cwd: Path,
    server: IndexServer,
    order: list[dict[str, object]],
    *options: str,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    (cwd / "build-order.json").write_text(json.dumps(order))
    command = [sys.executable, "-m", "builder", "download-sequence", "build-order.json"]
    environment = {
        **os.environ,
        "PATH": "/nonexistent",
        "BUILDER_CACHE_DIR": str(cwd / "cache"),
        "NO_PROXY": "*",
        "COLUMNS": "1000",
        **variables,
    }
    return subprocess.run(
        [*command, server.url, *options],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_sources_come_and_what_is_there_is_kept(server: IndexServer, tmp_path: Path) -> None:
    order = [entry(server, "a", "1.0"), entry(server, "b", "2.0", source_sha256=sha256(B))]

    first = download(tmp_path, server, order, "--num-threads", "2")
    again = download(tmp_path, server, order)

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert (first.stdout, again.stdout) == ("", "")
    assert (tmp_path / "sdists-repo/downloads/a-1.0.tar.gz").read_bytes() == A
    assert (tmp_path / "sdists-repo/downloads/b-2.0.tar.gz").read_bytes() == B
    assert "a-1.0.tar.gz: fetched" in first.stderr
    assert first.stderr.endswith("2 files there now, 2 of them fetched\n")
    assert again.stderr.endswith("2 files there now, 0 of them fetched\n")
    assert [it for it in server.paths() if it == "/simple/b/"] == []


def test_a_damaged_file_of_an_earlier_run_is_replaced(server: IndexServer, tmp_path: Path) -> None:
    there = tmp_path / "sdists-repo/downloads/a-1.0.tar.gz"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"damaged")

    done = download(tmp_path, server, [entry(server, "a", "1.0")])

    assert done.returncode == 0, done.stderr
    assert there.read_bytes() == A


def test_other_bytes_end_with_their_own_status_after_all_else_came(
    server: IndexServer, tmp_path: Path
) -> None:
    order = [entry(server, "a", "1.0", source_sha256="0" * 64), entry(server, "b", "2.0")]

    done = download(tmp_path, server, order, "--ignore-missing-sdists")

    assert done.returncode == 102
    assert "error: a-1.0.tar.gz" in done.stderr
    assert "hint:" in done.stderr
    assert [it.name for it in (tmp_path / "sdists-repo/downloads").iterdir()] == ["b-2.0.tar.gz"]


def test_a_source_that_is_gone_is_an_error_unless_it_may_be_missing(
    server: IndexServer, tmp_path: Path
) -> None:
    order = [entry(server, "a", "9.0", source_sha256="0" * 64), entry(server, "b", "2.0")]

    failed = download(tmp_path, server, order)
    passed = download(tmp_path, server, order, "--ignore-missing-sdists")

    assert failed.returncode == 5
    assert "a-9.0.tar.gz answered with status 404" in failed.stderr
    assert passed.returncode == 0
    assert "warning: passed over:" in passed.stderr
    assert (tmp_path / "sdists-repo/downloads/b-2.0.tar.gz").read_bytes() == B


def test_what_nobody_vouches_for_is_not_fetched(server: IndexServer, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{server.port}/files/other-name.tar.gz"

    done = download(tmp_path, server, [entry(server, "a", "1.0", source_url=url)])

    assert done.returncode == 2
    assert "neither the build order nor the index has a sha256 for other-name.tar.gz" in (
        done.stderr
    )
    assert not any(it.startswith("/files/") for it in server.paths())


def test_a_name_that_leads_elsewhere_is_refused(server: IndexServer, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{server.port}/files/..%2f..%2fa-1.0.tar.gz"

    done = download(
        tmp_path, server, [entry(server, "a", "1.0", source_url=url, source_sha256=sha256(A))]
    )

    assert done.returncode == 2
    assert not list(tmp_path.rglob("*.tar.gz"))


def test_pre_built_entries_are_passed_over(server: IndexServer, tmp_path: Path) -> None:
    order = [entry(server, "b", "2.0", prebuilt=True, source_url_type="prebuilt")]

    done = download(tmp_path, server, order)

    assert done.returncode == 0
    assert "b==2.0: passed over, its wheel is pre-built" in done.stderr
    assert server.seen == []


def test_commits_are_packed_with_the_submodules_that_settings_name(
    server: IndexServer, tmp_path: Path
) -> None:
    part = GitRepository.make(tmp_path / "part")
    commit = part.commit({"file": "of a part"})
    repository = GitRepository.make(tmp_path / "a")
    repository.commit({"setup.py": ""})
    url = f"{repository.url}@{repository.add_submodules(('part', '../part', commit))}"
    settings = tmp_path / "overrides/settings/a.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("versions: {'>=1': {git_options: {submodules: true}}}\n")
    path = {"PATH": os.environ["PATH"]}
    archive = tmp_path / "sdists-repo/downloads/a-1.0.tar.gz"

    first = download(tmp_path, server, [entry(server, "a", "1.0", source_url=url)], **path)
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    promised = entry(server, "a", "1.0", source_url=url, source_sha256=sha256(b"other"))
    wrong = download(tmp_path, server, [promised], **path)

    assert first.returncode == 0, first.stderr
    assert "a-1.0/part/file" in names
    assert wrong.returncode == 102, wrong.stderr
    assert not archive.exists()
    archive.write_bytes(b"other")
    assert download(tmp_path, server, [promised]).returncode == 0, "git is not asked"


def test_wheels_come_too_and_without_an_image_only_those_for_any_platform(
    server: IndexServer, tmp_path: Path
) -> None:
    order = [entry(server, "a", "1.0"), entry(server, "b", "2.0")]

    done = download(tmp_path, server, order, "-w")

    assert done.returncode == 0, done.stderr
    wheels = tmp_path / "wheels-repo/downloads"
    assert [it.name for it in wheels.iterdir()] == ["b-2.0-py3-none-any.whl"]
    assert "warning: passed over: no wheel of a==1.0" in done.stderr
    assert "builder image build cpu" not in done.stdout


def test_a_pre_built_wheel_comes_from_where_the_order_says(
    server: IndexServer, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{server.port}/files/b-2.0-py3-none-any.whl"
    order = [entry(server, "b", "2.0", prebuilt=True, source_url=url)]

    done = download(tmp_path, server, order, "--include-wheels")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "wheels-repo/prebuilt/b-2.0-py3-none-any.whl").read_bytes() == WHEEL


def test_a_wheel_that_is_not_the_one_of_the_order_is_a_mismatch(
    server: IndexServer, tmp_path: Path
) -> None:
    order = [
        entry(server, "b", "2.0", wheel="b-2.0-py3-none-any.whl", wheel_sha256="0" * 64),
    ]

    done = download(tmp_path, server, order, "-w")

    assert done.returncode == 102
    assert "is not the wheel that the order knows" in done.stderr


def test_the_wheel_of_the_order_is_known_by_its_digest(server: IndexServer, tmp_path: Path) -> None:
    digest = sha256(b"for another machine")
    order = [entry(server, "b", "2.0", wheel="b.whl", wheel_sha256=digest)]

    done = download(tmp_path, server, order, "-w")

    assert done.returncode == 0, done.stderr
    wheels = tmp_path / "wheels-repo/downloads"
    assert [it.name for it in wheels.iterdir()] == ["b-2.0-cp313-cp313-linux_s390x.whl"]


def test_passwords_in_the_order_are_not_shown(server: IndexServer, tmp_path: Path) -> None:
    url = f"http://me:s3cret@127.0.0.1:{server.port}/files/a-9.tar.gz"
    order = [entry(server, "a", "1.0", source_url=url, source_sha256="0" * 64)]

    done = download(tmp_path, server, order)

    assert done.returncode == 5
    assert "s3cret" not in done.stderr


def test_an_address_that_leads_away_is_refused(server: IndexServer, tmp_path: Path) -> None:
    server.faults["/files/a-1.0.tar.gz"] = [Redirect("file:///etc/passwd")]

    done = download(tmp_path, server, [entry(server, "a", "1.0")])

    assert done.returncode == 5
    assert "redirects to file:///etc/passwd" in done.stderr


def test_a_file_that_is_no_build_order_is_refused(server: IndexServer, tmp_path: Path) -> None:
    done = download(tmp_path, server, [{"dist": "a"}])

    assert done.returncode == 2
    assert "build-order.json" in done.stderr
    assert "hint:" in done.stderr


def test_archives_at_addresses_of_settings_are_called_after_their_project(
    server: IndexServer, tmp_path: Path
) -> None:
    """Two projects may have a file of one name, and one of them nobody promised."""
    server.publish("c", "v1.tar.gz", A)
    url = f"http://127.0.0.1:{server.port}/files/v1.tar.gz"
    lead = {"source_url": url, "source_url_type": "override"}
    order = [
        entry(server, "a", "1.0", source_sha256=sha256(A), **lead),
        entry(server, "b", "2.0", **lead),
    ]
    settings = tmp_path / "overrides/settings"
    settings.mkdir(parents=True)
    (settings / "b.yaml").write_text(
        "download_source: {destination_filename: 'own-${version}.tar.gz'}"
    )

    first = download(tmp_path, server, order)
    again = download(tmp_path, server, order)

    assert first.returncode == 0, first.stderr
    assert sorted(it.name for it in (tmp_path / "sdists-repo/downloads").iterdir()) == [
        "a-1.0.tar.gz",
        "own-2.0.tar.gz",
    ]
    assert f"b==2.0: nobody says what {url} must be" in first.stderr
    assert "a-1.0.tar.gz: fetched" in first.stderr
    assert again.returncode == 0, again.stderr
    assert "nobody says" not in again.stderr

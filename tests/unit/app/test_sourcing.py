"""Pages and sources are changed as settings say, and what nobody promised is held to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.app.providers import told_index
from builder.app.settings import Settings
from builder.app.sourcing import Known, Sourcing, kinds_of, with_origins
from builder.domain.builds import Failure
from builder.domain.digests import Digest
from builder.domain.events import Event, Noted
from builder.domain.graph import DependencyGraph, GraphNode
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage, RemoteFile
from builder.errors import DigestMismatchError
from builder.overrides.reading import Overrides, read_overrides
from builder.prepare.identity import Identity
from tests.forge_server import ForgeServer, forge_server
from tests.git_repository import GitRepository

NAME = canonicalize_name("some-pkg")
RELEASE = Pin(NAME, Version("1.0"))
OF_INDEX = Digest.of_bytes(b"of the index")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", "/dev/null")


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with forge_server() as running:
        running.files = {"/v1.0.tar.gz": b"first", "/1.0.zip": b"zipped"}
        yield running


def file(name: str, digest: Digest | None = OF_INDEX) -> RemoteFile:
    return RemoteFile(name, f"https://files.example/{name}", digest, digest)


def page(*sdists: str, wheels: tuple[str, ...] = ()) -> ProjectPage:
    every = {Version(it): (file(f"some_pkg-{it}-py3-none-any.whl"),) for it in (*sdists, *wheels)}
    found = tuple(
        Candidate(
            Pin(NAME, Version(it)),
            file(f"some_pkg-{it}.tar.gz"),
            every[Version(it)],
            SpecifierSet(),
            None,
            "https://index.example/",
        )
        for it in sdists
    )
    return ProjectPage(NAME, found, wheels={it: every[it] for it in map(Version, wheels)})


class Laid:
    """What is laid down for one package, and a run of it."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "settings").mkdir(exist_ok=True)
        (folder / "settings/some_pkg.yaml").write_text(text)
        self.overrides: Overrides = read_overrides(
            folder / "settings.yaml", folder / "settings", folder / "patches", "cpu"
        )
        out = folder / "out"
        self.downloads = out / "sdists/downloads"
        self.settings = Settings(
            out / "sdists", out / "wheels", out / "work", folder / "cache", (), {}
        )
        self.heard: list[Event] = []

    def sourcing(self, known: Known | None = None) -> Sourcing:
        return Sourcing(self.settings, self.overrides, self.heard.append, known)

    @property
    def warnings(self) -> list[str]:
        return [one.text for one in self.heard if isinstance(one, Noted) and one.warning]

    def candidates(self, found: ProjectPage, known: Known | None = None) -> list[Candidate]:
        adapted = self.sourcing(known).page(found)
        assert isinstance(adapted, ProjectPage)
        return list(adapted.candidates)

    def settled(
        self, candidate: Candidate, *allowed: Digest, known: Known | None = None
    ) -> Candidate:
        found = self.sourcing(known).settled(candidate, allowed)
        assert isinstance(found, Candidate), found
        return found


def urls(candidates: list[Candidate]) -> dict[str, str]:
    return {str(it.pin.version): it.sdist.url for it in candidates}


def test_a_package_without_such_settings_is_as_the_index_has_it(tmp_path: Path) -> None:
    laid = Laid(tmp_path, "changelog: {'1.0': [x]}")
    found = page("1.0", wheels=("2.0",))

    (candidate,) = laid.candidates(found)

    assert candidate == found.candidates[0]
    assert laid.settled(candidate) == candidate
    assert laid.sourcing().page(NoSuchProject(NAME, ())) == NoSuchProject(NAME, ())


def test_an_address_takes_the_place_of_the_archive_and_of_what_wheels_say(tmp_path: Path) -> None:
    laid = Laid(
        tmp_path,
        "download_source: {url: 'https://own.example/$$/${canonicalized_name}/${version}.zip'}\n"
        "versions: {'<2': {download_source: {url: 'https://old.example/v${version}.tgz'}}}\n",
    )

    new, old = laid.candidates(page("2.0", "1.0"))

    assert new.sdist.url == "https://own.example/$/some-pkg/2.0.zip"
    assert new.sdist.filename == "some_pkg-2.0.zip"
    assert new.sdist.digest is None
    assert new.wheels == ()
    assert new.by_settings
    assert (old.sdist.url, old.sdist.filename) == (
        "https://old.example/v1.0.tgz",
        "some_pkg-1.0.tgz",
    )


def test_an_address_that_the_index_has_too_keeps_its_digest(tmp_path: Path) -> None:
    url = "https://files.example/some_pkg-${version}.tar.gz"

    (candidate,) = Laid(tmp_path, f"download_source: {{url: '{url}'}}").candidates(page("1.0"))

    assert candidate.sdist.digest == OF_INDEX
    assert not candidate.by_settings


def test_digests_of_settings_count_by_version(tmp_path: Path) -> None:
    digest = Digest.of_bytes(b"x")
    beside = f"sha256: {{'1.0.0': 'sha256:{digest.sha256}'}}"
    behind = f"#sha256={digest.sha256}"

    stated = Laid(tmp_path, f"download_source: {{url: 'https://a.example/', {beside}}}")
    in_url = Laid(tmp_path, f"download_source: {{url: 'https://a.example/{behind}'}}")

    assert [it.sdist.digest for it in stated.candidates(page("2.0", "1.0"))] == [None, digest]
    (one,) = in_url.candidates(page("1.0"))
    assert (one.sdist.url, one.sdist.digest) == ("https://a.example/", digest)


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("{include_wheels: true}", ["3.0", "2.0", "1.0"]),
        ("{include_wheels: true, include_sdists: false}", ["3.0", "1.0"]),
        ("{include_sdists: false}", []),
        ("{}", ["2.0"]),
    ],
)
def test_releases_count_by_the_files_that_they_have(
    text: str, versions: list[str], tmp_path: Path
) -> None:
    laid = Laid(tmp_path, f"resolver_dist: {text}")

    found = laid.candidates(page("2.0", wheels=("1.0", "3.0")))

    assert list(urls(found)) == versions


def test_wheels_of_other_platforms_count_where_the_settings_say_so(tmp_path: Path) -> None:
    known = Known(tags=frozenset())
    found = page(wheels=("1.0",))

    text = "resolver_dist: {include_wheels: true, ignore_platform: %s}"

    assert Laid(tmp_path, text % "false").candidates(found, known) == []
    assert len(Laid(tmp_path, text % "true").candidates(found, known)) == 1


def test_a_release_that_only_has_wheels_and_no_source_fails_with_a_way_out(tmp_path: Path) -> None:
    laid = Laid(tmp_path, "resolver_dist: {include_wheels: true}")
    (candidate,) = laid.candidates(page(wheels=("1.0",)))

    failure = laid.sourcing().settled(candidate)

    assert isinstance(failure, Failure)
    assert "only known by its wheels" in failure.reason
    assert "download_source.url" in failure.hint


def test_releases_of_an_index_are_led_to_tags(tmp_path: Path) -> None:
    text = "source: {provider: pypi-git, clone_url: 'https://git.example/a', tag: 'v{version}'}"

    found = Laid(tmp_path, text).candidates(page("2.0", wheels=("1.0",)))

    assert urls(found) == {
        "2.0": "git+https://git.example/a@v2.0",
        "1.0": "git+https://git.example/a@v1.0",
    }


def addressed(folder: Path, forge: ForgeServer, rest: str = "") -> tuple[Laid, Candidate]:
    laid = Laid(folder, f"download_source: {{url: '{forge.url}/v${{version}}.tar.gz'{rest}}}")
    (candidate,) = laid.candidates(page("1.0"))
    return laid, candidate


def test_what_nobody_promised_is_taken_once_with_a_warning(
    forge: ForgeServer, tmp_path: Path
) -> None:
    laid, candidate = addressed(tmp_path, forge)

    found = laid.settled(candidate)
    again = laid.settled(candidate)

    assert found.sdist.digest == Digest.of_bytes(b"first")
    assert again == found
    (warning,) = laid.warnings
    assert warning.startswith(f"some-pkg==1.0: nobody says what {forge.url}/v1.0.tar.gz must be")
    assert (laid.downloads / "some_pkg-1.0.tar.gz").read_bytes() == b"first"
    assert forge.paths == ["/v1.0.tar.gz"]


def test_what_was_seen_once_has_to_stay_the_same(forge: ForgeServer, tmp_path: Path) -> None:
    laid, candidate = addressed(tmp_path, forge)
    laid.settled(candidate)
    (laid.downloads / "some_pkg-1.0.tar.gz").unlink()
    forge.files["/v1.0.tar.gz"] = b"second"

    with pytest.raises(DigestMismatchError, match="not the file that it was") as caught:
        laid.settled(candidate)

    assert "the sha256 that its settings state wins" in caught.value.hint
    digest = Digest.of_bytes(b"second")
    stated, candidate = addressed(tmp_path, forge, f", sha256: {{'1.0': {digest.sha256}}}")
    assert stated.settled(candidate).sdist.digest == digest
    laid, candidate = addressed(tmp_path, forge)
    assert laid.settled(candidate).sdist.digest == digest


def test_an_earlier_graph_is_held_to_wherever_it_was_made(
    forge: ForgeServer, tmp_path: Path
) -> None:
    laid, candidate = addressed(tmp_path, forge)
    node = GraphNode(RELEASE, candidate.sdist.url, Digest.of_bytes(b"another"))
    known = Known(DependencyGraph({RELEASE: node}, ()))

    with pytest.raises(DigestMismatchError, match="not the file that it was"):
        laid.settled(candidate, known=known)

    assert not (laid.downloads / "some_pkg-1.0.tar.gz").exists()


def test_what_the_user_allows_is_no_matter_of_trust(forge: ForgeServer, tmp_path: Path) -> None:
    laid, candidate = addressed(tmp_path, forge)
    first, other = Digest.of_bytes(b"first"), Digest.of_bytes(b"other")

    with pytest.raises(DigestMismatchError, match="is not the promised file"):
        laid.settled(candidate, other)
    found = laid.settled(candidate, other, first)

    assert found.sdist.digest == first
    assert laid.warnings == []


def test_an_archive_is_called_as_the_settings_say(tmp_path: Path) -> None:
    laid = Laid(tmp_path, "download_source: {destination_filename: 'own-${version}.tar.gz'}")

    (candidate,) = laid.candidates(page("1.0"))

    assert laid.settled(candidate).sdist.filename == "own-1.0.tar.gz"


def test_a_ref_is_settled_to_its_commit_and_packed_once(tmp_path: Path) -> None:
    repository = GitRepository.make(tmp_path / "served")
    first = repository.commit({"a": "1"}, tag="v1.0")
    text = (
        f"source: {{provider: pypi-git, clone_url: 'file://{repository.folder}', "
        "tag: 'v{version}'}"
    )
    laid = Laid(tmp_path, text)
    (candidate,) = laid.candidates(page("1.0"))

    found = laid.settled(candidate)
    repository.commit({"a": "2"})
    repository.git("tag", "--force", "v1.0")
    node = GraphNode(RELEASE, found.sdist.url, found.sdist.digest)
    held = laid.settled(candidate, known=Known(DependencyGraph({RELEASE: node}, ())))
    moved = laid.settled(candidate)

    assert found.sdist.url == f"git+file://{repository.folder}@{first}"
    packed = laid.downloads / "some_pkg-1.0.tar.gz"
    assert held == found
    assert moved.sdist.url != found.sdist.url
    assert moved.sdist.digest == Digest.of_file(packed)
    assert laid.warnings == []


@pytest.mark.parametrize(
    ("source", "identity", "version", "note"),
    [
        ("ref: v1.5", None, "1.5", ""),
        ("ref: main, version: '2.0'", None, "2.0", ""),
        ("ref: main", Identity(NAME, Version("3.0")), "3.0", ""),
        ("ref: main", Identity(None, Version("3.0")), "3.0", ""),
        ("ref: main", Identity(NAME, None), "", "add `version:` to the source of some-pkg"),
        ("ref: main", Identity(canonicalize_name("x"), Version("1")), "", "holds x, not some-pkg"),
        ("ref: v1.5", Identity(NAME, Version("1.6")), "1.6", ""),
        ("ref: main", None, "", "does not say its version"),
    ],
)
def test_a_state_is_the_version_that_is_told_of_it(
    source: str, identity: Identity | None, version: str, note: str, tmp_path: Path
) -> None:
    repository = GitRepository.make(tmp_path / "served")
    repository.commit({"a": "1"}, tag="v1.5")
    laid = Laid(
        tmp_path, f"source: {{provider: git, clone_url: 'file://{repository.folder}', {source}}}"
    )
    index = told_index(NAME, laid.settings, laid.overrides)
    assert index is not None
    known = Known(identify=None if identity is None else lambda _commit: identity)

    adapted = laid.sourcing(known).page(index.project(NAME))

    assert isinstance(adapted, ProjectPage)
    assert [str(it.pin.version) for it in adapted.candidates] == [version] * bool(version)
    assert not any(it.by_settings for it in adapted.candidates)
    assert note in "".join(adapted.notes)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("{provider: not-available, reason: too old}", "not available: too old"),
        ("{provider: hook-sdist}", "leave it to a plugin (hook-sdist)"),
    ],
)
def test_what_is_withheld_is_on_no_page_and_in_no_lock(
    text: str, notes: str, tmp_path: Path
) -> None:
    laid = Laid(tmp_path, f"source: {text}")
    index = told_index(NAME, laid.settings, laid.overrides)
    assert index is not None

    found = index.project(NAME)
    failure = laid.sourcing().settled(page("1.0").candidates[0])

    assert found.candidates == ()
    assert notes in found.notes[0]
    assert isinstance(failure, Failure)
    assert notes in failure.reason


def test_listed_releases_come_with_their_digests(tmp_path: Path) -> None:
    digest = Digest.of_bytes(b"x")
    laid = Laid(
        tmp_path,
        "source: {provider: url, url: 'https://a.example/${version}.zip', "
        f"versions: {{'1.0': {digest.sha256}, '1.10': }}}}",
    )
    index = told_index(NAME, laid.settings, laid.overrides)
    assert index is not None

    newest, oldest = index.project(NAME).candidates

    assert (newest.pin.version, newest.sdist.digest) == (Version("1.10"), None)
    assert (oldest.sdist.url, oldest.sdist.digest) == ("https://a.example/1.0.zip", digest)
    assert oldest.sdist.filename == "some_pkg-1.0.zip"


def test_a_graph_tells_which_sources_settings_led_to(tmp_path: Path) -> None:
    laid = Laid(tmp_path, "download_source: {url: 'https://a.example/${version}'}")
    other = Pin(canonicalize_name("other"), Version("1.0"))
    nodes = {pin: GraphNode(pin, "https://a.example/1.0") for pin in (RELEASE, other)}

    found = with_origins(DependencyGraph(nodes, ()), laid.overrides)
    pre_built = {RELEASE: replace(nodes[RELEASE], pre_built=True)}

    assert found.nodes[RELEASE].by_settings
    assert not found.nodes[other].by_settings
    kept = with_origins(DependencyGraph(pre_built, ()), laid.overrides)
    assert not kept.nodes[RELEASE].by_settings


def test_lists_count_what_a_bootstrap_counts(tmp_path: Path) -> None:
    text = "source: {provider: pypi-download, download_url: 'https://a.example/{version}'}"

    kinds = kinds_of(Laid(tmp_path, text).overrides, NAME)

    assert (kinds.sdists, kinds.wheels, kinds.any_platform) == (True, True, True)

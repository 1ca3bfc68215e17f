"""Plugins are asked with plain values, once for each question, and believed only after a check."""
# ruff: noqa: ARG001, ARG005 - plugins take what they are called with

import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.app.decisions import Decisions
from builder.domain.digests import Digest
from builder.domain.instructions import BuildAsUsual, RunCommand
from builder.domain.releases import Candidate, NoSuchProject, ProjectPage, RemoteFile
from builder.errors import ImpossibleError, PluginError
from builder.overrides.plugins import Plugin
from builder.plugins.values import Package, Release, SourceFile
from tests.facts import pin

NAME = canonicalize_name("demo")
PIN = pin("demo==1.0")
SHA = "a" * 64
OTHER = "b" * 64
SDIST = RemoteFile("demo-1.0.tar.gz", "https://index.example/demo-1.0.tar.gz", Digest(SHA))
WHEEL = RemoteFile(
    "demo-1.0-py3-none-any.whl", "https://index.example/w.whl", Digest(SHA), Digest(OTHER)
)
CANDIDATE = Candidate(PIN, SDIST, (WHEEL,), SpecifierSet(">=3"), None, "https://index.example/")
PAGE = ProjectPage(NAME, (CANDIDATE,), ("a note",), {Version("1.0"): (WHEEL,)})


def decisions(**functions: Callable[..., object]) -> Decisions:
    return Decisions({NAME: Plugin("demo = demo_plugin", functions)}, "cpu")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "setup.py").write_text("text")
    with tarfile.open(tmp_path / "source.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "setup.py", "demo-1.0/setup.py")
    return tmp_path / "source.tar.gz"


def test_without_a_plugin_everything_is_as_usual(archive: Path) -> None:
    nobody = Decisions({}, "cpu")
    requires = (Requirement("x"),)

    assert nobody.page(NAME, lambda: PAGE) is PAGE
    assert nobody.located(CANDIDATE) is CANDIDATE
    assert nobody.preparation(PIN) == ()
    assert nobody.requirements("install_requirements", PIN, requires) is requires
    assert nobody.environment(PIN, (("A", "1"),), archive) == (("A", "1"),)
    assert nobody.building(PIN, archive) == ()
    assert nobody.description(PIN, archive) == ""
    assert nobody.projects == ()


def test_a_plugin_is_given_plain_values(archive: Path) -> None:
    given: dict[str, Any] = {}

    def environment(package: Package, source: Any, usual: Any) -> dict[str, str]:
        given.update(package=package, files=source.files(), text=source.read_text("setup.py"))
        given.update(usual=usual)
        return {"B": "2", "A": "3"}

    found = decisions(environment=environment).environment(PIN, (("A", "1"), ("C", "")), archive)

    assert found == (("A", "3"), ("B", "2"), ("C", ""))
    assert given == {
        "package": Package("demo", Version("1.0"), "cpu"),
        "files": ("setup.py",),
        "text": "text",
        "usual": {"A": "1", "C": ""},
    }


def test_the_same_question_is_asked_once(archive: Path) -> None:
    asked: list[str] = []

    def wheel_metadata(package: Package, source: object) -> dict[str, object]:
        asked.append(str(package.version))
        return {"number": len(asked)}

    found = decisions(wheel_metadata=wheel_metadata)

    assert found.description(PIN, archive) == found.description(PIN, archive)
    found.description(pin("demo==2"), archive)
    assert asked == ["1.0", "2"]


def test_a_plugin_is_never_asked_twice_at_a_time() -> None:
    running: list[int] = []
    most: list[int] = []

    def install_requirements(package: Package, usual: object) -> list[str]:
        running.append(1)
        time.sleep(0.001)
        most.append(len(running))
        running.pop()
        return []

    found = decisions(install_requirements=install_requirements)

    def ask_for(number: int) -> object:
        return found.requirements("install_requirements", pin(f"demo=={number}"), ())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask_for, range(50))) == [()] * 50
    assert set(most) == {1}


def test_releases_replace_the_page_and_keep_what_the_index_knows_of_its_files() -> None:
    def releases(project: str, variant: str, usual: Any) -> list[Release]:
        (sdist, wheel) = usual()
        assert sdist == Release(Version("1.0"), SourceFile(SDIST.url, SHA, SDIST.filename), ">=3")
        new = SourceFile("https://mirror.example/v2.tar.gz#sha256=" + OTHER, OTHER)
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        return [sdist, wheel, Release(Version("2"), new, ">=3.9", moment, yanked="bad")]

    found = decisions(releases=releases).page(NAME, lambda: PAGE)

    assert isinstance(found, ProjectPage)
    new, old = found.candidates
    assert old == CANDIDATE
    assert dict(found.wheels) == dict(PAGE.wheels)
    assert new.sdist == RemoteFile(
        "demo-2.tar.gz",
        "https://mirror.example/v2.tar.gz",
        Digest(OTHER),
        upload_time=datetime(2024, 1, 1, tzinfo=UTC),
        yanked="bad",
    )
    assert (str(new.requires_python), new.yanked, new.wheels) == (">=3.9", "bad", ())


def test_the_index_is_asked_only_if_the_plugin_asks() -> None:
    def usual() -> NoSuchProject:
        raise AssertionError

    assert decisions(releases=lambda **_: []).page(NAME, usual) == ProjectPage(NAME, ())


def test_what_the_index_has_no_digest_for_can_be_given_back() -> None:
    bare = Candidate(
        PIN, RemoteFile("d.zip", "https://index.example/d.zip", None), (), SpecifierSet(), None, ""
    )

    found = decisions(releases=lambda project, variant, usual: usual()).page(
        NAME, lambda: ProjectPage(NAME, (bare,))
    )

    assert isinstance(found, ProjectPage)
    assert found.candidates == (bare,)


def test_a_source_is_fetched_from_where_the_plugin_says() -> None:
    def download_source(package: Package, usual: SourceFile) -> SourceFile:
        return SourceFile("https://mirror.example/x.zip", OTHER)

    found = decisions(download_source=download_source).located(CANDIDATE)

    assert found.sdist == RemoteFile("demo-1.0.zip", "https://mirror.example/x.zip", Digest(OTHER))
    same = decisions(download_source=lambda package, usual: usual)
    assert same.located(CANDIDATE).sdist is SDIST


def test_commands_are_taken_down(archive: Path) -> None:
    def prepare_source(package: Package, commands: Any) -> None:
        commands.run("make", str(package.version))

    def build_wheel(package: Package, source: Any, commands: Any) -> None:
        for name in source.files():
            commands.run("cat", name)
        commands.build_as_usual()

    found = decisions(prepare_source=prepare_source, build_wheel=build_wheel)

    assert found.preparation(PIN) == (RunCommand(("make", "1.0")),)
    assert found.building(PIN, archive) == (RunCommand(("cat", "setup.py")), BuildAsUsual())


def test_requirements_may_be_texts_or_requirements() -> None:
    def install_requirements(package: Package, usual: tuple[Requirement, ...]) -> list[object]:
        return [*usual, "b>=2"]

    found = decisions(install_requirements=install_requirements)

    assert list(map(str, found.requirements("install_requirements", PIN, (Requirement("a"),)))) == [
        "a",
        "b>=2",
    ]


def test_a_table_is_written_as_toml(archive: Path) -> None:
    found = decisions(wheel_metadata=lambda package, source: {"b": {"c": [1, "x"]}, "a": True})

    assert found.description(PIN, archive) == (
        '[metadata-from-plugin]\na = true\n\n[metadata-from-plugin.b]\nc = [1, "x"]\n'
    )


def release(**changed: Any) -> list[Release]:
    fields: dict[str, Any] = {
        "version": Version("2"),
        "file": SourceFile("https://x.example/a.zip", SHA),
    }
    return [Release(**{**fields, **changed})]


UNUSABLE: dict[str, tuple[str, Any, str]] = {
    "no releases": ("releases", None, "it must be several values, and is a NoneType"),
    "a text of releases": ("releases", "1.0", "it must be several values"),
    "something else": ("releases", [1], "each must be a Release, and one is a int"),
    "a text as version": ("releases", release(version="2"), "'2' is no packaging.version.Version"),
    "no file": ("releases", release(file="x"), "the file of 2 is no SourceFile"),
    "a naive time": (
        "releases",
        release(upload_time=datetime(2024, 1, 1)),  # noqa: DTZ001 - the point of it
        "no datetime with a time zone",
    ),
    "a wrong specifier": ("releases", release(requires_python="three"), "requires_python of demo"),
    "two sources": ("releases", release() * 2, "two source archives of demo==2"),
    "no digest": (
        "releases",
        release(file=SourceFile("https://x.example/a.zip", None)),
        "demo-2.zip has no sha256",
    ),
    "no such digest": (
        "releases",
        release(file=SourceFile("https://x.example/a.zip", "abc")),
        "not a sha256 digest",
    ),
    "a foreign wheel": (
        "releases",
        release(file=SourceFile("https://x.example/x-1-py3-none-any.whl", SHA)),
        "is no wheel of demo==2",
    ),
    "a repository": (
        "download_source",
        SourceFile("git+https://x.example/a.git@v1", SHA),
        "is no URL: write https://HOST/PATH",
    ),
    "a login": ("download_source", SourceFile("https://a:b@x.example/a.zip", SHA), "login"),
    "a name of another": (
        "download_source",
        SourceFile("https://x.example/a.zip", SHA, "other-1.0.zip"),
        "must begin with 'demo-1.0'",
    ),
    "a name that leads away": (
        "download_source",
        SourceFile("https://x.example/a.zip", SHA, "../demo-1.0.zip"),
        "must begin with",
    ),
    "a name of no archive": (
        "download_source",
        SourceFile("https://x.example/a", SHA),
        "and end in one of .tar.gz",
    ),
    "a wheel as source": (
        "download_source",
        SourceFile("https://x.example/demo-1.0-py3-none-any.whl", SHA),
        "is no source archive",
    ),
    "a tuple": ("download_source", ("https://x.example/a.zip", SHA), "must be a SourceFile"),
    "a result": ("prepare_source", "done", "it must give back nothing, and gave a str"),
    "no requirement": ("install_requirements", ["a b"], "'a b' is no requirement"),
    "a wrong type": ("install_requirements", [1], "1 is no requirement"),
    "variables": ("environment", ["A"], "must be a mapping of variables"),
    "a value": ("environment", {"A": 1}, "1 is a int"),
    "no command": ("build_wheel", None, "no command at all"),
    "no table": ("wheel_metadata", [], "it must be a table"),
    "no TOML": ("wheel_metadata", {"a": object()}, "TOML cannot hold it"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_cannot_be_used_is_told_with_plugin_decision_and_package(
    what: str, archive: Path
) -> None:
    decision, given, words = UNUSABLE[what]
    found = decisions(**{decision: lambda **_: given})

    with pytest.raises(PluginError) as refused:
        ask(found, decision, archive)

    assert refused.value.message.startswith(f"plugin demo = demo_plugin: {decision}() for demo")
    assert words in refused.value.message


@pytest.mark.parametrize("error", [ValueError("so"), SystemExit("so"), KeyError("so")])
def test_a_plugin_that_raises_is_told_with_its_place(error: BaseException, archive: Path) -> None:
    def environment(package: object, source: object, usual: object) -> object:
        raise error

    with pytest.raises(PluginError) as refused:
        ask(decisions(environment=environment), "environment", archive)

    assert refused.value.message.startswith(
        f"plugin demo = demo_plugin: environment() for demo==1.0 raised {type(error).__name__}: "
    )
    assert "test_decisions.py, line " in refused.value.message


def test_what_an_index_says_is_no_fault_of_the_plugin() -> None:
    def usual() -> NoSuchProject:
        raise ImpossibleError("no")

    with pytest.raises(ImpossibleError):
        decisions(releases=lambda project, variant, usual: usual()).page(NAME, usual)


def ask(found: Decisions, decision: str, archive: Path) -> object:
    questions: dict[str, Callable[[], object]] = {
        "releases": lambda: found.page(NAME, lambda: PAGE),
        "download_source": lambda: found.located(CANDIDATE),
        "prepare_source": lambda: found.preparation(PIN),
        "environment": lambda: found.environment(PIN, (), archive),
        "build_wheel": lambda: found.building(PIN, archive),
        "wheel_metadata": lambda: found.description(PIN, archive),
    }
    usual = lambda: found.requirements(decision, PIN, ())  # noqa: E731 - one of many
    return questions.get(decision, usual)()

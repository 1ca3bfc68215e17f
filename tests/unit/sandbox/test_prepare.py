"""A source is changed at its root, and built in the folder that the settings name."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.sandbox.agent import load


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Imports its neighbours, as in a container."""
    folder = Path(__file__).parents[3] / "builder/sandbox"
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    return load("prepare")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("tree/python/pkg", "tree/other", "outside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tree/file").touch()
    (tmp_path / "tree/link").symlink_to("python")
    (tmp_path / "tree/python/up").symlink_to("..")
    return tmp_path / "tree"


@pytest.mark.parametrize(
    ("build_dir", "expected"),
    [("", "."), (".", "."), ("python", "python"), ("./python//pkg/", "python/pkg")],
)
def test_a_folder_is_found(build_dir: str, expected: str, prepare: ModuleType, root: Path) -> None:
    assert Path(prepare.inside(str(root), build_dir)) == root / expected


@pytest.mark.parametrize(
    ("build_dir", "words"),
    [
        ("missing", "'missing' is no folder of the source"),
        ("python/missing/x", "'python/missing' is no folder of the source"),
        ("file", "'file' is no folder of the source"),
        ("../outside", "'../outside' is no folder|'..' is no folder"),
        ("python/../other", "is no folder of the source"),
        ("link", "'link' is a link"),
        ("link/pkg", "'link' is a link"),
        ("python/up/other", "'python/up' is a link"),
    ],
)
def test_a_folder_is_refused(build_dir: str, words: str, prepare: ModuleType, root: Path) -> None:
    with pytest.raises(prepare.UnfitSettingError, match=words) as refused:
        prepare.inside(str(root), build_dir)

    assert refused.value.setting == "build_dir"


def task(**changed: object) -> dict[str, object]:
    fields: dict[str, object] = {"archive": "sdist.tar.gz", "patches": [], "build_dir": "python"}
    fields |= {"instructions": [], "has_crates": False}
    fields |= {"requires": None, "top": "x-1", "epoch": 0, "stub": {"name": "x", "version": "1"}}
    return fields | changed


@pytest.fixture
def given(prepare: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The agent with a source that is unpacked already, and no place to pack it to."""
    (root / "python/pyproject.toml").write_text('[project]\nname = "X"\n')
    monkeypatch.setattr(prepare, "UNPACKED", str(root.parent / "unpacked"))
    (root.parent / "unpacked").mkdir()
    root.rename(root.parent / "unpacked/x-1")
    monkeypatch.setattr(prepare.archive, "unpack", lambda _archive, _target: None)
    monkeypatch.setattr(prepare.archive, "pack", lambda *_: None)
    return prepare


def test_what_is_told_of_a_source_is_told_of_the_folder_that_is_built(
    given: ModuleType, root: Path
) -> None:
    (root.parent / "unpacked/x-1/PKG-INFO").write_text("the root's")
    (root.parent / "unpacked/x-1/python/lib.so").write_text("x")

    answer = given.run(task(requires={"update": {"a": ["a>1"]}, "remove": ["setuptools"]}))

    assert answer == {
        "status": "prepared",
        "pyproject": '[project]\nname = "X"\n\n[build-system]\nrequires = ["a>1"]\n',
        "pkg_info": "Metadata-Version: 1.0\nName: X\nVersion: 1\n",
        "has_setup": False,
        "compiled": ["python/lib.so"],
        "compiled_count": 1,
    }
    assert (root.parent / "unpacked/x-1/PKG-INFO").read_text() == "the root's"


def test_the_release_is_stated_at_the_root_and_where_it_is_built(
    given: ModuleType, root: Path
) -> None:
    given.run(task())

    stated = [root.parent / f"unpacked/x-1/{name}" for name in ("PKG-INFO", "python/PKG-INFO")]
    assert {path.read_text() for path in stated} == {"Metadata-Version: 1.0\nName: X\nVersion: 1\n"}


def run(*words: str) -> dict[str, object]:
    return {"do": "run", "words": list(words), "folder": "", "variables": {}}


def test_what_a_plugin_asks_for_is_done_where_it_is_built_and_before_anything_is_read(
    given: ModuleType,
) -> None:
    command = run("sh", "-c", "printf '[tool]\\n' > pyproject.toml")

    answer = given.run(task(instructions=[command]))

    assert answer["status"] == "prepared"
    assert answer["pyproject"] == "[tool]\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("false",), "false ended with exit status 1"),
        (("mkfifo", "pipe"), "it left 'python/pipe', which no source archive can hold"),
        (("ln", "-s", "/etc", "etc"), "it left 'python/etc', which no source archive can hold"),
        (("rm", "-r", "../python"), "the folder that is built is gone"),
    ],
)
def test_what_a_plugin_asks_for_ends_the_preparation(
    words: tuple[str, ...], reason: str, given: ModuleType
) -> None:
    answer = given.run(task(instructions=[run(*words)]))

    assert answer == {"status": "undone", "reason": reason}


def test_settings_that_do_not_fit_are_told_by_name(given: ModuleType, root: Path) -> None:
    (root.parent / "unpacked/x-1/python/pyproject.toml").write_text("[")
    changes = {"update": {}, "remove": ["a"]}

    assert given.run(task(build_dir="none"))["setting"] == "build_dir"
    assert given.run(task(requires=changes))["setting"] == "project_override"
    assert given.run(task())["status"] == "prepared"


def test_a_source_says_what_it_is_in_the_folder_that_is_built(given: ModuleType) -> None:
    looked = given.look({"archive": "source.tar.gz", "build_dir": "python"})

    assert looked == {
        "status": "seen",
        "pyproject": '[project]\nname = "X"\n',
        "pkg_info": None,
        "setup_cfg": None,
    }


def test_a_source_without_the_folder_says_nothing(given: ModuleType) -> None:
    looked = given.look({"archive": "source.tar.gz", "build_dir": "link"})

    assert looked == {"status": "seen", "pyproject": None, "pkg_info": None, "setup_cfg": None}

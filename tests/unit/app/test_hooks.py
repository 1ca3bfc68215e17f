"""Hooks hear of packages once what they are told of lies where it stays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.app.hooks import Hooks
from builder.domain.digests import Digest
from builder.domain.graph import BuildRecipe
from builder.errors import PluginError
from builder.indexes.addresses import file_at
from builder.overrides.plugins import Hook
from builder.plugins.values import BuiltFile, BuiltWheel, FinishedPackage, Package, PreBuiltWheel
from builder.stores.files import FileStore
from builder.workflows.packages import ForeignWheel
from builder.workflows.packages import Package as Made
from tests.facts import wheel

WHEEL = wheel("demo==1.0")
RECIPE = BuildRecipe((), (), ())
BUILT = Made(WHEEL.pin, "https://index.example/d", None, RECIPE, (), WHEEL)
TAKEN = Made(
    WHEEL.pin,
    "https://index.example/d.whl",
    None,
    None,
    (),
    WHEEL,
    ForeignWheel(file_at("https://index.example/d.whl", None), WHEEL),
)
RELEASE = Package("demo", WHEEL.pin.version, "cpu")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "demo.whl").write_text("wheel")
    return tmp_path / "demo.whl"


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    (tmp_path / "demo.tar.gz").write_text("sdist")
    return tmp_path / "demo.tar.gz"


def as_told(path: Path) -> BuiltFile:
    return BuiltFile(path, Digest.of_file(path).sha256)


def listening(folder: Path, heard: list[tuple[str, object]], *, reuse: bool = True) -> Hooks:
    hooks = {
        name: (Hook(name, lambda **given: heard.extend(given.items())),)
        for name in ("post_build", "prebuilt_wheel", "post_bootstrap")
    }
    return Hooks(hooks, "cpu", FileStore(folder / "store", reuse=reuse))


def test_a_wheel_that_was_built_is_told_of_and_then_its_package(
    tmp_path: Path, file: Path, sdist: Path
) -> None:
    heard: list[tuple[str, object]] = []
    hooks = listening(tmp_path, heard)

    hooks.built(WHEEL)
    hooks.finished(BUILT, file, sdist)
    hooks.finished(BUILT, file, sdist)

    files = as_told(sdist), as_told(file)
    assert heard == [
        ("built", BuiltWheel(RELEASE, *files)),
        ("finished", FinishedPackage(RELEASE, *files)),
    ]


def test_a_wheel_that_was_found_is_only_told_of_as_a_package(tmp_path: Path, file: Path) -> None:
    heard: list[tuple[str, object]] = []

    listening(tmp_path, heard).finished(BUILT, file, tmp_path / "none")

    assert heard == [("finished", FinishedPackage(RELEASE, None, as_told(file)))]


def test_a_wheel_of_another_is_told_of_as_it_is(tmp_path: Path, file: Path, sdist: Path) -> None:
    heard: list[tuple[str, object]] = []

    listening(tmp_path, heard).finished(TAKEN, file, sdist)

    assert heard == [
        ("taken", PreBuiltWheel(RELEASE, as_told(file))),
        ("finished", FinishedPackage(RELEASE, None, as_told(file))),
    ]


def test_a_planned_package_has_no_wheel_yet(tmp_path: Path, sdist: Path) -> None:
    heard: list[tuple[str, object]] = []

    listening(tmp_path, heard).finished(BUILT, None, sdist)

    assert heard == [("finished", FinishedPackage(RELEASE, as_told(sdist), None))]


def raising(error: BaseException) -> Callable[..., object]:
    def hook(**_given: Any) -> None:
        raise error

    return hook


def test_a_hook_that_fails_is_called_again_by_the_next_run(
    tmp_path: Path, file: Path, sdist: Path
) -> None:
    heard: list[tuple[str, object]] = []
    failing = {"post_build": (Hook("post_build", raising(OSError("no route"))),)}
    first = Hooks(failing, "cpu", FileStore(tmp_path / "store"))
    first.built(WHEEL)

    with pytest.raises(PluginError) as failed:
        first.finished(BUILT, file, sdist)
    listening(tmp_path, heard).finished(BUILT, file, sdist)
    listening(tmp_path, heard).finished(BUILT, file, sdist)

    assert failed.value.message.startswith(
        "hook post_build for demo==1.0 raised OSError: no route ("
    )
    assert [name for name, _ in heard] == ["built", "finished", "finished"]


def test_without_hooks_no_file_is_looked_at(tmp_path: Path) -> None:
    nobody = Hooks({}, "cpu", FileStore(tmp_path / "store"))

    nobody.built(WHEEL)
    nobody.finished(BUILT, tmp_path / "missing", tmp_path / "missing")

    assert not (tmp_path / "store").exists()

"""Which releases of a project come as wheels, for projects that are pre-built in part."""

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from builder.app.pre_built import PreBuiltWheels
from builder.domain.releases import ProjectPage
from builder.errors import InputError
from builder.overrides.reading import read_overrides
from builder.stores.files import FileStore
from builder.workflows.foreign import ForeignWheels
from tests.facts import TARGET, pin
from tests.fakes.index import FakeIndex, FakeRelease

NAME = canonicalize_name("some-pkg")
DIGEST = "a" * 64
URL = f"https://files.index.example/some_pkg-1.5-py3-none-any.whl#sha256={DIGEST}"


def index() -> FakeIndex:
    return FakeIndex(
        [
            FakeRelease("some-pkg", "1.0"),
            FakeRelease("some-pkg", "1.5"),
            FakeRelease("some-pkg", "1.9", requires=None),
            FakeRelease("some-pkg", "2.0"),
        ]
    )


def taken(folder: Path, text: str, usual: FakeIndex) -> dict[str, str]:
    """The file that stands for each release, by version."""
    (folder / "settings").mkdir()
    (folder / "settings/some_pkg.yaml").write_text(text)
    overrides = read_overrides(folder / "none", folder / "settings", folder / "none", "cpu")
    wheels = ForeignWheels(usual, FileStore(folder / "store"), TARGET, folder)
    page = PreBuiltWheels(wheels, lambda _index: wheels, overrides).page(NAME, usual)
    assert isinstance(page, ProjectPage)
    return {str(it.pin.version): it.sdist.filename for it in page.candidates}


def test_only_the_versions_that_settings_name_come_as_wheels(tmp_path: Path) -> None:
    found = taken(tmp_path, "versions: {'<2': {pre_built: true}}", index())

    assert list(found.items()) == [
        ("2.0", "some_pkg-2.0.tar.gz"),
        ("1.5", "some_pkg-1.5-py3-none-any.whl"),
        ("1.0", "some_pkg-1.0-py3-none-any.whl"),
    ]


def test_a_version_may_be_built_of_a_project_that_is_not(tmp_path: Path) -> None:
    text = "pre_built: true\nversions: {'==1.5': {pre_built: false}}"

    assert taken(tmp_path, text, index()) == {
        "2.0": "some_pkg-2.0-py3-none-any.whl",
        "1.5": "some_pkg-1.5.tar.gz",
        "1.0": "some_pkg-1.0-py3-none-any.whl",
    }


def test_a_wheel_that_is_named_stands_alone_where_it_is_in_force(tmp_path: Path) -> None:
    text = f"versions: {{'<2': {{pre_built: true, pre_built_url: '{URL}'}}}}"

    assert taken(tmp_path, text, index()) == {
        "2.0": "some_pkg-2.0.tar.gz",
        "1.5": "some_pkg-1.5-py3-none-any.whl",
    }


def test_nobody_is_asked_for_a_project_that_is_one_named_wheel(tmp_path: Path) -> None:
    usual = index()

    found = taken(tmp_path, f"pre_built: true\npre_built_url: {URL}", usual)

    assert found == {"1.5": "some_pkg-1.5-py3-none-any.whl"}
    assert usual.asked == []


def test_a_wheel_of_another_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no wheel of some-pkg"):
        taken(tmp_path, f"pre_built: true\npre_built_url: {URL.replace('some_', 'no_')}", index())


def test_what_is_not_pre_built_has_no_wheel_to_take(tmp_path: Path) -> None:
    overrides = read_overrides(tmp_path / "a", tmp_path / "b", tmp_path / "c", "cpu")
    wheels = ForeignWheels(index(), FileStore(tmp_path / "store"), TARGET, tmp_path)

    found = PreBuiltWheels(wheels, lambda _index: wheels, overrides)

    assert found.wheel(pin("some-pkg==1.0")) is None

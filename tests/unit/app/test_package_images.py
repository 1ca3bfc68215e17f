"""The image of each package: looked for once, and told with the line that asks for it."""

import threading
from pathlib import Path

import pytest

from builder.app.package_images import PackageImages
from builder.app.settings import Settings
from builder.domain.builds import BuildSpec, Goal
from builder.domain.digests import Digest
from builder.domain.sources import BuildSystem, SourceTree
from builder.errors import BuilderError, ImageError, InputError
from builder.overrides.reading import read_overrides
from builder.stores.files import FileStore
from builder.workflows.agent import install_agent
from builder.workflows.interiors import Interiors
from builder.workflows.sandbox import Room, Sandbox
from tests.facts import TARGET, pin
from tests.fakes.engine import FakeEngine

RUN = "sha256:" + "0" * 64
REFERENCE = "registry.example/base@sha256:" + "a" * 64


def images(folder: Path, text: str) -> PackageImages:
    (folder / "settings").mkdir()
    (folder / "settings/library.yaml").write_text(text)
    (folder / "images/mine").mkdir(parents=True)
    (folder / "images/mine/image.yaml").write_text(
        "base: {distribution: debian, suite: trixie}\nplatform: linux/amd64\n"
    )
    settings = Settings(
        folder / "sdists",
        folder / "wheels",
        folder / "work",
        folder / "cache",
        (folder / "images",),
        {},
        image="mine",
    )
    overrides = read_overrides(
        folder / "settings.yaml", folder / "settings", folder / "patches", "cpu"
    )
    room = Room(RUN, "python3", folder / "scratch", {"builder.run": "1"})
    engine = FakeEngine(lambda _: 1)
    sandbox = Sandbox(engine, install_agent(folder / "cache"), room, threading.Event())
    interiors = Interiors(engine, sandbox, FileStore(folder / "store"), TARGET)
    return PackageImages(settings, overrides, interiors, lambda _: None)


def spec(release: str) -> BuildSpec:
    system = BuildSystem((), "backend", ())
    source = SourceTree(pin(release), Digest("a" * 64), Digest("b" * 64), "", system, None)
    return BuildSpec(Goal.WHEEL, source, RUN, Digest("d" * 64), (), (), ())


def complaint(folder: Path, text: str) -> BuilderError:
    with pytest.raises(BuilderError) as caught:
        images(folder, text).placed(spec("library==1.0"))
    return caught.value


def test_a_package_without_wishes_is_built_in_the_image_of_the_run(tmp_path: Path) -> None:
    found = images(tmp_path, "versions: {'<1': {image: other}}")

    assert found.placed(spec("library==1.0")) == spec("library==1.0")
    assert found.placed(spec("other==1.0")) == spec("other==1.0")


def test_an_image_that_there_is_not_is_told_with_the_line_that_asks_for_it(tmp_path: Path) -> None:
    error = complaint(tmp_path, "versions:\n  '<2':\n    image: mime\n")

    assert isinstance(error, InputError)
    assert error.message == (
        "library==1.0 cannot have the image that it is to be built in "
        f"({tmp_path}/settings/library.yaml:3: versions.<2.image): there is no image 'mime'"
    )
    assert error.hint == "did you mean 'mine'?"


def test_an_image_that_is_not_bootstrapped_names_the_command(tmp_path: Path) -> None:
    error = complaint(tmp_path, "image: mine")

    assert isinstance(error, ImageError)
    assert error.message.endswith(":1: image): image 'mine' is not bootstrapped yet")
    assert error.hint == "builder image build mine"


def test_every_list_of_packages_is_named_and_how_to_make_the_image_ahead(tmp_path: Path) -> None:
    error = complaint(
        tmp_path,
        "system_packages: [libb-dev]\nvariants:\n  cpu:\n    system_packages: [liba-dev]\n",
    )

    assert "library.yaml:1: system_packages and " in error.message
    assert "library.yaml:4: variants.cpu.system_packages)" in error.message
    assert error.hint.endswith("builder image build mine --with liba-dev --with libb-dev")


def test_nothing_is_added_to_an_image_of_a_registry(tmp_path: Path) -> None:
    error = complaint(tmp_path, f"image: {REFERENCE}\nsystem_packages: [liba-dev]\n")

    assert isinstance(error, InputError)
    assert "comes from a registry, so no packages can be added to it" in error.message
    assert "an image.yaml that extends this image" in error.hint

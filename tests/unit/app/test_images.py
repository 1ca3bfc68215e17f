"""What is told of an image: of its recipe always, and of what it costs once it is there."""

import tarfile
from pathlib import Path

import pytest

from builder.app.images import ImageSummary, derived_summaries, summary
from builder.engines.emulation import native_platform
from builder.images.catalogue import ImageCatalogue
from builder.images.layout import write_layout
from builder.images.mmdebstrap import Host, recipe_digest
from builder.images.packages import DebianPackage
from builder.images.recipe import ARCHITECTURES, DebianBase
from builder.images.state import Derived, ImageState, layout_folder, state_folder, write_state

FOREIGN = next(platform for platform in ARCHITECTURES if platform != native_platform())
BELOW = f"""
description: for others
base: {{distribution: debian, suite: trixie}}
platform: {native_platform()}
packages: [gcc]
environment: {{A: one}}
"""
PULLED = f"registry: registry.example/base@sha256:{'a' * 64}\nplatform: {native_platform()}\n"
MINE = f"extends: below\nplatform: {FOREIGN}\npackages: [cmake]\npath: [/opt/bin]\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> ImageCatalogue:
    for name, text in {"below": BELOW, "mine": MINE, "pulled": PULLED}.items():
        file = tmp_path / "images" / name / "image.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    host = Host(is_root=True, environment={}, scratch=tmp_path)
    return ImageCatalogue(
        (tmp_path / "images",), tmp_path / "cache", native_platform(), host, lambda: 0.0
    )


def pretend_bootstrapped(catalogue: ImageCatalogue, tmp_path: Path, name: str) -> ImageState:
    recipe = catalogue.recipe(name)
    assert isinstance(recipe.base, DebianBase)
    digest = recipe_digest(recipe, recipe.base)
    folder = state_folder(tmp_path / "cache" / "images", name, digest)
    folder.mkdir(parents=True)
    with tarfile.open(folder / "layer.tar", "w"):
        pass
    written = write_layout(folder / "layer.tar", layout_folder(folder), name, recipe.platform)
    packages = (DebianPackage("gcc", "14", "amd64"),)
    state = ImageState(name, digest, written, recipe.platform, packages, 70.4, folder)
    write_state(state)
    return state


def pretend_derived(base: ImageState, folder: Path) -> ImageState:
    folder.mkdir()
    with tarfile.open(folder / "layer.tar", "w"):
        pass
    written = write_layout(
        folder / "layer.tar", layout_folder(folder), folder.name, base.platform, base.placed
    )
    derived = Derived(base.name, base.layout.config, ("git",))
    state = ImageState(
        "below+1", base.recipe, written, base.platform, base.packages, 9.0, folder, derived
    )
    write_state(state)
    return state


def test_an_image_that_extends_another_is_told_as_a_whole(catalogue: ImageCatalogue) -> None:
    told = summary(catalogue, "mine")
    assert told == ImageSummary(
        name="mine",
        description="for others",
        platform=FOREIGN,
        python="/usr/bin/python3",
        origin="debian trixie",
        built=False,
        pulled=False,
        config="",
        packages=(),
        seconds=0.0,
        size=0,
        emulated=True,
        runs=told.runs,
        extends="below",
        components=("main",),
        asked=("gcc", "cmake"),
        environment={"A": "one"},
        path=("/opt/bin",),
    )
    assert told.runs.startswith(("emulated by /", "not here: "))


def test_whether_an_image_of_a_registry_is_there_is_not_told(catalogue: ImageCatalogue) -> None:
    told = summary(catalogue, "pulled")
    assert (told.pulled, told.built, told.config) == (True, False, "")
    assert told.origin == f"registry.example/base@sha256:{'a' * 64}"


def test_what_an_image_costs_is_told_once_it_is_there(
    catalogue: ImageCatalogue, tmp_path: Path
) -> None:
    state = pretend_bootstrapped(catalogue, tmp_path, "below")
    told = summary(catalogue, "below")
    assert (told.built, told.config) == (True, str(state.layout.config))
    assert (told.size, told.seconds) == (state.layout.size, 70.4)
    assert (told.emulated, told.runs) == (False, "natively")
    assert told.packages == ("gcc=14=amd64",)


def test_a_derived_image_counts_the_layers_below_it(
    catalogue: ImageCatalogue, tmp_path: Path
) -> None:
    base = pretend_bootstrapped(catalogue, tmp_path, "below")
    state = pretend_derived(base, base.folder.with_name("below+1-000000000000"))
    (told,) = derived_summaries(catalogue)
    assert told.size == base.layout.size + state.layout.size
    assert (told.description, told.extends, told.seconds) == ("below with git", "below", 9.0)

"""Images by name: found, opened, locked, and refused."""

import io
import tarfile
from pathlib import Path

import pytest

from builder.domain.images import LayoutImage, RegistryImage
from builder.errors import ImageError, InputError
from builder.images.catalogue import ImageCatalogue
from builder.images.layout import write_layout
from builder.images.mmdebstrap import Host, recipe_digest
from builder.images.packages import DebianPackage, read_packages
from builder.images.recipe import DebianBase
from builder.images.state import ImageState, layout_folder, locked, state_folder, write_state

REFERENCE = "registry.example/base@sha256:" + "a" * 64
RECIPE = """
base: {distribution: debian, suite: trixie}
platform: linux/amd64
packages: [gcc]
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> ImageCatalogue:
    add_recipe(tmp_path / "user", "mine", RECIPE)
    add_recipe(tmp_path / "shipped", "mine", RECIPE.replace("trixie", "bookworm"))
    add_recipe(tmp_path / "shipped", "pulled", f"registry: {REFERENCE}\nplatform: linux/arm64\n")
    return ImageCatalogue(
        folders=(tmp_path / "user", tmp_path / "shipped", tmp_path / "absent"),
        cache=tmp_path / "cache",
        platform="linux/amd64",
        host=Host(is_root=True, environment={}, scratch=tmp_path),
        clock=lambda: 0.0,
    )


def add_recipe(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "image.yaml").write_text(text, encoding="utf-8")


def pretend_bootstrapped(catalogue: ImageCatalogue, tmp_path: Path, name: str) -> ImageState:
    recipe = catalogue.recipe(name)
    assert isinstance(recipe.base, DebianBase)
    digest = recipe_digest(recipe, recipe.base)
    folder = state_folder(tmp_path / "cache" / "images", name, digest)
    folder.mkdir(parents=True)
    status = b"Package: gcc\nStatus: install ok installed\nArchitecture: amd64\nVersion: 14\n"
    member = tarfile.TarInfo("./var/lib/dpkg/status")
    member.size = len(status)
    with tarfile.open(folder / "layer.tar", "w") as tar:
        tar.addfile(member, io.BytesIO(status))
    packages = read_packages(folder / "layer.tar")
    written = write_layout(folder / "layer.tar", layout_folder(folder), name, recipe.platform)
    state = ImageState(name, digest, written, recipe.platform, packages, 2.0, folder)
    write_state(state)
    return state


def test_names_come_from_every_folder_once(catalogue: ImageCatalogue) -> None:
    assert catalogue.names() == ("mine", "pulled")


def test_the_users_image_hides_the_shipped_one(catalogue: ImageCatalogue) -> None:
    base = catalogue.recipe("mine").base
    assert isinstance(base, DebianBase)
    assert base.suite == "trixie"


def test_an_unknown_name_leads_to_a_close_one(catalogue: ImageCatalogue) -> None:
    with pytest.raises(InputError, match="there is no image 'mime'") as caught:
        catalogue.open("mime")
    assert caught.value.hint == "did you mean 'mine'?"


def test_an_image_that_is_not_there_names_the_command_that_makes_it(
    catalogue: ImageCatalogue,
) -> None:
    with pytest.raises(ImageError) as caught:
        catalogue.open("mine")
    assert caught.value.hint == "builder image build mine"
    assert catalogue.state("mine") is None


def test_a_bootstrapped_image_opens(catalogue: ImageCatalogue, tmp_path: Path) -> None:
    state = pretend_bootstrapped(catalogue, tmp_path, "mine")
    image = catalogue.open("mine")
    assert isinstance(image, LayoutImage)
    assert image == state.image
    assert (image.layout / "index.json").is_file()
    assert catalogue.state("mine") == state
    assert state.packages == (DebianPackage("gcc", "14", "amd64"),)


def test_what_is_there_is_not_bootstrapped_again(catalogue: ImageCatalogue, tmp_path: Path) -> None:
    state = pretend_bootstrapped(catalogue, tmp_path, "mine")
    lines: list[str] = []
    built = catalogue.build("mine", lines.append)
    assert (built.state, built.was_there, lines) == (state, True, [])


def test_a_registry_image_needs_no_bootstrap(catalogue: ImageCatalogue) -> None:
    assert catalogue.open("pulled") == RegistryImage("pulled", REFERENCE, "linux/arm64")
    assert catalogue.open(REFERENCE) == RegistryImage(REFERENCE, REFERENCE, "linux/amd64")
    assert catalogue.recipe(REFERENCE).python == "/usr/bin/python3"
    with pytest.raises(InputError, match="is not made here"):
        catalogue.build("pulled", print)


def test_a_lock_is_written_beside_the_recipe_and_holds(
    catalogue: ImageCatalogue, tmp_path: Path
) -> None:
    pretend_bootstrapped(catalogue, tmp_path, "mine")
    file = catalogue.lock("mine")
    assert file == tmp_path / "user" / "mine" / "image.lock.json"
    catalogue.open("mine")
    file.write_text(file.read_text().replace("gcc=14=", "gcc=13="), encoding="utf-8")
    state = catalogue.state("mine")
    assert state is not None
    other = file.read_text().replace(state.layout.config.sha256, "0" * 64)
    file.write_text(other, encoding="utf-8")
    with pytest.raises(ImageError, match="gcc 14, locked 13"):
        catalogue.open("mine")
    with pytest.raises(ImageError, match="gcc 14, locked 13"):
        catalogue.build("mine", print)
    catalogue.lock("mine")
    catalogue.open("mine")


def test_an_image_that_is_not_there_cannot_be_locked(catalogue: ImageCatalogue) -> None:
    with pytest.raises(ImageError, match="not bootstrapped yet"):
        catalogue.lock("mine")


def test_a_lock_nobody_holds_does_not_wait(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as waited:
        assert not waited

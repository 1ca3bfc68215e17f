"""Images that are described by other ones: what comes of it, and what is refused."""

from pathlib import Path

import pytest

from builder.errors import InputError
from builder.images.catalogue import ImageCatalogue
from builder.images.mmdebstrap import Host, recipe_digest
from builder.images.recipe import DebianBase, ImageRecipe, RegistryBase
from builder.shipped import shipped_folder

PULLED = "registry.example/base@sha256:" + "a" * 64
OTHER = "registry.example/base@sha256:" + "b" * 64
BELOW = """
description: what others stand on
base: {distribution: debian, suite: trixie, components: [main]}
platform: linux/amd64
python: /usr/bin/python3.13
packages: [gcc, "cmake=1.0", git]
mirror: https://mirror.example/debian
without_files: [/usr/lib/*/libb.a]
environment: {A: one, B: two}
path: [/opt/a/bin]
"""


class Folders:
    """Two folders of images, of which the first one is the user's."""

    def __init__(self, root: Path) -> None:
        self.user, self.shipped = root / "user", root / "shipped"
        self.catalogue = ImageCatalogue(
            folders=(self.user, self.shipped),
            cache=root / "cache",
            platform="linux/amd64",
            host=Host(is_root=True, environment={}, scratch=root),
            clock=lambda: 0.0,
        )

    def add(self, name: str, text: str, *, shipped: bool = False) -> Path:
        file = (self.shipped if shipped else self.user) / name / "image.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        return file

    def complaint(self, name: str) -> InputError:
        with pytest.raises(InputError) as caught:
            self.catalogue.recipe(name)
        return caught.value


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path)
    made.add("below", BELOW, shipped=True)
    made.add("pulled", f"registry: {PULLED}\nplatform: linux/amd64\n", shipped=True)
    return made


def digest(recipe: ImageRecipe) -> str:
    assert isinstance(recipe.base, DebianBase)
    return recipe_digest(recipe, recipe.base).sha256


def test_an_image_takes_over_what_it_does_not_state(folders: Folders) -> None:
    file = folders.add("mine", "extends: below\n")
    assert folders.catalogue.recipe("mine") == ImageRecipe(
        name="mine",
        description="what others stand on",
        platform="linux/amd64",
        python="/usr/bin/python3.13",
        base=DebianBase(
            suite="trixie",
            components=("main",),
            packages=("gcc", "cmake=1.0", "git"),
            mirrors=("https://mirror.example/debian",),
            without_files=("/usr/lib/*/libb.a",),
        ),
        folder=file.parent,
        environment=(("A", "one"), ("B", "two")),
        path=("/opt/a/bin",),
        extends="below",
    )


def test_what_an_image_states_wins_and_lists_add_up(folders: Folders) -> None:
    file = folders.add(
        "mine",
        """
        extends: below
        description: my own
        base: {suite: forky, components: [contrib, main]}
        platform: linux/arm64
        python: /opt/python/bin/python3
        packages: [nvcc, "cmake=2.0"]
        without: [git]
        mirror: []
        without_files: [/usr/lib/*/liba.a]
        environment: {B: "", C: three}
        path: [/opt/c/bin]
        """,
    )
    assert folders.catalogue.recipe("mine") == ImageRecipe(
        name="mine",
        description="my own",
        platform="linux/arm64",
        python="/opt/python/bin/python3",
        base=DebianBase(
            suite="forky",
            components=("main", "contrib"),
            packages=("gcc", "cmake=2.0", "nvcc"),
            mirrors=(),
            without_files=("/usr/lib/*/libb.a", "/usr/lib/*/liba.a"),
        ),
        folder=file.parent,
        environment=(("A", "one"), ("B", ""), ("C", "three")),
        path=("/opt/c/bin", "/opt/a/bin"),
        extends="below",
    )


def test_an_image_has_the_digest_that_its_full_text_would_have(folders: Folders) -> None:
    folders.add("mine", "extends: below\nplatform: linux/arm64\nwithout: [git]\npackages: [nvcc]\n")
    full = BELOW.replace("linux/amd64", "linux/arm64").replace(", git]", ", nvcc]")
    folders.add("full", full)
    mine, written = folders.catalogue.recipe("mine"), folders.catalogue.recipe("full")
    assert digest(mine) == digest(written)
    assert digest(mine) != digest(folders.catalogue.recipe("below"))


def test_what_was_left_out_can_come_back_in_another_version(folders: Folders) -> None:
    folders.add("mine", "extends: below\nwithout: [cmake]\npackages: ['cmake=3.0']\n")
    base = folders.catalogue.recipe("mine").base
    assert isinstance(base, DebianBase)
    assert base.packages == ("gcc", "git", "cmake=3.0")


def test_images_extend_images_that_extend_images(folders: Folders) -> None:
    folders.add("middle", "extends: below\npackages: [nvcc]\n")
    folders.add("top", "extends: middle\npackages: [cuda]\n")
    base = folders.catalogue.recipe("top").base
    assert isinstance(base, DebianBase)
    assert base.packages == ("gcc", "cmake=1.0", "git", "nvcc", "cuda")


def test_an_image_that_extends_its_own_name_extends_the_one_that_it_hides(folders: Folders) -> None:
    folders.add("other", "extends: below\nplatform: linux/arm64\n", shipped=True)
    folders.add("below", "extends: below\npackages: [nvcc]\n")
    for name in ("below", "other"):
        base = folders.catalogue.recipe(name).base
        assert isinstance(base, DebianBase)
        assert base.packages == ("gcc", "cmake=1.0", "git", "nvcc")


def test_an_image_that_extends_its_own_name_must_hide_one(folders: Folders) -> None:
    file = folders.add("mine", "extends: mine\n")
    error = folders.complaint("mine")
    assert error.message == f"{file}: extends: there is no other image 'mine'"
    assert error.hint == "images: below, pulled"


def test_a_ring_is_told_with_its_names_and_files(folders: Folders) -> None:
    first = folders.add("first", "extends: second\n")
    second = folders.add("second", "extends: third\n", shipped=True)
    third = folders.add("third", "extends: first\n")
    error = folders.complaint("first")
    assert error.message == (
        f"{third}: extends: no image can extend itself:"
        " first extends second extends third extends first"
    )
    assert error.hint == f"leave `extends` out of one of them: {first}, {second}, {third}"


def test_an_unknown_name_is_told_with_file_and_field(folders: Folders) -> None:
    file = folders.add("mine", "extends: belov\n")
    error = folders.complaint("mine")
    assert error.message == f"{file}: extends: there is no image 'belov'"
    assert error.hint == "did you mean 'below'?"


def test_what_is_wrong_below_is_told_with_the_file_it_stands_in(folders: Folders) -> None:
    wrong = folders.add("wrong", "base: {distribution: debian, suite: trixie}\n")
    folders.add("mine", "extends: wrong\n")
    assert folders.complaint("mine").message == f"{wrong}: platform: is missing"


def test_an_image_of_a_registry_is_extended_by_platform_and_digest(folders: Folders) -> None:
    folders.add("mine", f"extends: pulled\nplatform: linux/arm64\nregistry: {OTHER}\n")
    folders.add("same", "extends: pulled\nplatform: linux/arm64\n")
    mine, same = folders.catalogue.recipe("mine"), folders.catalogue.recipe("same")
    assert (mine.base, mine.platform) == (RegistryBase(OTHER), "linux/arm64")
    assert (same.base, same.platform) == (RegistryBase(PULLED), "linux/arm64")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("without: [gitt]", "without[0]: image 'below' does not ask for 'gitt'", "mean 'git'?"),
        ("without: [nvcc]", "without[0]: image 'below' does not ask for 'nvcc'", "only what"),
        ("without: ['cmake=1.0']", "without[0]: 'cmake=1.0' is not usable here", "image.yaml"),
        (f"registry: {PULLED}", "registry: image 'below', which it extends, is boot", "leave"),
        ("base: {suit: sid}", "base.suit: there is no such field", "image.yaml"),
        ("mirror: '-'", "mirror: '-' is not usable here", "mirror.example"),
    ],
)
def test_what_does_not_fit_the_extended_image_is_refused(
    folders: Folders, text: str, message: str, hint: str
) -> None:
    file = folders.add("mine", f"extends: below\n{text}\n")
    error = folders.complaint("mine")
    assert error.message.startswith(f"{file}: {message}")
    assert hint in error.hint


@pytest.mark.parametrize(
    "text",
    [
        "base: {suite: trixie}",
        "mirror: https://mirror.example/debian",
        "without_files: [/usr/lib/a]",
    ],
)
def test_an_image_of_a_registry_has_nothing_to_bootstrap(folders: Folders, text: str) -> None:
    file = folders.add("mine", f"extends: pulled\n{text}\n")
    field = text.partition(":")[0]
    error = folders.complaint("mine")
    assert error.message == (
        f"{file}: {field}: image 'pulled', which it extends, comes from a registry"
    )
    assert error.hint == "such fields belong to images that are bootstrapped"


def test_an_image_of_a_registry_is_extended_by_packages(folders: Folders) -> None:
    folders.add("tools", "extends: pulled\npackages: [gcc, make]\npackage_manager: dnf\n")
    folders.add("mine", "extends: tools\npackages: [git]\nwithout: [make]\n")

    base = folders.catalogue.recipe("mine").base

    assert base == RegistryBase(PULLED, ("gcc", "git"), "dnf")


@pytest.mark.parametrize("name", [PULLED, "Below", "../below", ""])
def test_only_an_image_with_a_recipe_can_be_extended(folders: Folders, name: str) -> None:
    file = folders.add("mine", f"extends: '{name}'\n")
    assert folders.complaint("mine").message == f"{file}: extends: {name!r} is not usable here"


def test_an_image_that_stands_alone_leaves_nothing_out(folders: Folders) -> None:
    file = folders.add("mine", f"{BELOW}without: [git]\n")
    assert folders.complaint("mine").message == (
        f"{file}: without: only an image that `extends` another one can leave packages out"
    )


class TestCounterpart:
    """The image that is the same but for the processor."""

    def test_is_the_image_that_is_extended_with_another_platform(self, folders: Folders) -> None:
        folders.add("arm", "extends: below\nplatform: linux/arm64\ndescription: for ARM\n")
        assert folders.catalogue.counterpart("arm", "linux/amd64") == "below"
        assert folders.catalogue.counterpart("below", "linux/arm64") == "arm"

    def test_is_not_sought_for_an_image_of_that_platform(self, folders: Folders) -> None:
        folders.add("twin", BELOW)
        assert folders.catalogue.counterpart("below", "linux/amd64") is None

    def test_is_the_extended_one_rather_than_another(self, folders: Folders) -> None:
        folders.add("a", BELOW)
        folders.add("middle", "extends: below\n")
        folders.add("arm", "extends: middle\nplatform: linux/arm64\n")
        assert folders.catalogue.counterpart("arm", "linux/amd64") == "middle"

    def test_is_any_image_with_the_same_text_in_another_order(self, folders: Folders) -> None:
        shuffled = BELOW.replace('[gcc, "cmake=1.0", git]', '[git, gcc, "cmake=1.0"]')
        folders.add("arm", shuffled.replace("linux/amd64", "linux/arm64"))
        assert folders.catalogue.counterpart("arm", "linux/amd64") == "below"

    def test_of_an_image_of_a_registry_has_the_same_digest(self, folders: Folders) -> None:
        folders.add("arm", "extends: pulled\nplatform: linux/arm64\n")
        folders.add("other", f"extends: pulled\nplatform: linux/arm64\nregistry: {OTHER}\n")
        assert folders.catalogue.counterpart("arm", "linux/amd64") == "pulled"
        assert folders.catalogue.counterpart("other", "linux/amd64") is None

    @pytest.mark.parametrize(
        "text",
        [
            "packages: [nvcc]",
            "without: [git]",
            "base: {suite: forky}",
            "base: {components: [contrib]}",
            "mirror: []",
            "without_files: [/usr/lib/a]",
            "python: /opt/python",
            "environment: {A: other}",
            "path: [/opt/c/bin]",
        ],
    )
    def test_differs_in_nothing_that_builds_see(self, folders: Folders, text: str) -> None:
        folders.add("arm", f"extends: below\nplatform: linux/arm64\n{text}\n")
        assert folders.catalogue.counterpart("arm", "linux/amd64") is None

    def test_is_found_beside_recipes_that_are_wrong(self, folders: Folders) -> None:
        folders.add("a", "base: [")
        folders.add("arm", BELOW.replace("linux/amd64", "linux/arm64"))
        assert folders.catalogue.counterpart("arm", "linux/amd64") == "below"


def test_the_shipped_aarch64_is_cpu_for_another_processor(tmp_path: Path) -> None:
    catalogue = ImageCatalogue(
        (shipped_folder("images"),), tmp_path, "linux/amd64", Host(True, {}, tmp_path), lambda: 0.0
    )
    recipe = catalogue.recipe("aarch64")
    assert (recipe.platform, recipe.base) == ("linux/arm64", catalogue.recipe("cpu").base)
    assert catalogue.counterpart("aarch64", "linux/amd64") == "cpu"
    assert catalogue.counterpart("cpu", "linux/arm64") == "aarch64"

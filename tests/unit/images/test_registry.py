"""Images of registries that get packages: what an engine is asked, and what is made of its answer.

An engine is played by one that saves a small image; real ones are asked in tests/contract.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.domain.derivations import Derivation
from builder.domain.digests import Digest
from builder.domain.images import LayoutImage, RegistryImage
from builder.errors import ImageError
from builder.images.catalogue import ImageCatalogue
from builder.images.mmdebstrap import Host
from builder.images.recipe import RegistryBase

REFERENCE = f"registry.example/base@{Digest.of_bytes(b'base')}"
PACKAGES = "gcc=14.2-1=amd64\nmake=4.4-2=amd64\n"
LIST = "usr/share/builder/packages"


@dataclass
class PlayedMaker:
    """Saves an image of two layers, the upper of which lists packages.

    Attributes:
        said: what the build prints.
        refusal: why the build fails, if it does.
        listed: the packages that the image lists.
        lie: whether it saves another image than it built.
    """

    said: tuple[str, ...] = ("Step 1/2 : FROM", "Setting up gcc (14.2-1) ...")
    refusal: str = ""
    listed: str = PACKAGES
    lie: bool = False
    asked: list[Derivation] = field(default_factory=list)

    def derive(self, derivation: Derivation, told: Callable[[str], None]) -> Digest:
        self.asked.append(derivation)
        for line in self.said:
            told(line)
        if self.refusal:
            raise ImageError(self.refusal)
        return Digest.of_bytes(self._config())

    def save(self, image: Digest, target: Path) -> None:
        assert image == Digest.of_bytes(self._config())
        with tarfile.open(target, "w") as tar:
            for number, layer in enumerate(self._layers()):
                put(tar, f"{number}/layer.tar", layer)
            put(tar, "config.json", self._config() + (b" " if self.lie else b""))
            layers = [f"{number}/layer.tar" for number in range(2)]
            entry = {"Config": "config.json", "RepoTags": None, "Layers": layers}
            put(tar, "manifest.json", json.dumps([entry]).encode())

    def _config(self) -> bytes:
        layers = [str(Digest.of_bytes(layer)) for layer in self._layers()]
        rootfs = {"type": "layers", "diff_ids": layers}
        return json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode()

    def _layers(self) -> tuple[bytes, bytes]:
        return layer_of("etc/os-release", "a distribution"), layer_of(LIST, self.listed)


def layer_of(name: str, text: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        put(tar, name, text.encode())
    return stream.getvalue()


def put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


class Images:
    """A catalogue with one image of a registry, which gets packages from a played engine."""

    def __init__(self, root: Path, maker: PlayedMaker) -> None:
        self.maker = maker
        self.cache = root / "cache"
        self.opened = 0
        self.recipe = root / "images" / "mine" / "image.yaml"
        self.recipe.parent.mkdir(parents=True)
        self.write("packages: [make, gcc]\n")
        self.catalogue = ImageCatalogue(
            folders=(root / "images",),
            cache=self.cache,
            platform="linux/amd64",
            host=Host(True, {"http_proxy": "http://proxy.example", "SECRET": "x"}, root),
            clock=lambda: 0.0,
            open_maker=self._open,
        )

    def write(self, more: str) -> None:
        self.recipe.write_text(f"registry: {REFERENCE}\nplatform: linux/amd64\n{more}")

    @contextmanager
    def _open(self) -> Iterator[PlayedMaker]:
        self.opened += 1
        yield self.maker

    def complaint(self) -> ImageError:
        with pytest.raises(ImageError) as caught:
            self.catalogue.build("mine", ignored)
        return caught.value


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path, PlayedMaker())


def ignored(_: str) -> None:
    """Nobody waits."""


def test_an_engine_is_asked_to_add_the_packages_to_the_pulled_image(images: Images) -> None:
    images.catalogue.build("mine", ignored)

    (asked,) = images.maker.asked
    assert asked.below == RegistryImage("mine", REFERENCE, "linux/amd64")
    assert asked.arguments == (("http_proxy", "http://proxy.example"),)
    for command in (
        "apt-get --yes --no-install-recommends install gcc make; \\\n",
        "install findutils gcc make; \\\n",
        "          findutils gcc make; \\\n",
        "FROM ${BASE}\n",
        "-perm /6000 -exec chmod ug-s",
        "echo 'builder:x:1000:1000::/build:/bin/sh' >> /etc/passwd",
    ):
        assert command in asked.containerfile


def test_what_the_engine_made_is_an_image_for_every_engine(images: Images) -> None:
    built = images.catalogue.build("mine", ignored)

    image = images.catalogue.open("mine")
    assert isinstance(image, LayoutImage)
    assert image == built.image
    assert len(image.below) == 1
    for digest in (image.config, image.diff_id, *image.below):
        assert Digest.of_file(image.layout / "blobs" / "sha256" / digest.sha256) == digest
    assert [str(package) for package in built.state.packages] == PACKAGES.split()


def test_an_image_that_is_there_needs_no_engine(images: Images) -> None:
    images.catalogue.build("mine", ignored)

    assert images.catalogue.build("mine", ignored).was_there
    assert images.opened == 1


def test_another_package_makes_another_image(images: Images) -> None:
    images.catalogue.build("mine", ignored)
    images.write("packages: [make, gcc, git]\n")

    with pytest.raises(ImageError, match="is not built yet") as refused:
        images.catalogue.open("mine")

    assert refused.value.hint == "builder image build mine"


def test_the_order_of_packages_makes_no_other_image(images: Images) -> None:
    images.catalogue.build("mine", ignored)
    images.write("packages: [gcc, make]\n")

    assert images.catalogue.build("mine", ignored).was_there


def test_a_locked_image_that_was_made_again_is_refused(images: Images) -> None:
    images.catalogue.build("mine", ignored)
    images.catalogue.lock("mine")
    images.maker.listed = PACKAGES.replace("14.2", "14.3")

    with pytest.raises(ImageError, match=r"gcc 14\.3-1, locked 14\.2-1") as refused:
        images.catalogue.build("mine", ignored, force=True)

    assert "builder image lock mine" in refused.value.hint
    assert "mirror" not in refused.value.hint


def test_without_packages_there_is_nothing_to_make(images: Images) -> None:
    images.write("")

    assert images.catalogue.recipe("mine").base == RegistryBase(REFERENCE)
    assert images.catalogue.open("mine") == RegistryImage("mine", REFERENCE, "linux/amd64")


def test_images_in_use_are_not_pruned(images: Images) -> None:
    images.catalogue.build("mine", ignored)

    assert images.catalogue.prune(float("inf"), dry_run=True) == ()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("E: Unable to locate package gcc", "`packages`"),
        ("Error: Unable to find a match: gcc", "`packages`"),
        ("error: No package matches 'gcc'", "`packages`"),
        ("the image has no apt-get, no dnf and no microdnf", "take an image that has one"),
        ("W: Failed to fetch x  Temporary failure resolving 'x'", "http_proxy"),
        ("Curl error (6): Couldn't resolve host name", "http_proxy"),
        ("sh: something else", "package_manager"),
    ],
)
def test_why_the_packages_did_not_come_is_told(images: Images, line: str, hint: str) -> None:
    images.maker.said = ("Step 2/2 : RUN the image has no apt-get, no dnf and no microdnf", line)
    images.maker.refusal = "exit status 1"

    error = images.complaint()

    assert line in error.message
    assert hint in error.hint
    assert images.catalogue.state("mine") is None


def test_an_image_that_cannot_be_pulled_is_told_as_the_engine_tells_it(images: Images) -> None:
    images.maker.said, images.maker.refusal = (), "the registry has no such image"

    assert images.complaint().message == "the registry has no such image"


def test_another_image_than_was_built_is_refused(images: Images) -> None:
    images.maker.lie = True

    assert "saved another image" in images.complaint().message


def test_an_image_without_a_list_of_packages_is_refused(images: Images) -> None:
    images.maker.listed = "no package"

    assert "list of packages" in images.complaint().message

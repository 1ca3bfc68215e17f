"""An image whose digest has changed: what the command line says, and what mends it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from builder.domain.images import LayoutImage
from tests.contract.busybox_image import busybox_image
from tests.contract.registry import Registry, registry_of
from tests.contract.test_image_making import DEBIAN_LIST
from tests.system.conftest import Done

pytestmark = pytest.mark.once

CHECKOUT = Path(__file__).parents[2]
APT = "#!/bin/sh\nexit 0\n"


class Images:
    """Images of the test's own, and the program with them."""

    def __init__(self, folder: Path, engine: str, registry: Registry) -> None:
        self.folder = folder / "images"
        self.folder.mkdir()
        self.engine = engine
        self.registry = registry
        configuration = folder / "registries.conf"
        configuration.write_text(
            f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n'
        )
        self._variables: Mapping[str, str] = {"CONTAINERS_REGISTRIES_CONF": str(configuration)}
        self._output = folder / "output"

    def add(self, name: str, text: str) -> Path:
        recipe = self.folder / name / "image.yaml"
        recipe.parent.mkdir(parents=True)
        recipe.write_text(text)
        return recipe

    def run(self, *words: str) -> Done:
        where = ["--images-dir", str(self.folder), "--engine", self.engine, "-O", str(self._output)]
        done = subprocess.run(
            [sys.executable, "-m", "builder", *words, *where],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self._variables},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def relock(self, name: str) -> None:
        """Makes the lock one of another image."""
        file = self.folder / name / "image.lock.json"
        text = file.read_text()
        file.write_text(re.sub(r'("config": "sha256:)[0-9a-f]{8}', r"\g<1>00000000", text))


@pytest.fixture
def image(tmp_path: Path) -> LayoutImage:
    programs = {"apt-get": APT, "dpkg-query": DEBIAN_LIST}
    return busybox_image(tmp_path / "layout", str(tmp_path), programs)


@pytest.fixture
def images(engine: str, image: LayoutImage, tmp_path: Path) -> Iterator[Images]:
    with registry_of(image) as registry:
        yield Images(tmp_path, engine, registry)


def pulled(images: Images) -> str:
    return f"registry: {images.registry.image.reference}\nplatform: linux/amd64\n"


def test_a_bootstrapped_image_that_is_not_the_locked_one(images: Images) -> None:
    images.add("cpu", (CHECKOUT / "images/cpu/image.yaml").read_text())
    assert images.run("image", "lock", "cpu").status == 0
    images.relock("cpu")

    done = images.run("bootstrap", "anything", "--image", "cpu")

    assert done.status == 4
    assert "error: image 'cpu' is not the one in" in done.stderr
    assert "hint: to accept it: builder image lock cpu;" in done.stderr


def test_an_image_of_a_registry_that_is_not_what_its_digest_names(images: Images) -> None:
    images.add("pulled", pulled(images))
    _, _, digest = images.registry.image.reference.partition("@")
    other = images.registry.folders[0] / digest.removeprefix("sha256:")
    images.registry.lies[digest] = other.read_bytes() + b"\n"

    refused = images.run("bootstrap", "anything", "--image", "pulled")
    images.registry.lies.clear()
    mended = images.run("image", "build", "pulled")

    assert refused.status == 102, refused.stderr
    assert f"error: what the registry gives as {images.registry.image.reference}" in refused.stderr
    assert "hint: run this again;" in refused.stderr
    assert "skopeo inspect --format '{{.Digest}}' docker://" in refused.stderr
    assert mended.status == 0, mended.stderr
    assert mended.stdout.endswith(" pulled\n")


def test_an_image_with_added_packages_that_is_not_the_locked_one(images: Images) -> None:
    images.add("mine", f"{pulled(images)}packages: [gcc]\n")
    built = images.run("image", "build", "mine")
    assert built.status == 0, built.stderr
    assert images.run("image", "lock", "mine").status == 0
    images.relock("mine")

    refused = images.run("bootstrap", "anything", "--image", "mine")
    mended = images.run("image", "lock", "mine")
    accepted = images.run("image", "build", "mine")

    assert refused.status == 4
    assert "error: image 'mine' is not the one in" in refused.stderr
    assert "hint: to accept it: builder image lock mine;" in refused.stderr
    assert "mirror" not in refused.stderr
    assert mended.status == 0
    assert accepted.stdout.endswith(" was there\n")


def test_a_tag_is_refused_with_the_command_that_shows_its_digest(images: Images) -> None:
    tagged = f"{images.registry.address}/contract:latest"

    done = images.run("bootstrap", "anything", "--image", tagged)

    assert done.status == 2
    assert f"error: image '{tagged}' is not named by digest" in done.stderr
    assert f"docker://{tagged}" in done.stderr

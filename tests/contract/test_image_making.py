"""Images that get packages: by each engine that makes one, and for each that takes it in.

A package manager is played by scripts that an image of busybox has in its place; real ones add
packages in e2e/test_registry_images.py.
"""

from pathlib import Path

import pytest

from builder.domain.derivations import Derivation
from builder.domain.images import LayoutImage, RegistryImage
from builder.errors import ImageError
from builder.images.containerfile import PACKAGE_LIST, containerfile
from builder.images.layout import WrittenLayout
from builder.images.saved import listed_packages, take_over
from builder.ports import Engine, ImageMaker
from tests.contract.busybox_image import busybox_image
from tests.contract.registry import Registry
from tests.contract.subjects import Subject

INSTALL = """#!/bin/sh
echo "$(basename "$0") $*" >> /installed
case "$*" in *install*) ;; *) exit 0 ;; esac
case "$*" in *nothing*) echo "E: Unable to locate package nothing"; exit 100 ;; esac
address=$http_proxy; unset http_proxy
wget -q -O /dev/null "$address/v2/" || exit 7
cp /bin/busybox /usr/bin/tool && chmod 4755 /usr/bin/tool
echo 'another:x:1000:1000::/home/another:/bin/sh' >> /etc/passwd
"""
DEBIAN_LIST = "#!/bin/sh\necho 'installed gcc=14-1=amd64'\necho 'config-files old=1=all'\n"
FAMILIES = {
    "apt": {"apt-get": INSTALL, "dpkg-query": DEBIAN_LIST},
    "none": {},
}
SHOWS = """
tail -n 1 /installed; id -un; grep -c :1000: /etc/passwd
find /usr/bin/tool -perm /6000
stat -c '%a %n' /out /in /env /index /agent /build /tmp
"""


@pytest.fixture(scope="module")
def bases(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, LayoutImage]:
    folder = tmp_path_factory.mktemp("bases")
    made = {name: busybox_image(folder / name, name, has) for name, has in FAMILIES.items()}
    for image in made.values():
        registry.folders.append(image.layout / "blobs" / "sha256")
    return made


@pytest.fixture
def maker(real: Subject) -> ImageMaker:
    engine: Engine = real.engine
    assert isinstance(engine, ImageMaker)
    return engine


def derivation(
    registry: Registry, base: LayoutImage, packages: tuple[str, ...] = ("gcc",)
) -> Derivation:
    return Derivation(
        RegistryImage("made", registry.reference(base), base.platform),
        containerfile(packages, None),
        (("http_proxy", f"http://{registry.address}"),),
    )


def taken(folder: Path, written: WrittenLayout, platform: str) -> LayoutImage:
    below = tuple(layer.diff_id for layer in written.below)
    return LayoutImage("made", folder, written.config, written.diff_id, platform, below)


def test_an_image_gets_packages_from_the_package_manager_that_it_has(
    real: Subject,
    maker: ImageMaker,
    registry: Registry,
    bases: dict[str, LayoutImage],
    tmp_path: Path,
) -> None:
    said: list[str] = []
    identifier = maker.derive(derivation(registry, bases["apt"]), said.append)
    maker.save(identifier, tmp_path / "saved.tar")
    written = take_over(tmp_path / "saved.tar", tmp_path / "layout", "made", identifier)
    image = taken(tmp_path / "layout", written, bases["apt"].platform)

    assert real.engine.ensure_image(image) == str(identifier)
    spec = real.spec("/bin/sh", "-c", SHOWS)
    told = real.run(type(spec)(**{**vars(spec), "image": str(identifier)})).text.splitlines()
    assert told[1:] == [
        "builder",
        "1",
        *(f"755 /{name}" for name in ("out", "in", "env", "index", "agent")),
        *(f"1777 /{name}" for name in ("build", "tmp")),
    ]
    assert told[0] == "apt-get clean"
    listed = listed_packages(image.layout, written, PACKAGE_LIST)
    assert [str(package) for package in listed] == ["gcc=14-1=amd64"]
    assert (
        f"http://{registry.address}".encode()
        not in (image.layout / "blobs" / "sha256" / identifier.sha256).read_bytes()
    )


def test_an_image_without_a_package_manager_gets_none(
    maker: ImageMaker, registry: Registry, bases: dict[str, LayoutImage]
) -> None:
    said: list[str] = []

    with pytest.raises(ImageError) as refused:
        maker.derive(derivation(registry, bases["none"]), said.append)

    assert "the image has no apt-get, no dnf and no microdnf" in said
    assert "set -eu" not in refused.value.message


def test_a_package_that_there_is_not_fails_the_build(
    maker: ImageMaker, registry: Registry, bases: dict[str, LayoutImage]
) -> None:
    said: list[str] = []

    with pytest.raises(ImageError):
        maker.derive(derivation(registry, bases["apt"], ("nothing",)), said.append)

    assert "E: Unable to locate package nothing" in said


def test_an_image_of_another_platform_gets_no_packages(
    maker: ImageMaker, registry: Registry, bases: dict[str, LayoutImage]
) -> None:
    asked = derivation(registry, bases["apt"])
    foreign = RegistryImage("made", registry.reference(bases["apt"]), "linux/arm64")

    with pytest.raises(ImageError, match="not for linux/arm64"):
        maker.derive(Derivation(foreign, asked.containerfile), lambda _: None)

"""Images with more packages: derived once, on the very image below, and held to its lock."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from builder.engines.archives import archive_stream
from builder.errors import ImageError, InputError
from builder.images import catalogue as catalogue_module
from builder.images.catalogue import ImageCatalogue
from builder.images.mmdebstrap import Host, Progress, extension_arguments
from builder.images.recipe import DebianBase

BASE = {"gcc": "14", "libuuid1": "2.40"}
RECIPE = """
base: {distribution: debian, suite: trixie}
platform: linux/amd64
packages: [gcc]
mirror: https://mirror.example/debian
"""


class Archive:
    """Plays mmdebstrap: what it installs comes from here.

    Attributes:
        versions: of the packages that there are.
        commands: every command so far.
    """

    def __init__(self) -> None:
        self.versions = {**BASE, "uuid-dev": "2.40"}
        self.commands: list[list[str]] = []

    def bootstrap(
        self,
        command: list[str],
        host: Host,
        output: Path,
        log: Path,
        progress: Progress,
        start: Path = Path("/dev/null"),
    ) -> None:
        self.commands.append(command)
        log.write_text(f"{host}")
        progress("working")
        installed = {name: self.versions[name] for name in BASE}
        if "--variant=custom" in command:
            (hook,) = (it for it in command if it.startswith("--customize-hook="))
            assert tarfile.is_tarfile(start)
            installed |= {it: self.versions[it] for it in self.versions if it in hook.split()}
        status = "\n".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {it}\n"
            for name, it in installed.items()
        ).encode()
        with tarfile.open(output, "w") as tar:
            for name in (".", "./var", "./var/lib", "./var/lib/dpkg"):
                folder = tarfile.TarInfo(name)
                folder.type = tarfile.DIRTYPE
                tar.addfile(folder)
            file = tarfile.TarInfo("./var/lib/dpkg/status")
            file.size = len(status)
            tar.addfile(file, io.BytesIO(status))


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Archive:
    played = Archive()
    monkeypatch.setattr(catalogue_module, "bootstrap", played.bootstrap)
    monkeypatch.setattr(catalogue_module, "host_transport", lambda: ())
    return played


@pytest.fixture
def catalogue(tmp_path: Path, archive: Archive) -> ImageCatalogue:
    (tmp_path / "images/mine").mkdir(parents=True)
    (tmp_path / "images/mine/image.yaml").write_text(RECIPE)
    made = ImageCatalogue(
        (tmp_path / "images",),
        tmp_path / "cache",
        "linux/amd64",
        Host(is_root=True, environment={}, scratch=tmp_path),
        lambda: 0.0,
    )
    made.build("mine", lambda _: None)
    assert len(archive.commands) == 1
    return made


def extend(catalogue: ImageCatalogue, *packages: str) -> catalogue_module.BuiltImage:
    return catalogue.extend("mine", packages, lambda _: None)


def test_a_derived_image_is_one_more_layer_on_the_image(catalogue: ImageCatalogue) -> None:
    base = catalogue.build("mine", print).image
    built = extend(catalogue, "uuid-dev", "gcc")

    assert not built.was_there
    assert built.replaced == ()
    assert built.image.below == (base.diff_id,)
    assert built.image.config != base.config
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive_stream(built.image)))) as tar:
        layers = [name for name in tar.getnames() if name.endswith("layer.tar")]
    assert layers == [f"{it.sha256}/layer.tar" for it in (base.diff_id, built.image.diff_id)]


def test_a_derived_image_is_made_once(catalogue: ImageCatalogue, archive: Archive) -> None:
    first = extend(catalogue, "uuid-dev")
    again = extend(catalogue, "gcc", "uuid-dev", "uuid-dev")

    assert again.was_there
    assert again.image == first.image
    assert len(archive.commands) == 2
    assert [state.name for state in catalogue.derived()] == [first.state.name]
    assert first.state.name.startswith("mine+")


def test_nothing_is_derived_for_what_the_image_has(
    catalogue: ImageCatalogue, archive: Archive
) -> None:
    built = extend(catalogue, "gcc")

    assert built.image == catalogue.open("mine")
    assert len(archive.commands) == 1
    assert catalogue.derived() == ()


def test_an_image_that_was_made_anew_gets_derived_images_of_its_own(
    catalogue: ImageCatalogue, archive: Archive
) -> None:
    first = extend(catalogue, "uuid-dev")
    archive.versions["gcc"] = "15"
    catalogue.build("mine", print, force=True)
    second = extend(catalogue, "uuid-dev")

    assert not second.was_there
    assert first.state.folder != second.state.folder
    assert first.state.name == second.state.name


def test_an_archive_that_moved_is_told(catalogue: ImageCatalogue, archive: Archive) -> None:
    archive.versions["libuuid1"] = "2.41"

    assert extend(catalogue, "uuid-dev").replaced == ("libuuid1 2.41 instead of 2.40",)
    assert extend(catalogue, "uuid-dev").replaced == ("libuuid1 2.41 instead of 2.40",)


def test_a_locked_image_keeps_its_versions_in_derived_ones(
    catalogue: ImageCatalogue, archive: Archive
) -> None:
    catalogue.lock("mine")
    extend(catalogue, "uuid-dev")
    archive.versions["libuuid1"] = "2.41"

    with pytest.raises(ImageError, match=r"libuuid1 2\.41 instead of 2\.40") as caught:
        catalogue.extend("mine", ("uuid-dev",), print, force=True)
    assert "builder image lock mine" in caught.value.hint


def test_a_layer_that_was_changed_bears_nothing(catalogue: ImageCatalogue, tmp_path: Path) -> None:
    image = catalogue.build("mine", print).image
    blob = image.layout / "blobs/sha256" / image.diff_id.sha256
    blob.write_bytes(bytes(blob.stat().st_size))

    with pytest.raises(ImageError, match="is not what its name says"):
        extend(catalogue, "uuid-dev")
    assert [*(tmp_path / "cache/images").glob(".*.partial")] == []


def test_images_of_registries_and_odd_names_are_refused(
    catalogue: ImageCatalogue, tmp_path: Path
) -> None:
    reference = "registry.example/base@sha256:" + "a" * 64
    with pytest.raises(InputError, match="comes from a registry"):
        catalogue.extend(reference, ("uuid-dev",), print)
    with pytest.raises(InputError, match="cannot name a Debian package"):
        extend(catalogue, "--option")
    (tmp_path / "images/new").mkdir()
    (tmp_path / "images/new/image.yaml").write_text(RECIPE)
    with pytest.raises(ImageError) as caught:
        catalogue.extend("new", ("uuid-dev",), print)
    assert caught.value.hint == "builder image build new"


def test_the_command_adds_to_what_it_reads_and_removes_nothing() -> None:
    base = DebianBase("trixie", ("main",), ("gcc",), ("https://mirror.example/debian",))
    arguments = extension_arguments("linux/arm64", base, ("libb-dev", "uuid-dev"), is_root=False)
    (hook,) = (it for it in arguments if it.startswith("--customize-hook="))

    assert [it for it in arguments if not it.startswith(("--customize-hook", "--dpkgopt"))] == [
        "mmdebstrap",
        "--verbose",
        "--mode=unshare",
        "--variant=custom",
        "--format=tar",
        "--architectures=arm64",
        "--components=main",
        '--setup-hook=tar -C "$1" -x -p --numeric-owner',
        "trixie",
        "-",
        "https://mirror.example/debian",
    ]
    assert "--no-remove install \\\n  libb-dev uuid-dev\n" in hook
    assert "builder:x:1000" not in hook


def test_only_what_nobody_used_and_no_recipe_leads_to_is_pruned(
    catalogue: ImageCatalogue, tmp_path: Path
) -> None:
    derived = extend(catalogue, "uuid-dev").state
    recipe = tmp_path / "images/mine/image.yaml"
    recipe.write_text(RECIPE.replace("trixie", "bookworm"))
    old = next(it for it in (tmp_path / "cache/images").glob("mine-*/"))
    current = catalogue.build("mine", print).state
    for folder in (derived.folder, old, current.folder):
        os.utime(folder / "state.json", (1000, 1000))

    assert catalogue.prune(1000, dry_run=False) == ()
    would = [state.folder for state in catalogue.prune(1001, dry_run=True)]
    assert [folder for folder in would if not folder.is_dir()] == []
    removed = [state.folder for state in catalogue.prune(1001, dry_run=False)]

    assert sorted(removed) == sorted([derived.folder, old]) == sorted(would)
    assert [folder for folder in removed if folder.exists()] == []
    assert catalogue.open("mine") == current.image
    assert catalogue.prune(1001, dry_run=False) == ()


def test_an_image_that_is_used_is_not_pruned(catalogue: ImageCatalogue) -> None:
    derived = extend(catalogue, "uuid-dev").state
    os.utime(derived.folder / "state.json", (1000, 1000))
    extend(catalogue, "uuid-dev")

    assert catalogue.prune(1001, dry_run=False) == ()

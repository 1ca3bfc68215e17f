"""What engines make of a registry: by digest, for the platform that was asked for, or not at all.

Containers of the other architecture run by emulation, as `builder doctor` asks for it.
"""

import dataclasses
import secrets

import pytest

from builder.domain.digests import Digest
from builder.domain.images import RegistryImage
from builder.errors import ImageDigestError, ImageError
from tests.contract.busybox_image import put, put_image
from tests.contract.registry import Registry
from tests.contract.subjects import Subject
from tests.contract.two_architectures import TwoArchitectures


def machine(real: Subject, image: RegistryImage) -> str:
    """What an image says that it runs on."""
    identifier = real.engine.ensure_image(image)
    return real.run(dataclasses.replace(real.spec("/bin/uname"), image=identifier)).text.strip()


def test_one_index_gives_the_image_of_each_platform_again_and_again(
    real: Subject, registry: Registry, both: TwoArchitectures
) -> None:
    arm, amd = (registry.named(both.index, f"linux/{name}") for name in ("arm64", "amd64"))

    machines = [machine(real, image) for image in (arm, amd, arm)]

    assert machines == ["aarch64", "x86_64", "aarch64"]


def test_what_was_pulled_once_needs_no_registry(
    real: Subject, registry: Registry, both: TwoArchitectures
) -> None:
    images = [registry.named(both.index, f"linux/{name}") for name in ("arm64", "amd64")]
    before = [real.engine.ensure_image(image) for image in images]

    with registry.silent():
        assert [real.engine.ensure_image(image) for image in images] == before


def test_the_image_of_another_platform_is_refused_and_the_right_digest_can_be_found(
    real: Subject, registry: Registry, both: TwoArchitectures
) -> None:
    wrong = registry.named(both.manifests["arm64"], "linux/amd64")

    with pytest.raises(ImageError, match="is for linux/arm64, not for linux/amd64") as refused:
        real.engine.ensure_image(wrong)

    assert f"{real.engine.facts.name} manifest inspect {registry.address}/contract" in (
        refused.value.hint
    )


def test_an_index_without_the_platform_is_refused(
    real: Subject, registry: Registry, both: TwoArchitectures
) -> None:
    with pytest.raises(ImageError, match="linux/s390x is not one") as refused:
        real.engine.ensure_image(registry.named(both.index, "linux/s390x"))

    assert "manifest inspect" in refused.value.hint


def test_a_tag_is_refused_with_the_command_that_shows_its_digest(
    real: Subject, registry: Registry
) -> None:
    tagged = f"{registry.address}/contract:latest"

    with pytest.raises(ImageError, match="not named by digest") as refused:
        real.engine.ensure_image(RegistryImage("contract", tagged, "linux/amd64"))

    assert f"docker://{tagged}" in refused.value.hint


def test_a_manifest_that_is_not_what_its_digest_names_is_refused(
    real: Subject, registry: Registry, both: TwoArchitectures
) -> None:
    promised = Digest.of_bytes(secrets.token_bytes(8))
    other = both.manifests["amd64"]
    registry.lies[str(promised)] = (both.blobs / other.sha256).read_bytes()

    with pytest.raises(ImageDigestError, match=str(promised)) as refused:
        real.engine.ensure_image(registry.named(promised, "linux/amd64"))

    assert "skopeo inspect" in refused.value.hint


@pytest.mark.parametrize("part", ["layer", "configuration"])
def test_content_that_is_not_what_its_digest_names_is_refused(
    real: Subject, registry: Registry, both: TwoArchitectures, part: str
) -> None:
    layer = put(both.blobs, secrets.token_hex(8).encode().ljust(1536, b"\0"))
    note = secrets.token_hex(8)
    config, manifest = put_image(both.blobs, layer, "linux/amd64", note)
    changed = layer if part == "layer" else config
    content = (both.blobs / changed.sha256).read_bytes()
    registry.lies[str(changed)] = content.replace(note[:4].encode(), b"0000").swapcase()

    with pytest.raises(ImageDigestError, match=str(manifest)):
        real.engine.ensure_image(registry.named(manifest, "linux/amd64"))


def test_an_image_that_the_registry_lacks_is_refused_in_words(
    real: Subject, registry: Registry
) -> None:
    lacking = registry.named(Digest.of_bytes(b"none"), "linux/amd64")

    with pytest.raises(ImageError, match="has no image") as refused:
        real.engine.ensure_image(lacking)

    assert "skopeo inspect" in refused.value.hint


def test_a_registry_that_does_not_answer_is_named(real: Subject, registry: Registry) -> None:
    lacking = registry.named(Digest.of_bytes(b"unreachable"), "linux/amd64")

    with registry.silent(), pytest.raises(ImageError) as refused:
        real.engine.ensure_image(lacking)

    assert lacking.reference in refused.value.message

"""A variant that is based on others has their settings, patches and changelog beneath its own."""

import tomllib
from pathlib import Path

from packaging.utils import canonicalize_name

from builder.app.own_settings import settings_text
from builder.overrides.listing import rows
from builder.overrides.reading import Overrides, read_overrides
from builder.overrides.showing import shown
from tests.facts import pin

NAME = canonicalize_name("some-pkg")
RELEASE = pin("some-pkg==1.5")
SETTINGS = """\
env: {A: all}
system_packages: [liba-dev]
variants:
  both:
    env: {A: "${A}-both"}
    image: own
  cuda:
    env: {A: "${A}-cuda", B: cuda}
    system_packages: [libcuda-dev]
    config_settings: {where: cuda, how: cuda}
    image: cuda-image
  aarch64:
    env: {A: "${A}-aarch64", B: aarch64}
    config_settings: {where: aarch64}
  rocm: {pre_built: true}
versions:
  "<2":
    env: {A: "${A}-old"}
    variants:
      cuda: {env: {A: "${A}-old_cuda"}, config_settings: {where: old-cuda}}
      aarch64: {pre_built: true}
"""


def overrides(folder: Path, text: str = SETTINGS, based_on: tuple[str, ...] = ()) -> Overrides:
    (folder / "settings").mkdir(exist_ok=True)
    (folder / "settings/some_pkg.yaml").write_text(text)
    (folder / "settings.yaml").write_text(
        "changelog: {both: [a], cuda: [b, c], aarch64: [d], rocm: [e, f, g, h]}"
    )
    return read_overrides(
        folder / "settings.yaml",
        folder / "settings",
        folder / "patches",
        "both",
        based_on=based_on,
    )


def test_settings_are_merged_layer_by_layer_with_those_of_versions(tmp_path: Path) -> None:
    found = overrides(tmp_path, based_on=("cuda", "aarch64"))

    new = found.in_force(NAME, pin("some-pkg==3").version)
    old = found.in_force(NAME, RELEASE.version)

    assert found.layers == ("cuda", "aarch64", "both")
    assert new.settings.config_settings == {"where": "aarch64", "how": "cuda"}
    assert new.settings.system_packages == ["liba-dev", "libcuda-dev"]
    assert (new.settings.image, new.settings.pre_built) == ("own", False)
    assert old.settings.config_settings == {"where": "aarch64", "how": "cuda"}
    assert old.settings.pre_built
    values = found.variables(RELEASE, {}, {})
    assert values == {"A": "all-old-cuda-old_cuda-aarch64-both", "B": "aarch64"}


def test_the_order_of_the_layers_counts(tmp_path: Path) -> None:
    found = overrides(tmp_path, based_on=("aarch64", "cuda"))

    settings = found.in_force(NAME, RELEASE.version).settings

    assert settings.config_settings == {"where": "old-cuda", "how": "cuda"}
    assert found.variables(RELEASE, {}, {})["B"] == "cuda"


def test_without_layers_only_the_variant_itself_counts(tmp_path: Path) -> None:
    found = overrides(tmp_path)

    assert found.in_force(NAME, RELEASE.version).settings.config_settings == {}
    assert found.variables(RELEASE, {}, {}) == {"A": "all-old-both"}
    assert found.build_tag(RELEASE) == 1
    assert found.pre_built_anywhere(NAME) == ()


def test_build_tags_count_the_changes_of_every_layer(tmp_path: Path) -> None:
    assert overrides(tmp_path, based_on=("cuda",)).build_tag(RELEASE) == 3
    found = overrides(tmp_path, based_on=("cuda", "aarch64"))
    assert found.build_tag(pin("other==1")) == 4


def test_what_any_layer_has_pre_built_is_known_of(tmp_path: Path) -> None:
    found = overrides(tmp_path, based_on=("aarch64",))

    assert len(found.pre_built_anywhere(NAME)) == 1
    assert found.pre_built(RELEASE) is not None
    assert found.pre_built(pin("some-pkg==2")) is None


def test_patches_of_every_layer_are_applied_by_name(tmp_path: Path) -> None:
    names = (
        "some_pkg/both/020.patch",
        "some_pkg/cuda/010.patch",
        "some_pkg/cuda/020.patch",
        "some_pkg/020.patch",
        "some_pkg/rocm/030.patch",
        "some_pkg-1.5/aarch64/015.patch",
    )
    for name in names:
        file = tmp_path / "patches" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    found = overrides(tmp_path, based_on=("cuda", "aarch64"))

    assert [patch.name for patch in found.patches(RELEASE).apply] == [
        "some_pkg/cuda/010.patch",
        "some_pkg-1.5/aarch64/015.patch",
        "some_pkg/020.patch",
        "some_pkg/cuda/020.patch",
        "some_pkg/both/020.patch",
    ]
    counts = {str(row.version): row.patches for row in rows(found)}
    assert counts == {"None": 4, "1.5": 1}
    assert found.variant_names == {"both", "cuda", "aarch64", "rocm"}


def test_each_field_is_shown_with_the_layer_that_set_it(tmp_path: Path) -> None:
    found = overrides(tmp_path, based_on=("cuda", "aarch64"))

    fields = {
        one.name: (one.value, one.place.line) for one in shown(found, NAME, RELEASE.version).fields
    }

    assert fields["config_settings.how"] == ("cuda", 10)
    assert fields["config_settings.where"] == ("aarch64", 14)
    assert fields["image"] == ("own", 6)
    assert fields["pre_built"] == (True, 21)


def test_a_wheel_says_the_settings_of_all_layers_and_of_no_other(tmp_path: Path) -> None:
    found = overrides(tmp_path, based_on=("cuda",))

    said = tomllib.loads(settings_text(found, RELEASE))

    assert [*said["variants"]] == ["cuda", "both"]
    assert [*said["versions"]["<2"]["variants"]] == ["cuda"]

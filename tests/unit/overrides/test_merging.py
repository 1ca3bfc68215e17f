"""What holds for one release is merged from what is general to what is special."""

from pathlib import Path

from packaging.version import Version

from builder.overrides.checking import Checked, read_settings
from builder.overrides.environment import Variable
from builder.overrides.merging import InForce, in_force
from builder.overrides.schema import PackageSettings

SETTINGS = """\
build_dir: python
config_settings: {general: "1", both: general}
env: {A: general, B: general}
system_packages: [libb-dev, liba-dev]
build_options: {cpu_cores_per_job: 2}
variants:
  rocm:
    env: {A: "${A}-rocm"}
    system_packages: [liba-dev, librocm-dev]
versions:
  "<2":
    build_dir: old
    env: {B: old}
    config_settings: {both: old}
    build_options: {exclusive_build: true}
    variants:
      rocm: {pre_built: true}
  "<1":
    build_dir: older
"""


def merged(folder: Path, text: str, variant: str, version: str | None) -> InForce:
    file = folder / "some_pkg.yaml"
    file.write_text(text)
    checked = read_settings(file, PackageSettings)
    assert isinstance(checked, Checked)
    return in_force(checked, (variant,), None if version is None else Version(version))


def test_without_a_version_only_what_holds_for_all_counts(tmp_path: Path) -> None:
    found = merged(tmp_path, SETTINGS, "cpu", None)

    assert found.settings.build_dir == "python"
    assert found.variables == (
        Variable("A", "general", ("env", "A")),
        Variable("B", "general", ("env", "B")),
    )
    assert not found.settings.build_options.exclusive_build


def test_tables_add_up_and_the_special_wins(tmp_path: Path) -> None:
    found = merged(tmp_path, SETTINGS, "rocm", "1.5")

    assert found.settings.build_dir == "old"
    assert found.settings.config_settings == {"general": "1", "both": "old"}
    assert found.settings.build_options.cpu_cores_per_job == 2
    assert found.settings.build_options.exclusive_build
    assert found.settings.system_packages == ["libb-dev", "liba-dev", "librocm-dev"]
    assert found.settings.pre_built
    assert found.variables == (
        Variable("A", "general", ("env", "A")),
        Variable("B", "general", ("env", "B")),
        Variable("B", "old", ("versions", "<2", "env", "B")),
        Variable("A", "${A}-rocm", ("variants", "rocm", "env", "A")),
    )


def test_of_several_fitting_versions_the_later_one_wins(tmp_path: Path) -> None:
    assert merged(tmp_path, SETTINGS, "cpu", "0.9.dev1").settings.build_dir == "older"
    assert merged(tmp_path, SETTINGS, "cpu", "2").settings.build_dir == "python"


def test_every_field_says_where_it_was_set_last(tmp_path: Path) -> None:
    origins = merged(tmp_path, SETTINGS, "rocm", "1.5").origins

    assert origins["config_settings", "general"] == ("config_settings", "general")
    assert origins["build_dir",] == ("versions", "<2", "build_dir")
    assert origins["env", "A"] == ("variants", "rocm", "env", "A")
    assert origins["pre_built",] == ("versions", "<2", "variants", "rocm", "pre_built")


def test_a_variant_may_take_pre_built_back(tmp_path: Path) -> None:
    url = f"https://files.index.example/some_pkg-1.0-py3-none-any.whl#sha256={'a' * 64}"
    text = f"pre_built: true\npre_built_url: {url}\nvariants: {{rocm: {{pre_built: false}}}}\n"

    assert merged(tmp_path, text, "cpu", "1.0").settings.pre_built_url == url
    assert not merged(tmp_path, text, "rocm", "1.0").settings.pre_built
    assert merged(tmp_path, text, "rocm", "1.0").settings.pre_built_url is None

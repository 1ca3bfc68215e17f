"""What `image.yaml` may say, and what is answered when it says something else."""

from pathlib import Path

import pytest

from builder.build.task import fixed_variables, job_variables
from builder.errors import InputError
from builder.images.recipe import (
    DebianBase,
    ImageRecipe,
    RegistryBase,
    parse_mirrors,
    reference_recipe,
)
from builder.images.recipe_file import read_recipe as read_extending
from builder.shipped import shipped_folder

DIGEST = "sha256:" + "a" * 64

BOOTSTRAPPED = """
base: {distribution: debian, suite: trixie}
platform: linux/amd64
packages: [python3-dev, "libc6:amd64=2.41-12+deb13u1"]
"""

PULLED = f"registry: r.example/a@{DIGEST}\nplatform: linux/amd64\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "mine" / "image.yaml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    return file


def read_recipe(file: Path) -> ImageRecipe:
    return read_extending(file, nothing)


def nothing(name: str) -> ImageRecipe:
    raise AssertionError(name)


def complaint(folder: Path, text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read_recipe(write(folder, text))
    return caught.value


def test_a_bootstrapped_image_has_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, BOOTSTRAPPED)
    assert read_recipe(file) == ImageRecipe(
        name="mine",
        description="",
        platform="linux/amd64",
        python="/usr/bin/python3",
        base=DebianBase(
            suite="trixie",
            components=("main",),
            packages=("python3-dev", "libc6:amd64=2.41-12+deb13u1"),
            mirrors=(),
        ),
        folder=file.parent,
    )


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("https://mirror.example/debian", ("https://mirror.example/debian",)),
        (
            "[https://a.example/d, deb https://b.example/d trixie-updates main]",
            ("https://a.example/d", "deb https://b.example/d trixie-updates main"),
        ),
    ],
)
def test_mirrors_are_addresses_or_lines(
    tmp_path: Path, mirror: str, expected: tuple[str, ...]
) -> None:
    recipe = read_recipe(write(tmp_path, f"{BOOTSTRAPPED}mirror: {mirror}\n"))
    assert isinstance(recipe.base, DebianBase)
    assert recipe.base.mirrors == expected


def test_a_registry_image_is_named_by_digest(tmp_path: Path) -> None:
    reference = f"registry.example/team/base@{DIGEST}"
    recipe = read_recipe(write(tmp_path, f"registry: {reference}\nplatform: linux/arm64\n"))
    assert recipe.base == RegistryBase(reference)


def test_a_tag_is_refused(tmp_path: Path) -> None:
    error = complaint(tmp_path, "registry: registry.example/base:latest\nplatform: linux/amd64\n")
    assert "registry: 'registry.example/base:latest' is not usable here" in error.message
    assert "by digest" in error.hint


def test_a_tag_on_the_command_line_is_refused() -> None:
    with pytest.raises(InputError, match="not named by digest") as caught:
        reference_recipe("registry.example/base:1", "linux/amd64")
    assert "a tag can be moved" in caught.value.hint


@pytest.mark.parametrize("manager", ["", "package_manager: microdnf\n"])
def test_an_image_of_a_registry_may_get_packages(tmp_path: Path, manager: str) -> None:
    packages = "packages: [python3.12-devel, libstdc++, glibc-devel-2.39-1.fc40.x86_64]\n"

    base = read_recipe(write(tmp_path, f"{PULLED}{packages}{manager}")).base

    assert base == RegistryBase(
        f"r.example/a@{DIGEST}",
        ("python3.12-devel", "libstdc++", "glibc-devel-2.39-1.fc40.x86_64"),
        "microdnf" if manager else None,
    )


def test_every_wrong_field_is_named_with_its_file(tmp_path: Path) -> None:
    error = complaint(
        tmp_path,
        """
        base: {distribution: debian, suite: trixie, sweet: yes}
        platform: linux/6502
        packages: [gcc, --keyring=x, "?essential", 3]
        extra: 1
        """,
    )
    lines = [
        line.removeprefix(f"{tmp_path}/mine/image.yaml: ") for line in error.message.split("\n")
    ]
    assert lines == [
        "packages[1]: '--keyring=x' is not usable here",
        "packages[2]: '?essential' is not usable here",
        "packages[3]: Input should be a valid string",
        "base.sweet: there is no such field",
        (
            "platform: Input should be 'linux/amd64', 'linux/arm64', 'linux/ppc64le',"
            " 'linux/riscv64' or 'linux/s390x'"
        ),
        "extra: there is no such field",
    ]
    assert "images/cpu/image.yaml" in error.hint


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    assert "platform: is missing" in complaint(tmp_path, "base: {suite: a}").message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("platform: linux/amd64", "either `base`"),
        (f"{BOOTSTRAPPED}registry: r.example/a@{DIGEST}", "either `base`"),
        (f"{PULLED}mirror: https://mirror.example/debian", "belong to"),
        (f"{PULLED}packages: ['?essential']", "packages[0]: '?essential' is not usable here"),
        (f"{PULLED}packages: [Xorg]\npackage_manager: apt", "packages[0]: 'Xorg' is not usable"),
        (f"{PULLED}packages: [gcc=1]\npackage_manager: dnf", "packages[0]: 'gcc=1' is not usable"),
        (f"{PULLED}package_manager: yum", "package_manager: Input should be"),
        (f"{BOOTSTRAPPED}package_manager: apt", "`package_manager` belongs to `registry`"),
        (
            "base: {distribution: debian, suite: a}\nplatform: linux/amd64\npackages: [Xorg]",
            "'Xorg'",
        ),
        ("- a\n- b\n", "must hold fields"),
        ("", "must hold fields"),
        ("a: [", "is not YAML"),
        (f"{BOOTSTRAPPED}mirror: '-'", "mirror: '-' is not usable here"),
        (
            f"registry: r.example/a@{DIGEST}\nplatform: linux/amd64\nwithout_files: [/a]",
            "belong to",
        ),
        (f"{BOOTSTRAPPED}without_files: [a]", "without_files[0]: 'a' is not usable here"),
        (f"{BOOTSTRAPPED}without_files: ['/a\\n/b']", "is not usable here"),
        (f"{BOOTSTRAPPED}python: python3", "python: 'python3' is not usable here"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in complaint(tmp_path, text).message


def test_an_image_gives_variables_and_folders_of_programs_to_builds(tmp_path: Path) -> None:
    text = "environment: {CUDA_HOME: /usr/lib/cuda, A: '$HOME'}\npath: [/opt/b/bin, /opt/a/bin]\n"
    recipe = read_recipe(write(tmp_path, BOOTSTRAPPED + text))
    assert recipe.environment == (("A", "$HOME"), ("CUDA_HOME", "/usr/lib/cuda"))
    assert recipe.path == ("/opt/b/bin", "/opt/a/bin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environment: {1A: x}", "environment: '1A' cannot name a variable"),
        ("environment: {'A=B': x}", "environment: 'A=B' cannot name a variable"),
        ("environment: {A: 1}", "environment.A: Input should be a valid string"),
        ('environment: {A: "a\\0b"}', "environment.A: no variable can hold a NUL"),
        ('environment: {A: "\\ud800"}', "environment.A: its value is no UTF-8"),
        (f"environment: {{A: {'x' * (128 << 10)}}}", "environment.A: its value is longer"),
        ("environment: {1A: x, A: 1}", "environment.A: Input should be a valid string"),
        ("environment: {PATH: /opt/bin}", "made of the folders under `path:`"),
        ("environment: {FROMAGER_VARIANT: cuda}", "tells builds their variant"),
        ("path: [opt/bin]", "path[0]: 'opt/bin' is no folder"),
        ("path: ['/opt/bin:/tmp']", "path[0]: '/opt/bin:/tmp' is no folder"),
        ("path: [/opt/../bin]", "path[0]: '/opt/../bin' is no folder"),
        ("path: /opt/bin", "path: Input should be a valid list"),
    ],
)
def test_what_builds_cannot_be_given_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    error = complaint(tmp_path, f"{BOOTSTRAPPED}{text}\n")
    assert expected in error.message
    assert error.message.startswith(f"{tmp_path}/mine/image.yaml: ")
    assert "images/cpu/image.yaml" in error.hint


@pytest.mark.parametrize("name", [name for name, _ in (*fixed_variables(0), *job_variables(1))])
def test_no_image_sets_what_every_build_has(tmp_path: Path, name: str) -> None:
    assert name in complaint(tmp_path, f"{BOOTSTRAPPED}environment: {{{name}: x}}\n").message


def test_a_mirror_given_as_an_option_is_checked() -> None:
    with pytest.raises(InputError, match="--setup-hook"):
        parse_mirrors(("https://mirror.example/debian", "--setup-hook=id"))


def test_a_folder_with_an_odd_name_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "My Image"
    folder.mkdir()
    (folder / "image.yaml").write_text(BOOTSTRAPPED, encoding="utf-8")
    with pytest.raises(InputError, match="cannot name an image"):
        read_recipe(folder / "image.yaml")


@pytest.mark.parametrize(("name", "suite"), [("cpu", "trixie"), ("cpu-py311", "bookworm")])
def test_shipped_recipes_are_valid(name: str, suite: str) -> None:
    recipe = read_recipe(shipped_folder("images") / name / "image.yaml")
    assert isinstance(recipe.base, DebianBase)
    assert recipe.base.suite == suite
    assert recipe.base.mirrors == ()

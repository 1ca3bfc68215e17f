"""What `builder variants` says, and what else follows from a file of variants."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.test_overrides import lay, run

FILES = {
    "overrides/variants.yaml": (
        "fast-arm:\n"
        "  image: arm\n"
        "  based_on: [fast, small]\n"
        "  environment: {LEVEL: 3}\n"
        "  description: fast, on Arm\n"
        "far: {image: nowhere}\n"
    ),
    "overrides/settings/some_pkg.yaml": "variants: {fast: {env: {A: fast}}}",
    "overrides/patches/some_pkg/small/1.patch": "x",
    "overrides/settings.yaml": "changelog: {rocm: [a]}",
    "images/arm/image.yaml": (
        "base: {distribution: debian, suite: trixie}\nplatform: linux/arm64\npackages: [python3]\n"
    ),
}


def listed(folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    done = run(lay(folder, FILES), "variants", "list", "--json", *words)
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)}


def test_every_name_is_listed_that_images_definitions_or_settings_have(tmp_path: Path) -> None:
    found = listed(tmp_path, "--variant", "chosen")

    assert {"cpu", "arm", "fast-arm", "far", "fast", "small", "rocm", "chosen"} <= set(found)
    assert found["fast-arm"] == {
        "name": "fast-arm",
        "description": "fast, on Arm",
        "defined": True,
        "image": "arm",
        "state": "not built",
        "platform": "linux/arm64",
        "emulated": platform.machine() != "aarch64",
        "layers": ["fast", "small", "fast-arm"],
        "environment": [["LEVEL", "3"]],
    }
    assert (found["far"]["state"], found["far"]["platform"]) == ("no such image", None)
    assert (found["cpu"]["defined"], found["cpu"]["layers"]) == (False, ["cpu"])


def test_the_table_has_a_line_for_each(tmp_path: Path) -> None:
    done = run(lay(tmp_path, FILES), "variants", "list")

    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "no such image" in lines["far"]
    assert lines["fast-arm"].endswith("fast, small  fast, on Arm")


def test_one_is_shown_with_whatever_it_stands_for(tmp_path: Path) -> None:
    done = run(lay(tmp_path, FILES), "variants", "show", "fast-arm")

    assert done.stdout.splitlines()[2] == "image        arm (not built)"
    assert done.stdout.splitlines()[-2:] == [
        "settings of  fast, small, fast-arm",
        "environment  LEVEL=3",
    ]


def test_settings_of_what_it_is_based_on_are_shown_as_its_own(tmp_path: Path) -> None:
    lay(tmp_path, FILES)

    done = run(tmp_path, "settings", "show", "some-pkg", "--variant", "fast-arm")

    assert done.stdout.startswith("some-pkg, variant fast-arm, based on fast, small\n")
    assert "A         fast      overrides/settings/some_pkg.yaml:1" in done.stdout
    assert done.stdout.endswith("some_pkg/small/1.patch\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a: {imag: x}",
            "a.imag: there is no such field\n  hint: did you mean 'image'?\n",
        ),
        (
            "a: {based_on: [fats]}",
            (
                "a.based_on[0]: 'fats' has no settings, no image and no definition\n"
                "  hint: did you mean 'fast'?\n"
            ),
        ),
    ],
    ids=["a field", "a base"],
)
def test_lint_looks_at_the_file_too(text: str, problem: str, tmp_path: Path) -> None:
    lay(tmp_path, {**FILES, "overrides/variants.yaml": text})

    done = run(tmp_path, "lint")

    told = f"overrides/variants.yaml:1: {problem}found 1 problem in 4 files\n"
    assert (done.returncode, done.stdout) == (1, told)


@pytest.mark.parametrize(
    ("variant", "message", "hint"),
    [
        (
            "far",
            "variant 'far' (overrides/variants.yaml): there is no image 'nowhere'",
            "images: ",
        ),
        (
            "fast",
            "there is no image 'fast'",
            "`image:` in overrides/variants.yaml gives variant 'fast' an image of another name",
        ),
    ],
)
def test_who_asked_for_a_missing_image_is_told(
    variant: str, message: str, hint: str, tmp_path: Path
) -> None:
    done = run(lay(tmp_path, FILES), "bootstrap", "six", "--variant", variant)

    assert done.returncode == 2
    assert f"error: {message}\n" in done.stderr
    assert hint in done.stderr

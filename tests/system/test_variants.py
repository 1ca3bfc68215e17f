"""A variant's builds know its name, and have what its image, its layers and it itself give them."""

import ast
import json
import zipfile
from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

NAMES = ("BUILDER_VARIANT", "FROMAGER_VARIANT", "OF_IMAGE", "OF_VARIANT", "OF_PACKAGE", "PATH")
TELLS = (
    "import os\n"
    f"seen = {{name: os.environ.get(name) for name in {NAMES!r}}}\n"
    "print(PHASE, 'SEES', seen['FROMAGER_VARIANT'], seen['OF_PACKAGE'], flush=True)\n"
    "open('seen.py', 'w').write(repr(seen))\n"
)
FILES = {
    # The same image, but for what builds in it are given.
    "images/cpu/image.yaml": (
        "extends: cpu\nenvironment: {OF_IMAGE: image}\npath: [/opt/own/bin]\n"
    ),
    "variants.yaml": (
        "own:\n"
        "  image: cpu\n"
        "  based_on: [general, special]\n"
        "  environment: {OF_VARIANT: '$OF_IMAGE, $FROMAGER_VARIANT'}\n"
    ),
    "settings/library.yaml": (
        "variants:\n"
        "  own: {env: {OF_PACKAGE: '$OF_PACKAGE, $OF_VARIANT'}}\n"
        "  special: {env: {OF_PACKAGE: '$OF_PACKAGE, special'}}\n"
        "  general: {env: {OF_PACKAGE: general}}\n"
    ),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(program: Program, place: Path, variant: str, *arguments: str) -> Done:
    where = {
        "--images-dir": "images",
        "--variants-file": "variants.yaml",
        "--settings-dir": "settings",
    }
    options = [word for name, path in where.items() for word in (name, str(place / path))]
    return program.run(*arguments, *options, "--variant", variant)


def test_builds_see_all_that_is_laid_down_for_their_variant(
    program: Program, salt: str, place: Path
) -> None:
    library = Package("library", backend="", salt=salt, payload=TELLS)
    program.publish(library)

    done = run(program, place, "own", "bootstrap", "library")
    other = run(program, place, "cpu", "build-parallel", str(program.graph))

    assert done.status == 0, done.stderr
    assert "the lock was made" not in done.stderr
    told = "SEES own general, special, image, own"
    assert f"get_requires {told}" in program.log(library)
    with zipfile.ZipFile(program.output / "wheels-repo/downloads" / program.wheels()[0]) as wheel:
        seen = ast.literal_eval(wheel.read("seen.py").decode())
    assert seen == {
        "BUILDER_VARIANT": "own",
        "FROMAGER_VARIANT": "own",
        "OF_IMAGE": "image",
        "OF_VARIANT": "image, own",
        "OF_PACKAGE": "general, special, image, own",
        "PATH": "/env/bin:/opt/own/bin:/usr/local/bin:/usr/bin:/bin",
    }
    built_for = json.loads(program.graph.read_text())[""]["built_for"]
    assert (built_for["variant"], built_for["image"]["name"]) == ("own", "cpu")
    assert built_for["image"]["id"].startswith("sha256:")
    assert other.status == 0, other.stderr
    assert "warning: the lock was made for variant own on linux/amd64" in other.stderr
    assert "and is built for variant cpu on linux/amd64" in other.stderr

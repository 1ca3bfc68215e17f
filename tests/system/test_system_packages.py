"""Packages bring their own headers, and may be built in an image of their own."""

from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

BACKEND = "one-file"
HEADER = "/usr/include/uuid/uuid.h"
LOOKS = (
    f"import os, sys\nif not os.path.exists({HEADER!r}):\n    sys.exit('no uuid.h')\n"
    "print('FOUND', flush=True)\n"
)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings"


def bootstrap(program: Program, settings: Path, *further: str) -> Done:
    return program.run("bootstrap", "library", "--settings-dir", str(settings), *further)


def packages(salt: str) -> tuple[Package, Package]:
    return Package(BACKEND, backend="", salt=salt), Package("library", salt=salt, payload=LOOKS)


def test_a_package_gets_the_headers_that_its_settings_name(
    program: Program, salt: str, settings: Path
) -> None:
    program.publish(*packages(salt))

    without = bootstrap(program, settings)
    (settings / "library.yaml").write_text("system_packages: [uuid-dev, gcc]\n")
    first = bootstrap(program, settings)
    again = bootstrap(program, settings)
    built = program.run(
        "build-sequence", str(program.build_order), "--settings-dir", str(settings), "--force"
    )

    assert without.status == 100, without.stderr
    assert "no uuid.h" in without.stderr
    assert first.status == 0, first.stderr
    assert "FOUND" in program.log(packages(salt)[1])
    assert again.status == 0, again.stderr
    assert "0 built now" in again.stderr
    assert "with uuid-dev" not in again.stderr
    assert built.status == 0, built.stderr
    assert "with uuid-dev" not in built.stderr


def test_a_debian_package_that_there_is_not_is_named_with_the_line_that_asks_for_it(
    program: Program, salt: str, settings: Path
) -> None:
    program.publish(*packages(salt))
    (settings / "library.yaml").write_text("\nsystem_packages: [no-such-thing-dev]\n")

    done = bootstrap(program, settings)

    assert done.status == 4, done.stderr
    assert "library==1.0 cannot have the image that it is to be built in (" in done.stderr
    assert "library.yaml:2: system_packages)" in done.stderr
    assert "E: Unable to locate package no-such-thing-dev" in done.stderr
    assert "builder image build cpu --with no-such-thing-dev" in done.stderr


def test_an_image_that_does_not_fit_the_run_is_refused(
    program: Program, salt: str, settings: Path
) -> None:
    program.publish(*packages(salt))

    (settings / "library.yaml").write_text("image: cpu-py311\n")
    other_python = bootstrap(program, settings)
    (settings / "library.yaml").write_text("variants: {cpu: {image: none-such}}\n")
    no_image = bootstrap(program, settings)

    assert other_python.status == 4, other_python.stderr
    assert "library.yaml:1: image)" in other_python.stderr
    assert "'cpu-py311' has another Python than the image of the run" in other_python.stderr
    assert "python_version is '3.11', not '3.13'" in other_python.stderr
    assert no_image.status == 2, no_image.stderr
    assert "variants.cpu.image): there is no image 'none-such'" in no_image.stderr

"""Several variants in one run: the same versions in each, folders of their own, and what differs.

The images have different Pythons, so that markers tell them apart on any processor.
"""

import json
import zipfile
from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

VARIANTS = ("cpu", "cpu-py311")
NAMES_ITSELF = (
    "import os\nif PHASE == 'build_wheel':\n"
    "    open('built_for.py', 'w').write(os.environ['BUILDER_VARIANT'])\n"
)


def bootstrap(program: Program, *arguments: str) -> Done:
    named = [word for variant in VARIANTS for word in ("--variant", variant)]
    return program.run("bootstrap", *arguments, *named)


def publish(program: Program, salt: str) -> None:
    app = Package(
        "app",
        backend="",
        requires=("library", "library<2; python_version < '3.12'"),
        payload=NAMES_ITSELF,
        salt=salt,
    )
    versions = [Package("library", version, backend="", salt=salt) for version in ("1.0", "2.0")]
    program.publish(app, *versions)


def versions(program: Program, variant: str) -> list[str]:
    graph = json.loads((program.output / variant / "work-dir/graph.json").read_text())
    return sorted(name for name in graph if name)


def built_for(wheels: Path) -> str:
    (wheel,) = wheels.glob("app-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("built_for.py").decode()


def test_variants_of_one_run_agree_on_versions_and_have_their_own_wheels(
    program: Program, salt: str
) -> None:
    publish(program, salt)

    done = bootstrap(program, "app")

    assert done.status == 0, done.stderr
    for variant in VARIANTS:
        assert versions(program, variant) == ["app==1.0", "library==1.0"]
        assert built_for(program.output / variant / "wheels-repo/downloads") == variant
        assert f"{variant}: built     app==1.0" in done.stderr
        assert (program.output / variant / "work-dir/constraints.txt").read_text().split() == [
            "app==1.0",
            "library==1.0",
        ]
    assert "2 releases, the same versions in cpu and cpu-py311" in done.stdout
    assert "1 wheel is bit-identical in both" in done.stdout
    again = program.run("variants", "compare")
    assert (again.status, again.stdout) == (0, done.stdout)


def test_variants_may_have_versions_of_their_own(program: Program, salt: str) -> None:
    publish(program, salt)

    done = bootstrap(program, "app", "--own-versions")

    assert done.status == 0, done.stderr
    assert versions(program, "cpu") == ["app==1.0", "library==2.0"]
    assert versions(program, "cpu-py311") == ["app==1.0", "library==1.0"]
    assert "library" in done.stdout


def test_a_variant_whose_build_fails_leaves_the_other_whole(program: Program, salt: str) -> None:
    payload = (
        "import sys\n"
        "if PHASE == 'build_wheel' and sys.version_info < (3, 12):\n"
        "    raise SystemExit('too old for this')\n"
    )
    program.publish(Package("app", backend="", payload=payload, salt=salt))

    done = bootstrap(program, "app")

    assert done.status != 0
    assert versions(program, "cpu") == ["app==1.0"]
    assert not (program.output / "cpu-py311/work-dir/graph.json").exists()
    assert "failed: app==1.0: build" in done.stderr
    assert f"-O {program.output}/cpu-py311" in done.stderr


def test_commands_for_one_variant_say_that_they_take_no_more(program: Program) -> None:
    named = [word for variant in VARIANTS for word in ("--variant", variant)]

    done = program.run("settings", "show", "app", *named)

    assert done.status != 0
    assert "works for one variant, not for cpu and cpu-py311 at once" in done.stderr

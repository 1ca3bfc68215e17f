"""A build key changes with anything that may change a wheel."""

from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.domain.builds import BuildSpec, Goal, Repair, Wheel
from builder.domain.digests import Digest
from builder.domain.instructions import RunCommand
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Pin
from builder.domain.sources import BuildSystem, SourceTree

PIN = Pin(canonicalize_name("pkg"), Version("1"))
SYSTEM = BuildSystem((Requirement("setuptools"),), "setuptools.build_meta", ())
SOURCE = SourceTree(
    PIN, Digest("a" * 64), Digest("b" * 64), "https://index.example/x", SYSTEM, None
)
WHEEL = Wheel(PIN, "w.whl", Digest("c" * 64), ReleaseMetadata(PIN, (), MetadataOrigin.WHEEL))
SPEC = BuildSpec(Goal.WHEEL, SOURCE, "sha256:i", Digest("d" * 64), (WHEEL,), ("x",), (("A", "1"),))

CHANGED = {
    "goal": replace(SPEC, goal=Goal.METADATA),
    "prepared source": replace(SPEC, source=replace(SOURCE, archive=Digest("e" * 64))),
    "backend": replace(SPEC, source=replace(SOURCE, build_system=replace(SYSTEM, backend="b"))),
    "backend path": replace(
        SPEC, source=replace(SOURCE, build_system=replace(SYSTEM, backend_path=("p",)))
    ),
    "requirements of the build system": replace(
        SPEC, source=replace(SOURCE, build_system=replace(SYSTEM, requires=()))
    ),
    "settings that the wheel names": replace(SPEC, settings='build_dir = "x"'),
    "files for other machines": replace(SPEC, foreign_binaries=True),
    "a repair": replace(SPEC, repair=Repair("auto", Digest("e" * 64))),
    "instructions": replace(SPEC, instructions=(RunCommand(("make", "wheel")),)),
    "split words": replace(SPEC, instructions=(RunCommand(("make wheel",)),)),
    "image": replace(SPEC, image="sha256:j"),
    "agent": replace(SPEC, sandbox=Digest("e" * 64)),
    "wheel of the environment": replace(
        SPEC, environment=(replace(WHEEL, digest=Digest("f" * 64)),)
    ),
    "no environment": replace(SPEC, environment=()),
    "accepted requirements": replace(SPEC, accepted=("x", "y")),
    "variable": replace(SPEC, variables=(("A", "2"),)),
    "joined fields": replace(SPEC, accepted=(), variables=(("accepted:1:xA", "1"),)),
}


@pytest.mark.parametrize("what", CHANGED)
def test_another_key_for_another(what: str) -> None:
    assert CHANGED[what].key != SPEC.key


def test_the_same_key_for_the_same() -> None:
    assert replace(SPEC).key == SPEC.key


def test_where_a_source_came_from_does_not_matter() -> None:
    assert replace(SPEC, source=replace(SOURCE, url="https://mirror.example/x")).key == SPEC.key

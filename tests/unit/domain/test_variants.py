"""Two builds can be the same but for the variants that they are for."""

from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from builder.domain.builds import BuildSpec, Goal
from builder.domain.digests import Digest
from builder.domain.sources import BuildSystem, SourceTree
from builder.domain.variants import Variant, same_but_for_the_variant
from tests.facts import pin

SOURCE = SourceTree(
    pin("a==1.5"),
    Digest("a" * 64),
    Digest("b" * 64),
    "https://index.example/a",
    BuildSystem((), "backend", ()),
    None,
)
CPU = BuildSpec(
    Goal.WHEEL,
    SOURCE,
    "image-cpu",
    Digest("c" * 64),
    (),
    ("wheel",),
    (("BUILDER_VARIANT", "cpu"), ("FROMAGER_VARIANT", "cpu"), ("A", "1"), ("PATH", "/bin")),
)
ARM = replace(
    CPU,
    image="image-arm",
    variables=(
        ("BUILDER_VARIANT", "arm"),
        ("FROMAGER_VARIANT", "arm"),
        ("A", "1"),
        ("PATH", "/bin"),
    ),
)


def with_variable(spec: BuildSpec, name: str, value: str) -> BuildSpec:
    return replace(spec, variables=(*(it for it in spec.variables if it[0] != name), (name, value)))


def test_names_and_images_of_variants_make_no_difference() -> None:
    assert CPU.key != ARM.key
    assert same_but_for_the_variant(CPU, ARM)


@pytest.mark.parametrize(
    "other",
    [
        replace(ARM, goal=Goal.METADATA),
        replace(ARM, source=replace(SOURCE, archive=Digest("f" * 64))),
        replace(ARM, source=replace(SOURCE, pin=pin("a==1.6"))),
        replace(ARM, source=replace(SOURCE, build_system=BuildSystem((), "other", ()))),
        replace(
            ARM,
            source=replace(
                SOURCE, build_system=BuildSystem((Requirement("wheel"),), "backend", ())
            ),
        ),
        replace(ARM, sandbox=Digest("d" * 64)),
        replace(ARM, accepted=()),
        replace(ARM, build_number=1),
        replace(ARM, build_dir="python"),
        replace(ARM, config_settings=(("a", "b"),)),
        replace(ARM, settings="[env]\n"),
        with_variable(ARM, "A", "2"),
        with_variable(ARM, "PATH", "/opt/bin:/bin"),
        with_variable(ARM, "B", ""),
    ],
)
def test_everything_else_makes_one(other: BuildSpec) -> None:
    assert not same_but_for_the_variant(CPU, other)
    assert not same_but_for_the_variant(other, CPU)


def test_what_an_image_gives_makes_none_as_long_as_it_is_the_images_own_value() -> None:
    of_image = (("A", "2"), ("B", "b"), ("PATH", "/opt/bin:/bin"))
    given = with_variable(with_variable(ARM, "PATH", "/opt/bin:/bin"), "B", "b")
    changed = with_variable(given, "B", "b, and more")

    assert same_but_for_the_variant(CPU, given, of_image_a=(("PATH", "/bin"),), of_image_b=of_image)
    assert not same_but_for_the_variant(CPU, given, of_image_b=of_image)
    assert not same_but_for_the_variant(
        CPU, changed, of_image_a=(("PATH", "/bin"),), of_image_b=of_image
    )


def test_layers_end_with_the_variant_itself() -> None:
    assert Variant("a", based_on=("b", "c")).layers == ("b", "c", "a")

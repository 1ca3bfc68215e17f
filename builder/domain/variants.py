"""What a name stands for that packages are built for: an image, and whose settings count."""

from dataclasses import dataclass, replace

from builder.domain.builds import BuildSpec

NAMES = ("BUILDER_VARIANT", "FROMAGER_VARIANT")
"""The variables that tell builds their variant, by our name for it and by Fromager's."""
Variables = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Variant:
    """One way of building all packages of a run.

    Attributes:
        image: the name or registry reference of its image; empty where that is called as it is.
        based_on: other variants whose package settings, patches and changelog count as well, from
            general to special; its own come last.
        environment: what builds get beside what the image gives them, in the order in which it is
            expanded: a value may refer to those before it, and a name may come again.
    """

    name: str
    image: str = ""
    based_on: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    description: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names that settings are looked up under, from general to special."""
        return (*self.based_on, self.name)


def same_but_for_the_variant(
    a: BuildSpec, b: BuildSpec, *, of_image_a: Variables = (), of_image_b: Variables = ()
) -> bool:
    """Whether two builds differ at most in their variants' names, their images, and their wheels.

    What settings made of a variable of the image counts: only a value that is the image's own is
    left out. Whether the wheels that they see are the same is for the caller to say.

    Args:
        a: one build.
        b: another.
        of_image_a: variables that the image of the first gives, the search path among them.
        of_image_b: those that the image of the second gives.
    """
    return _bare(a, of_image_a).key == _bare(b, of_image_b).key


def _bare(spec: BuildSpec, of_image: Variables) -> BuildSpec:
    left_out = {*of_image, *((name, value) for name, value in spec.variables if name in NAMES)}
    variables = tuple(one for one in spec.variables if one not in left_out)
    return replace(spec, image="", environment=(), variables=variables)

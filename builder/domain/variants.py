"""What a name stands for that packages are built for: an image, and whose settings count."""

from dataclasses import dataclass


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

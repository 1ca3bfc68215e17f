"""Who builds, for a variant whose processor is emulated, what is the same for every processor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builder.app.emulation import emulated_architecture
from builder.app.images import chosen_recipe, image_catalogue
from builder.app.settings import Settings
from builder.app.workshop import Notify
from builder.domain.events import Noted
from builder.engines.emulation import native_platform


@dataclass(frozen=True)
class Cast:
    """The variants of a run, and who serves whom.

    Attributes:
        settings: by the name that a variant has in the run: those that are wanted, and those that
            only serve them.
        native: for a variant that is served, the name of the one that serves it.
    """

    settings: Mapping[str, Settings]
    native: Mapping[str, str]

    @property
    def in_order(self) -> tuple[str, ...]:
        """Every name, those who serve before those who are served."""
        return tuple(sorted(self.settings, key=lambda name: name in self.native))


def cast_of(variants: tuple[Settings, ...], *, native_pure: bool, notify: Notify) -> Cast:
    """Finds for each variant one that can build natively for it.

    That is another one that is wanted, or else the same variant in the image's counterpart for
    this host's own processor, where that is there.

    Args:
        variants: what is wanted.
        native_pure: whether anything is to be built so.
        notify: hears where a counterpart is not there.

    Raises:
        InputError: an image is wrong.
    """
    settings = {one.variant: one for one in variants}
    native: dict[str, str] = {}
    for one in variants if native_pure else ():
        name = _counterpart(one)
        if name is None:
            continue
        other = next((it.variant for it in variants if it.image_name == name), None)
        if other is not None:
            native[one.variant] = other
        elif image_catalogue(one).state(name) is not None:
            native[one.variant] = f"{one.variant} natively"
            settings[native[one.variant]] = _in_image(one, name)
        else:
            told = f"pure wheels are built under emulation as well: image {name!r} is not there"
            notify(Noted(f"{told} (`builder image build {name}`)", warning=True))
    return Cast(settings, native)


def _counterpart(settings: Settings) -> str | None:
    catalogue = image_catalogue(settings)
    if not emulated_architecture(chosen_recipe(settings).platform):
        return None
    return catalogue.counterpart(settings.image_name, native_platform())


def _in_image(settings: Settings, image: str) -> Settings:
    """The same in another image; what it leaves lies below the records of the one it serves."""
    folder = settings.work_dir / "native"
    return replace(
        settings,
        image=image,
        sdists_repo=folder / "sdists-repo",
        wheels_repo=folder / "wheels-repo",
        work_dir=folder / "work-dir",
    )

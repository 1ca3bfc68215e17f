"""The target's Python, for commands that only ask about releases."""

from threading import Event

from builder.app.settings import Settings
from builder.app.workshop import Notify, open_workshop
from builder.domain.events import Event as Happening
from builder.domain.events import Noted
from builder.domain.images import TargetPython
from builder.errors import EngineError, ImageError, InputError


def target_if_known(settings: Settings, notify: Notify) -> TargetPython | None:
    """The Python of the chosen image; None, with a warning, where it cannot be asked here.

    Nothing is built on the answer: where there is none, releases for every Python are shown.

    Raises:
        InputError: the user named an image that does not exist.
    """

    def warn(happened: Happening) -> None:
        if isinstance(happened, Noted) and happened.warning:
            notify(happened)

    try:
        with open_workshop(settings, Event(), warn) as shop:
            return shop.target
    except (EngineError, ImageError, InputError) as error:
        if isinstance(error, InputError) and settings.image is not None:
            raise
        text = f"nothing is held to a Python, and releases for any are shown: {error.message}"
        notify(Noted(text, warning=True))
        return None

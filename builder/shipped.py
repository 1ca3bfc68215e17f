"""Where the files that travel with the program are: images/, templates/ and overrides/."""

from pathlib import Path

_INSTALLED = Path(__file__).with_name("shipped")
_CHECKOUT = Path(__file__).parent.parent


def shipped_folder(name: str) -> Path:
    """The folder `name` inside the installed wheel, or at the top of a checkout."""
    installed = _INSTALLED / name
    return installed if installed.is_dir() else _CHECKOUT / name

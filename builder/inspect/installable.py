"""Whether a wheel's files and entry points can be put into an environment at all."""

import configparser
from collections.abc import Iterable, Iterator

from installer.utils import SCHEME_NAMES, parse_entrypoints

from builder.inspect.collect import RefusedOutput

# Where each scheme lies below an environment, as far as two of them can meet.
_FOLDERS = {
    "purelib": "site-packages/",
    "platlib": "site-packages/",
    "scripts": "bin/",
    "headers": "headers/",
    "data": "",
}


def check_installable(names: Iterable[str], data_folder: str, entry_points: bytes) -> None:
    """Checks that every file of a wheel has one place, and each place one file.

    Args:
        names: the files of the wheel.
        data_folder: `NAME-VERSION.data`, whose folders are installed elsewhere.
        entry_points: the wheel's entry_points.txt, empty where it has none.

    Raises:
        RefusedOutput: nobody could install the wheel.
    """
    taken: set[str] = set()
    places = [_place(name, data_folder) for name in names]
    for place in (*places, *(f"bin/{script}" for script in _scripts(entry_points))):
        if place in taken:
            raise RefusedOutput(f"the wheel would install {place!r} twice")
        taken.add(place)


def _place(name: str, data_folder: str) -> str:
    folder, _, rest = name.partition("/")
    if folder != data_folder:
        return f"site-packages/{name}"
    scheme, _, path = rest.partition("/")
    if scheme not in SCHEME_NAMES or not path:
        raise RefusedOutput(f"{name!r} is in no folder that a wheel's data may have")
    return _FOLDERS[scheme] + path


def _scripts(entry_points: bytes) -> Iterator[str]:
    try:
        for name, *_ in parse_entrypoints(entry_points.decode("utf-8")):
            if "/" in name or "\0" in name or name in ("", ".", ".."):
                raise RefusedOutput(f"entry_points.txt names a script {name[:200]!r}")
            yield name
    except (configparser.Error, UnicodeDecodeError, AssertionError) as error:
        raise RefusedOutput(f"entry_points.txt cannot be read: {error}") from error

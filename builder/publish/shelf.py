"""What a web server over the `wheels-repo` folder shows: an index of its wheels, nothing else.

What a client asks for is never made into a path. It is looked up among the wheels that really lie
in `downloads` and `prebuilt`, so that no name and no link leads out of them. Pages are made on
request: the folder may be one that another tool fills.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from threading import Lock
from urllib.parse import quote, unquote

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.domain.digests import Digest
from builder.domain.simple_index import index_page

_FOLDERS = ("prebuilt", "downloads")
"""What was built here hides what somebody else built under the same name."""


@dataclass(frozen=True)
class ServedWheel:
    """A wheel, and where it lies below the root."""

    project: str
    folder: str
    filename: str


class WheelShelf:
    """The wheels of a `wheels-repo`, as they are at each moment. Safe from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests: dict[tuple[str, str, int, int, int], Digest] = {}
        self._lock = Lock()

    def wheels(self) -> dict[str, ServedWheel]:
        """Every wheel by file name, sorted."""
        found = {wheel.filename: wheel for folder in _FOLDERS for wheel in self._in(folder)}
        return dict(sorted(found.items()))

    def open(self, wheel: ServedWheel) -> FileIO | None:
        """The file itself; None where it is gone, or became something that is no plain file."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = FileIO(os.open(self._root / wheel.folder / wheel.filename, flags))
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
        return None

    def digest(self, wheel: ServedWheel) -> Digest | None:
        """Computed anew only where the file changed; None where the file is gone."""
        file = self.open(wheel)
        if file is None:
            return None
        with file:
            state = os.fstat(file.fileno())
            key = (wheel.folder, wheel.filename, state.st_ino, state.st_size, state.st_mtime_ns)
            with self._lock:
                known = self._digests.get(key)
            if known is None:
                known = Digest(hashlib.file_digest(file, "sha256").hexdigest())
                with self._lock:
                    self._digests[key] = known
            return known

    def _in(self, folder: str) -> Iterator[ServedWheel]:
        try:
            entries = os.scandir(self._root / folder)
        except OSError:
            return
        with entries:
            for entry in entries:
                try:
                    project = parse_wheel_filename(entry.name)[0]
                except InvalidWheelFilename:
                    continue
                if entry.is_file(follow_symlinks=False):
                    yield ServedWheel(project, folder, entry.name)


@dataclass(frozen=True)
class Page:
    """A page of the index."""

    html: str


@dataclass(frozen=True)
class Moved:
    """What was asked for has another address."""

    path: str


def answer(shelf: WheelShelf, path: str) -> Page | Moved | ServedWheel | None:
    """What is behind a path, as it stands in a request; None where there is nothing."""
    match [unquote(part) for part in path.split("/")]:
        case ["", ""] | ["", "simple"]:
            return Moved("/simple/")
        case ["", "simple", *below]:
            return _in_index(shelf, below)
        case ["", folder, filename]:
            wheel = shelf.wheels().get(filename)
            return wheel if wheel is not None and wheel.folder == folder else None
        case _:
            return None


def _in_index(shelf: WheelShelf, path: list[str]) -> Page | Moved | ServedWheel | None:
    match path:
        case [""]:
            return _projects(shelf)
        case [name] | [name, ""] if name != canonicalize_name(name) or len(path) == 1:
            return Moved(f"/simple/{quote(canonicalize_name(name), safe='')}/")
        case [name, ""]:
            return _project(shelf, name)
        case [name, filename]:
            wheel = shelf.wheels().get(filename)
            return wheel if wheel is not None and wheel.project == name else None
        case _:
            return None


def _projects(shelf: WheelShelf) -> Page:
    names = sorted({wheel.project for wheel in shelf.wheels().values()})
    return Page(index_page("Simple index", [(f"{name}/", name) for name in names]))


def _project(shelf: WheelShelf, name: str) -> Page | None:
    links = []
    for wheel in shelf.wheels().values():
        digest = shelf.digest(wheel) if wheel.project == name else None
        if digest is not None:
            place = f"../../{wheel.folder}/{quote(wheel.filename)}"
            links.append((f"{place}#sha256={digest.sha256}", wheel.filename))
    return Page(index_page(name, links)) if links else None

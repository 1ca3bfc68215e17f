"""The `wheels-repo` folder: finished wheels, and a PEP 503 index over them."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from builder.domain.builds import Wheel
from builder.domain.digests import Digest
from builder.domain.releases import Pin
from builder.domain.simple_index import index_page
from builder.publish.files import publish_copy, publish_text


class WheelsRepository:
    """Publishes wheels into a folder that any web server or `pip --index-url file://…` can use.

    `downloads/` holds the wheels that were built, `prebuilt/` those that somebody else built, and
    `simple/<project>/` a page and a relative link for each. Seeds lie in `seeds/`, for whoever
    builds from the lock, and are in no index. Several threads may publish at once.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()

    @property
    def downloads(self) -> Path:
        return self._root / "downloads"

    def publish(self, wheel: Wheel, stored: Path) -> Path:
        """Makes a wheel visible; one that is there already with the same bytes is left alone."""
        return self._publish("downloads", wheel.filename, wheel.digest, stored)

    def publish_foreign(self, filename: str, digest: Digest, stored: Path) -> Path:
        """Makes a wheel visible that somebody else built, as it is."""
        return self._publish("prebuilt", filename, digest, stored)

    def keep_seed(self, filename: str, digest: Digest, stored: Path) -> None:
        """Keeps the very wheel that cut a ring of builds."""
        self._put("seeds", filename, digest, stored)

    def seeds(self, pin: Pin) -> Iterator[Path]:
        """The files that call themselves wheels of a release, among the seeds."""
        for path in sorted((self._root / "seeds").glob("*.whl")):
            with suppress(InvalidWheelFilename):
                name, version, _, _ = parse_wheel_filename(path.name)
                if (name, version) == (pin.name, pin.version) and _is_plain(path):
                    yield path

    def _put(self, folder: str, filename: str, digest: Digest, stored: Path) -> Path:
        target = self._root / folder / filename
        if not target.is_file() or Digest.of_file(target) != digest:
            publish_copy(stored, target)
        return target

    def _publish(self, folder: str, filename: str, digest: Digest, stored: Path) -> Path:
        target = self._put(folder, filename, digest, stored)
        with self._lock:
            self._list_project(parse_wheel_filename(filename)[0])
            self._list_projects()
        return target

    def _list_project(self, name: str) -> None:
        folder = self._root / "simple" / name
        folder.mkdir(parents=True, exist_ok=True)
        links = []
        for wheel in self._wheels_of(name):
            digest = Digest.of_file(wheel)
            place = f"../../{wheel.parent.name}/{wheel.name}"
            links.append((f"{place}#sha256={digest.sha256}", wheel.name))
            link = folder / wheel.name
            if not link.is_symlink() or str(link.readlink()) != place:
                link.unlink(missing_ok=True)
                link.symlink_to(place)
        publish_text(index_page(name, links), folder / "index.html")

    def _wheels_of(self, name: str) -> list[Path]:
        """By file name; what was built here hides what somebody else built under the same name."""
        found = {
            wheel.name: wheel
            for folder in ("prebuilt", "downloads")
            for wheel in (self._root / folder).glob("*.whl")
            if _is_of(wheel.name, name)
        }
        return [found[filename] for filename in sorted(found)]

    def _list_projects(self) -> None:
        simple = self._root / "simple"
        names = sorted(entry.name for entry in simple.iterdir() if entry.is_dir())
        page = index_page("Simple index", [(f"{name}/", name) for name in names])
        publish_text(page, simple / "index.html")


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_of(filename: str, name: str) -> bool:
    try:
        return parse_wheel_filename(filename)[0] == name
    except InvalidWheelFilename:
        return False

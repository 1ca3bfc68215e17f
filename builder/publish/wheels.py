"""The `wheels-repo` folder: finished wheels, and a PEP 503 index over them."""

import threading
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.domain.builds import Wheel
from builder.domain.digests import Digest
from builder.domain.simple_index import index_page
from builder.publish.files import publish_copy, publish_text


class WheelsRepository:
    """Publishes wheels into a folder that any web server or `pip --index-url file://…` can use.

    `downloads/` holds the files, `simple/<project>/` a page and a relative link for each. Wheels of
    several projects may be published from several threads at once.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()

    @property
    def downloads(self) -> Path:
        return self._root / "downloads"

    def publish(self, wheel: Wheel, stored: Path) -> Path:
        """Makes a wheel visible; one that is there already with the same bytes is left alone."""
        target = self.downloads / wheel.filename
        if not target.is_file() or Digest.of_file(target) != wheel.digest:
            publish_copy(stored, target)
        with self._lock:
            self._list_project(canonicalize_name(wheel.pin.name))
            self._list_projects()
        return target

    def _list_project(self, name: str) -> None:
        folder = self._root / "simple" / name
        folder.mkdir(parents=True, exist_ok=True)
        links = []
        for wheel in sorted(self.downloads.glob("*.whl")):
            if not _is_of(wheel.name, name):
                continue
            digest = Digest.of_file(wheel)
            links.append((f"../../downloads/{wheel.name}#sha256={digest.sha256}", wheel.name))
            link = folder / wheel.name
            if not link.is_symlink():
                link.symlink_to(f"../../downloads/{wheel.name}")
        publish_text(index_page(name, links), folder / "index.html")

    def _list_projects(self) -> None:
        simple = self._root / "simple"
        names = sorted(entry.name for entry in simple.iterdir() if entry.is_dir())
        page = index_page("Simple index", [(f"{name}/", name) for name in names])
        publish_text(page, simple / "index.html")


def _is_of(filename: str, name: str) -> bool:
    try:
        return parse_wheel_filename(filename)[0] == name
    except InvalidWheelFilename:
        return False

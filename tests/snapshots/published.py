"""What the index of the snapshots holds: projects whose ages in days do not change."""

import gzip
import io
import tarfile
from datetime import UTC, datetime, timedelta

from tests.index_server import IndexServer

# Half a day more, so that no run sees an age change at midnight.
_MARGIN = timedelta(hours=12)


def publish_projects(index: IndexServer) -> None:
    """Releases of three projects: one with a choice of versions, one yanked, one of wheels only."""
    index.style = "json"
    for number, age in (("1.0", 900), ("1.1", 400), ("2.0", 30), ("2.1rc1", 3)):
        _publish(index, "choosy", number, age)
        _publish_wheel(index, "choosy", number, age)
    _publish(index, "withdrawn", "1.0", 500)
    _publish(index, "withdrawn", "1.1", 100, yanked="broken")
    _publish_wheel(index, "wheelonly", "3.0", 50)
    index.add_project("empty")


def _publish(
    index: IndexServer, project: str, number: str, age: int, *, yanked: str | None = None
) -> None:
    index.publish(
        project,
        f"{project}-{number}.tar.gz",
        _archive(f"{project}-{number}"),
        yanked=yanked,
        upload_time=_ago(age),
    )


def _publish_wheel(index: IndexServer, project: str, number: str, age: int) -> None:
    name = f"{project}-{number}-py3-none-any.whl"
    index.publish(project, name, b"no wheel, only its name", upload_time=_ago(age))


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days) - _MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ")


def _archive(folder: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(f"{folder}/PKG-INFO"))
    return gzip.compress(packed.getvalue(), mtime=0)

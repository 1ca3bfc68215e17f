"""What source archives are called in a folder where every project has its own."""

from dataclasses import replace
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from builder.domain.releases import Pin, RemoteFile

_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


def named_after(pin: Pin, file: RemoteFile, name: str | None = None) -> RemoteFile:
    """The file under the name that is wanted, else one that begins with its project's.

    Many servers call an archive after a tag alone; two projects may have the same tag.
    """
    if name is not None:
        return replace(file, filename=name)
    if _is_of(pin, file.filename):
        return file
    path = unquote(urlsplit(file.url).path).lower()
    suffix = next((it for it in _SUFFIXES if path.endswith(it)), _SUFFIXES[0])
    return replace(file, filename=f"{pin.name.replace('-', '_')}-{pin.version}{suffix}")


def _is_of(pin: Pin, filename: str) -> bool:
    if filename.lower().endswith(".whl"):
        return True
    try:
        return parse_sdist_filename(filename) == (pin.name, pin.version)
    except InvalidSdistFilename:
        # Older names end in other ways, and have dashes in other places.
        bare = next((filename[: -len(it)] for it in _SUFFIXES if filename.endswith(it)), "")
        return canonicalize_name(bare).startswith(f"{pin.name}-")

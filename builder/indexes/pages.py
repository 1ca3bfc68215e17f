"""Project pages, HTML (PEP 503) and JSON (PEP 691), read into links.

pypi-simple reads both, too, but it gives up on a whole page for one odd file, speaks through
process-wide warnings, and follows nested anchors in quadratic time. This one looks at the start
tags of anchors and nothing else, which is also faster.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin

_SLICE = 1 << 16
_LONGEST_TAG = 1 << 18
_SHA256 = re.compile(r"sha256[=:]([0-9A-Fa-f]{64})")
_MAJOR = re.compile(r"\s*1(\.\d+)*\s*")
_METADATA_ATTRIBUTES = ("data-core-metadata", "data-dist-info-metadata")
_METADATA_KEYS = ("core-metadata", "dist-info-metadata", "data-dist-info-metadata")


@dataclass(frozen=True, slots=True)
class Link:
    """A file on a project page, as the page describes it.

    Attributes:
        yanked: the reason, which may be empty; None for a file that is not yanked.
        upload_time: as the page writes it, empty where it says none; HTML pages never do.
    """

    filename: str
    url: str
    sha256: str | None
    requires_python: str
    yanked: str | None
    metadata_sha256: str | None
    upload_time: str = ""


class PageError(Exception):
    """What came is not a project page."""


def read_html(body: bytes, base_url: str, most: int) -> Iterator[Link]:
    """Yields the links of an HTML page.

    Raises:
        PageError: the page is of a future version, has more than `most` links, or a tag that would
            take the parser too long.
    """
    anchors = _Anchors(base_url)
    text = body.decode("utf-8", "replace")
    count = 0
    for start in range(0, len(text), _SLICE):
        anchors.feed(text[start : start + _SLICE])
        if len(anchors.rawdata) > _LONGEST_TAG:
            raise PageError(f"the page has a tag of more than {_LONGEST_TAG:,} characters")
        for attributes in anchors.take():
            count += 1
            if count > most:
                raise PageError(f"the page lists more than {most:,} files")
            yield _from_anchor(attributes, anchors.base_url)


def read_json(body: bytes, base_url: str, most: int) -> Iterator[Link]:
    """Yields the files of a JSON page; entries without a name or a URL are passed over.

    Raises:
        PageError: it is not JSON, of a future version, or has more than `most` files.
    """
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PageError(f"the page is not JSON: {error}") from None
    files = page.get("files") if isinstance(page, dict) else None
    if not isinstance(files, list):
        raise PageError("the JSON page has no list of files")
    meta = page.get("meta")
    _check_version(str(meta.get("api-version", "1.0")) if isinstance(meta, dict) else "1.0")
    if len(files) > most:
        raise PageError(f"the page lists more than {most:,} files")
    for file in files:
        if isinstance(file, dict) and (link := _from_json(file, base_url)):
            yield link


class _Anchors(HTMLParser):
    def __init__(self, base_url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base_url = base_url
        self._base_seen = False
        self._found: list[dict[str, str]] = []

    def take(self) -> list[dict[str, str]]:
        found, self._found = self._found, []
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"a", "base", "meta"}:
            return
        attributes = {name: value or "" for name, value in attrs}
        if tag == "a" and attributes.get("href"):
            self._found.append(attributes)
        elif tag == "base" and attributes.get("href") and not self._base_seen:
            self.base_url = urljoin(self.base_url, attributes["href"])
            self._base_seen = True
        elif tag == "meta" and attributes.get("name") == "pypi:repository-version":
            _check_version(attributes.get("content", "1.0"))


def _check_version(version: str) -> None:
    if not _MAJOR.fullmatch(version):
        raise PageError(f"the page is of version {version[:20]!r}, and only 1 is understood")


def _from_anchor(attributes: Mapping[str, str], base_url: str) -> Link:
    address, _, fragment = attributes["href"].strip().partition("#")
    promised = next((attributes[it] for it in _METADATA_ATTRIBUTES if it in attributes), "")
    return Link(
        filename=unquote(address.partition("?")[0].rpartition("/")[2]),
        url=_join(base_url, address),
        sha256=_sha256(fragment),
        requires_python=attributes.get("data-requires-python", ""),
        yanked=attributes.get("data-yanked"),
        metadata_sha256=_sha256(promised),
    )


def _from_json(file: Mapping[str, object], base_url: str) -> Link | None:
    filename, address = file.get("filename"), file.get("url")
    if not isinstance(filename, str) or not isinstance(address, str):
        return None
    return Link(
        filename=filename,
        url=_join(base_url, address.partition("#")[0]),
        sha256=_json_sha256(file.get("hashes")),
        requires_python=_json_text(file.get("requires-python")),
        yanked=_json_yanked(file.get("yanked")),
        metadata_sha256=_json_sha256(next((file[it] for it in _METADATA_KEYS if it in file), None)),
        upload_time=_json_text(file.get("upload-time")),
    )


def _join(base_url: str, address: str) -> str:
    if address.startswith(("https://", "http://")):
        return address
    try:
        return urljoin(base_url, address)
    except ValueError:
        return ""


def _json_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _json_yanked(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    return "" if value is True else None


def _sha256(text: str) -> str | None:
    found = _SHA256.search(text)
    return found[1].lower() if found else None


def _json_sha256(hashes: object) -> str | None:
    value = hashes.get("sha256") if isinstance(hashes, dict) else None
    return _sha256(f"sha256={value}") if isinstance(value, str) else None

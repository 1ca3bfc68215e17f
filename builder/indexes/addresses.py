"""URLs: without their secrets, and which ones may be followed from which."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from builder.domain.digests import Digest
from builder.domain.releases import RemoteFile
from builder.errors import InputError

_FOLLOWED = {"https": {"https"}, "http": {"http", "https"}, "file": {"file", "https"}}
_PORT = re.compile(r"[0-9]{1,5}(?![^\s\"'),;])")
_QUERY = re.compile(r"\A([^\s?#]*)[?#][^\s'\")]*")
_HINT = "give the index as https://HOST/PATH/ or file:///FOLDER/"


@dataclass(frozen=True)
class Credentials:
    """What a host asks for before it answers."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class IndexAddress:
    """Where an index is, and apart from that how to log in there.

    Attributes:
        url: ends in a slash; holds no credentials.
    """

    url: str
    credentials: Credentials | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what the user gave.

        Raises:
            InputError: `text` is not the URL of an index.
        """
        parts = _split(text.strip())
        if parts is None or parts.scheme not in _FOLLOWED:
            raise InputError(f"not the URL of a package index: {shown(text)}", hint=_HINT)
        if bool(parts.hostname) == (parts.scheme == "file"):
            raise InputError(f"this index URL has no usable host: {shown(text)}", hint=_HINT)
        if parts.query or parts.fragment:
            message = f"an index URL has no query and no fragment: {shown(text)}"
            raise InputError(message, hint=_HINT)
        bare = parts._replace(netloc=_bare_netloc(parts), path=parts.path.rstrip("/") + "/")
        return cls(urlunsplit(bare), _credentials(parts))


def without_credentials(url: str) -> str:
    """The same URL without user, password and fragment."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=_bare_netloc(parts), fragment=""))


def shown(text: str) -> str:
    """A URL, or a text that mentions some, as it may appear in messages: without secrets.

    Queries go, too: signed URLs carry their secret there.
    """
    first, *rest = text.split("://")
    return "://".join([first, *(_QUERY.sub(r"\1", _without_login(one)) for one in rest)])


def _without_login(text: str) -> str:
    """What stands behind `://`; a password may hold what a URL should not, such as a slash."""
    word = re.match(r"\S*", text)
    url = word[0] if word else ""
    authority = re.split(r"[/?#]", url, maxsplit=1)[0]
    _, colon, after = authority.partition(":")
    whole = "@" not in authority and bool(colon) and not _PORT.match(after)
    login, at, _ = (url if whole else authority).rpartition("@")
    return text[len(login) + len(at) :]


def with_path_suffix(url: str, suffix: str) -> str:
    """Appends to the path of a URL, before its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path + suffix, fragment=""))


def refusal(source: str, target: str) -> str | None:
    """Why what came from `source` may not lead to `target`; None where it may.

    Nothing leads from a protected scheme to a weaker one, nor from elsewhere into this machine or
    to the link-local addresses where clouds keep their secrets.
    """
    return _refusal("/".join(source.split("/", 3)[:3]), "/".join(target.split("/", 3)[:3]))


@lru_cache(maxsize=1024)
def _refusal(source: str, target: str) -> str | None:
    """Decides by scheme and host; pages link to a few hosts thousands of times."""
    here, there = urlsplit(source), _split(target)
    if there is None:
        return "it is not a URL"
    if there.scheme not in _FOLLOWED.get(here.scheme, set()):
        return f"{here.scheme} does not lead to {there.scheme or 'a URL without a scheme'}"
    if there.scheme == "file":
        return "it names another host" if there.netloc not in {"", "localhost"} else None
    if not there.hostname:
        return "it names no host"
    if is_of_this_machine(there.hostname) and not is_of_this_machine(here.hostname or ""):
        return f"{there.hostname} is an address of this machine or its link"
    return None


def origin(url: str) -> tuple[str, str | None, int | None]:
    """What credentials are bound to: scheme, host and port."""
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default


def file_at(url: str, digest: Digest | None) -> RemoteFile:
    """The file behind a URL, called as the last part of its path."""
    return RemoteFile(unquote(urlsplit(url).path.rpartition("/")[2]), url, digest)


def path_of(url: str) -> Path:
    """The local path that a file URL names."""
    return Path(unquote(urlsplit(url).path))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _bare_netloc(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _credentials(parts: SplitResult) -> Credentials | None:
    if parts.username is None:
        return None
    return Credentials(unquote(parts.username), unquote(parts.password or ""))


def is_of_this_machine(host: str) -> bool:
    """Whether a host is this machine itself, or on its link."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_link_local or mapped.is_unspecified)

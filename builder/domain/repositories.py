"""Git repositories that the user names: where they are, and which state of them is meant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Self

from packaging.version import InvalidVersion, Version

from builder.errors import InputError

PREFIX = "git+"
_URL = re.compile(
    r"git\+(?P<scheme>https|ssh|http|file)://(?:(?P<login>[^/@]*)@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)?(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[^?#]+?)(?:@(?P<ref>[^@]*))?",
    re.IGNORECASE,
)
_HINT = "write git+https://HOST/PATH@REF, with a tag, a branch or a commit as REF"
_FRAGMENT_HINT = (
    "leave #egg=… out, and write NAME @ git+https://HOST/PATH@REF where the name has to be told; "
    "build_dir in the settings of NAME says which folder of the repository is built"
)
_BEGINNING_HINT = "write https://HOST/PATH/, and every repository below it is allowed"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PROVISIONAL = re.compile(r"0\+git\.[0-9a-f]{1,12}")
# What `git check-ref-format` refuses, and whatever means something in a refspec or a revision.
_NOT_IN_REFS = re.compile(r"[\s\x00-\x20\x7f~^:?*\[\\#{}]|\.\.|//|/\.|\.lock(/|$)|\.$|/$")
_MOST_LONG = 1000


@dataclass(frozen=True)
class GitReference:
    """A state of a repository.

    Attributes:
        url: `https://`, `ssh://`, `file://` or, on this machine alone, `http://`; no credentials.
        ref: a tag, a branch or a commit; empty for whatever the repository calls HEAD.
        login: user and password as they stand in the URL, where they do, percent signs and all.
    """

    url: str
    ref: str = ""
    login: tuple[str, str] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{PREFIX}{self.url}" + (f"@{self.ref}" if self.ref else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `git+SCHEME://HOST/PATH@REF`.

        Raises:
            InputError: it is no such URL, or one that git is not let near.
        """
        if "#" in text:
            raise InputError(f"{_shown(text)} has a fragment", hint=_FRAGMENT_HINT)
        found = _URL.fullmatch(text) if _is_plain(text) else None
        if found is None or not found["path"].strip("/"):
            raise InputError(f"{_shown(text)} names no repository that may be asked", hint=_HINT)
        scheme, host, ref = found["scheme"].lower(), found["host"] or "", found["ref"]
        if bool(host) == (scheme == "file") or (found["port"] and not host):
            raise InputError(f"{_shown(text)} has no usable host", hint=_HINT)
        if scheme == "http" and not _is_loopback(host):
            raise InputError(f"{_shown(text)} would come in the clear", hint="use git+https://")
        if ref is not None and (not ref or ref[0] in "-+@/." or _NOT_IN_REFS.search(ref)):
            raise InputError(f"{ref!a} is no name of a tag, branch or commit", hint=_HINT)
        user, login = _login(found["login"], scheme, text)
        url = f"{scheme}://{user}{host}{found['port'] or ''}{found['path']}"
        return cls(url, ref or "", login)

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0]

    @property
    def is_commit(self) -> bool:
        """Whether it can never mean anything else."""
        return _COMMIT.fullmatch(self.ref) is not None

    @property
    def version(self) -> Version | None:
        """The version that the ref is named after, with or without a `v` before it."""
        if self.is_commit:
            return None
        try:
            return Version(self.ref)
        except InvalidVersion:
            return None

    @property
    def last_name(self) -> str:
        """What the repository is called, for a project whose name nobody knows yet."""
        return self.url.rstrip("/").rpartition("/")[2].removesuffix(".git")

    def at(self, commit: str) -> Self:
        """The same repository at a commit."""
        return replace(self, ref=commit)


@dataclass(frozen=True)
class Submodules:
    """Which submodules of a repository belong to a source; those below them always do.

    Attributes:
        every: whether all of them.
        paths: those at these paths; they win over `every`.
    """

    every: bool = False
    paths: tuple[str, ...] = ()

    @property
    def are_wanted(self) -> bool:
        return self.every or bool(self.paths)


NO_SUBMODULES = Submodules()


@dataclass(frozen=True)
class AllowedRepositories:
    """The repositories that packages may name in their requirements, by how their URLs begin.

    Nothing is allowed unless somebody says so: what a package requires is what a stranger wrote.
    """

    beginnings: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Reads `SCHEME://HOST/PATH/`, with or without `git+` before it.

        Raises:
            InputError: one of them is no such URL.
        """
        return cls(tuple(_beginning(text) for text in texts))

    def __contains__(self, reference: GitReference) -> bool:
        """Whether the URL is one of these, or below one of these, in whole parts of its path."""
        url = _with_plain_host(reference.url)
        return _is_straight(url) and any(f"{url}/".startswith(one) for one in self.beginnings)


def is_repository(url: str) -> bool:
    """Whether a URL leads to a git repository, and not to a file."""
    return url.lower().startswith(PREFIX)


def is_same_repository(url: str, other: str) -> bool:
    """Whether two URLs of requirements or locks name states of one repository."""
    try:
        return GitReference.parse(url).url == GitReference.parse(other).url
    except InputError:
        return False


def provisional_version(commit: str) -> Version:
    """What a commit's release is called until its own hook has told its version."""
    return Version(f"0+git.{commit[:12]}")


def is_provisional(version: Version) -> bool:
    """Whether a version is only held until the hook has told the real one."""
    return _PROVISIONAL.fullmatch(str(version)) is not None


def _beginning(text: str) -> str:
    bare = text.removeprefix(PREFIX)
    scheme, found, rest = bare.partition("://")
    host, _, path = rest.partition("/")
    # The path of a whole repository makes a reference of it, to be held to the same rules.
    whole = f"{PREFIX}{scheme}://{host}/{path.strip('/')}/x"
    if not found or "@" in path or (scheme.lower() == "file" and not path.strip("/")):
        raise InputError(f"{_shown(text)} is no beginning of URLs", hint=_BEGINNING_HINT)
    try:
        reference = GitReference.parse(whole if path.strip("/") else f"{PREFIX}{scheme}://{host}/x")
    except InputError as error:
        raise InputError(f"{_shown(text)}: {error.message}", hint=_BEGINNING_HINT) from None
    url = _with_plain_host(reference.url)
    if reference.login is not None or not _is_straight(url):
        raise InputError(f"{_shown(text)} is no beginning of URLs", hint=_BEGINNING_HINT)
    return url.removesuffix("x")


def _with_plain_host(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.lower()}{slash}{path}"


def _is_straight(url: str) -> bool:
    """Whether a path means what it says: no way up, and no sign that stands for another."""
    path = url.partition("://")[2].partition("/")[2]
    return "%" not in path and not {"", ".", ".."} & set(path.removesuffix("/").split("/"))


def _is_plain(text: str) -> bool:
    return len(text) <= _MOST_LONG and text.isprintable() and not re.search(r"[\s\\\"'<>`]", text)


def _login(text: str | None, scheme: str, whole: str) -> tuple[str, tuple[str, str] | None]:
    """The user as part of the place, as ssh has it, or else apart from it, with the password."""
    if text is None:
        return "", None
    user, _, password = text.partition(":")
    if scheme == "ssh" and not password and re.fullmatch(r"[A-Za-z0-9_][\w.-]*", user):
        return f"{user}@", None
    if scheme in ("https", "http"):
        return "", (user, password)
    raise InputError(f"{_shown(whole)} has a login that is of no use there", hint=_HINT)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _shown(text: str) -> str:
    """Without whatever may be a secret, nor what may play tricks on a terminal.

    A password may hold what a URL should not, so that it does not end where it seems to.
    """
    bare = re.sub(r"[?#].*", "", text, flags=re.DOTALL)
    bare = re.sub(r"(?<=://)[^/\s]*@", "", bare)
    return ascii(re.sub(r"(?<=://)[^/\s]*:(?![0-9]{1,5}(/|$)).*@", "", bare)[:200])

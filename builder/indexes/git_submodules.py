"""What a commit says of its submodules, as data that nobody has to believe."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from builder.domain.repositories import PREFIX, GitReference, Submodules
from builder.errors import InputError

MOST = 500
"""Submodules of one source, those of submodules included."""
DEEPEST = 8


@dataclass(frozen=True)
class Declared:
    """A submodule as `.gitmodules` has it."""

    path: str
    url: str


def list_words(commit: str) -> list[str]:
    """Asks git for the paths and addresses in `.gitmodules`; git ends with 1 where there are none.

    The file is read as it was committed, and includes in it are not followed.
    """
    pattern = r"^submodule\..*\.(path|url)$"
    return ["config", f"--blob={commit}:.gitmodules", "--null", "--get-regexp", pattern]


def declared(listed: bytes) -> tuple[Declared, ...]:
    """Reads what `list_words` asked for; what lacks a path or an address is no submodule."""
    paths: dict[str, str] = {}
    urls: dict[str, str] = {}
    for entry in listed.decode("utf-8", "replace").split("\0"):
        key, _, value = entry.partition("\n")
        name, _, field = key.rpartition(".")
        (paths if field == "path" else urls)[name] = value
    return tuple(Declared(paths[name], urls[name]) for name in sorted(paths.keys() & urls))


def link_words(commit: str, path: str) -> list[str]:
    """Asks git which commit stands at a path."""
    return ["ls-tree", "-z", "--full-tree", commit, "--", path]


def linked(listed: bytes, path: str) -> str | None:
    """Reads what `link_words` asked for; None where something else than a submodule is there."""
    facts, _, found = listed.rstrip(b"\0").partition(b"\t")
    mode, _, rest = facts.decode("ascii", "replace").partition(" ")
    kind, _, commit = rest.partition(" ")
    is_link = (mode, kind, found) == ("160000", "commit", path.encode())
    return commit if is_link else None


def is_usable(path: str) -> bool:
    """Whether a path stays below the top of its source, and is written in the one plain way."""
    parts = PurePosixPath(path).parts
    return path == "/".join(parts) and bool(parts) and not {"..", "/", ".git"} & set(parts)


def chosen(
    commit: GitReference, found: tuple[Declared, ...], wanted: Submodules
) -> Iterator[Declared]:
    """Those that are wanted.

    Raises:
        InputError: a path that is wanted is no submodule.
    """
    if not wanted.paths:
        yield from found
        return
    by_path = {one.path: one for one in found}
    for path in wanted.paths:
        one = by_path.get(path.rstrip("/"))
        if one is None:
            raise InputError(
                f"{commit} has no submodule at {path!r}",
                hint="git_options.submodule_paths are paths below the top of the repository, "
                f"here {', '.join(sorted(by_path)[:20]) or 'none'}",
            )
        yield one


def source_of(parent: GitReference, one: Declared, commit: str) -> GitReference:
    """Where the commit of a submodule is fetched.

    Whoever wrote `.gitmodules` must not make this machine read its own files or ask itself: that
    is only for repositories that are there, too. A login goes to the host that it was given for.

    Raises:
        InputError: the address cannot be used.
    """
    child = GitReference.parse(f"{PREFIX}{_absolute(parent, one)}@{commit}")
    if child.scheme in ("file", "http") and child.scheme != parent.scheme:
        raise InputError(
            f"{parent}: the submodule {one.path} is at {child.url}, which is not fetched from there"
        )
    there, here = urlsplit(child.url), urlsplit(parent.url)
    same = (there.scheme, there.netloc) == (here.scheme, here.netloc)
    return replace(child, login=parent.login if same else None)


def _absolute(parent: GitReference, one: Declared) -> str:
    if one.url.startswith(("./", "../")):
        return _relative(parent, one)
    host, colon, path = one.url.partition(":")
    if colon and not path.startswith("//") and "/" not in host:
        return f"ssh://{host}/{path.lstrip('/')}"
    return one.url


def _relative(parent: GitReference, one: Declared) -> str:
    place = urlsplit(parent.url)
    parts = [part for part in place.path.split("/") if part]
    for part in one.url.split("/"):
        if part == "..":
            if not parts:
                raise InputError(f"{parent}: the submodule {one.path} is above the repository host")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return urlunsplit(place._replace(path="/" + "/".join(parts)))

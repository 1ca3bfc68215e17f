"""Cargo's configuration: what the operator's own lends to fetching, and what a source is given."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from builder.errors import InputError
from builder.prepare.crates import Crate, UnusableCrates

BUNDLE = "ca.crt"
_SOURCE_KEYS = ("registry", "git", "branch", "tag", "rev", "replace-with")
_FOLDER_KEYS = ("directory", "local-registry")
_HTTP_KEYS = ("proxy", "timeout", "low-speed-limit", "multiplexing", "check-revoke", "ssl-version")
_PROXIES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_NO_PROXIES = ("no_proxy", "NO_PROXY")
_NOWHERE = "http://127.0.0.1:1"
_PLAIN = re.compile(r"(?:sparse\+)?http://(?:[^/@]*@)?(\[[0-9a-fA-F:.]+\]|[^/:?#]+)")
_VENDORED = "vendored-sources"
_GIT = (
    ("core.hooksPath", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("http.followRedirects", "initial"),
)


@dataclass(frozen=True)
class CargoAccess:
    """How cargo reaches registries from here.

    Attributes:
        configuration: what of the operator's own configuration it is given, as TOML; may be empty.
        proxies: the variables that name proxies.
        bundle: certificates of who may be trusted; None for those of the image.
    """

    configuration: str = ""
    proxies: tuple[tuple[str, str], ...] = ()
    bundle: Path | None = None


def operators_configuration(text: str, file: str) -> str:
    """Mirrors, registries and what HTTP needs, of a configuration; no token, no program, no folder.

    Raises:
        InputError: it cannot be read, or replaces a registry by a folder of this host.
    """
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not valid: {error}") from error
    sources = {name: _taken(one, _SOURCE_KEYS) for name, one in _tables(given.get("source"))}
    for name, one in _tables(given.get("source")):
        if any(key in one for key in _FOLDER_KEYS):
            raise InputError(
                f"{file}: [source.{name}] is a folder of this host, which no container sees",
                hint="name a registry instead, or let CARGO_HOME name another folder for builder",
            )
    kept = {
        "source": sources,
        "registries": {
            name: _taken(one, ("index", "protocol"))
            for name, one in _tables(given.get("registries"))
        },
        "http": _taken(dict(_tables(given)).get("http", {}), _HTTP_KEYS),
        "net": _taken(dict(_tables(given)).get("net", {}), ("retry",)),
    }
    return tomlkit.dumps({name: table for name, table in kept.items() if table})


def fetching_variables(access: CargoAccess) -> tuple[tuple[str, str], ...]:
    """The whole environment of cargo where it has a network.

    Plain HTTP goes nowhere but to what the operator's configuration names: a manifest may ask for
    anything, and what listens on this host's own addresses is none of its business.
    """
    named = sorted(_plain_hosts(access.configuration))
    protocols = "https:http" if named else "https"
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp/home",  # noqa: S108 - inside a container, whose /tmp is its own
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": "/tmp",  # noqa: S108
        "CARGO_HOME": "/tmp/cargo",  # noqa: S108
        "CARGO_TERM_COLOR": "never",
        "CARGO_TERM_PROGRESS_WHEN": "never",
        "CARGO_NET_GIT_FETCH_WITH_CLI": "true",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(_GIT)),
    }
    for number, (key, value) in enumerate(_GIT):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    if access.bundle is not None:
        bundle = f"/in/{BUNDLE}"
        names = ("CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "GIT_SSL_CAINFO")
        variables |= dict.fromkeys(names, bundle)
    proxies = dict(access.proxies)
    variables |= proxies
    if not named:
        variables["http_proxy"] = _NOWHERE
    elif "http_proxy" not in proxies:
        variables["http_proxy"] = _NOWHERE
        told = next((proxies[name] for name in _NO_PROXIES if name in proxies), "")
        allowed = ",".join(filter(None, (told, *named)))
        variables |= dict.fromkeys(_NO_PROXIES, allowed)
    return tuple(sorted(variables.items()))


def proxies_of(variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What an environment says of proxies."""
    names = (*_PROXIES, *_NO_PROXIES)
    return tuple((name, variables[name]) for name in names if variables.get(name))


def offline_configuration(
    printed: str, crates: Sequence[Crate], own: str | None, folder: str
) -> str:
    """What a source is given as `.cargo/config.toml`: everything comes from its own folder.

    Args:
        printed: what cargo printed for the crates that it fetched.
        crates: those of the locks.
        own: what the source has for configuration; what is not about sources is kept.
        folder: where the crates are, below the folder that is built.

    Raises:
        UnusableCrates: either cannot be used, or a repository of a lock is not replaced.
    """
    sources = _printed_sources(printed)
    for name, one in sources.items():
        if name == _VENDORED:
            one.clear()
            one["directory"] = folder
    if crates and not _replaces_all(sources, crates):
        raise UnusableCrates("cargo did not say how each source of the lock is replaced")
    try:
        document = tomlkit.parse(own or "")
    except (TOMLKitError, RecursionError) as error:
        raise UnusableCrates(f"its .cargo/config.toml is not valid: {error}") from error
    document.pop("source", None)
    if sources:
        document["source"] = sources
    return tomlkit.dumps(document)


def is_offline(own: str | None, crates: Sequence[Crate], folder: str) -> bool:
    """Whether a source's own configuration takes every crate of its locks from a folder of it."""
    try:
        tables = dict(_tables(tomllib.loads(own or "").get("source")))
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    vendored = {name for name, one in tables.items() if one.get("directory") == folder}
    return _replaces_all(tables, crates, vendored)


def names_sources(own: str | None) -> bool:
    """Whether a source's own configuration says where crates come from."""
    try:
        return "source" in tomllib.loads(own or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return False


def _printed_sources(printed: str) -> dict[str, dict[str, Any]]:
    try:
        given = tomllib.loads(printed)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnusableCrates(f"cargo printed no usable configuration: {error}") from error
    return {
        name: _taken(one, (*_SOURCE_KEYS, "directory"))
        for name, one in _tables(given.get("source"))
    }


def _replaces_all(
    sources: Mapping[str, Mapping[str, Any]],
    crates: Sequence[Crate],
    vendored: frozenset[str] | set[str] = frozenset({_VENDORED}),
) -> bool:
    replaced = [one for one in sources.values() if one.get("replace-with") in vendored]
    repositories = {str(one.get("git")) for one in replaced if "git" in one}
    wanted = {crate.repository.partition("?")[0] for crate in crates if crate.is_git}
    others = {crate.source for crate in crates if not crate.is_git}
    registries = [one for one in replaced if "git" not in one]
    return wanted <= repositories and len(registries) >= len(others)


def _plain_hosts(configuration: str) -> Iterator[str]:
    given = tomllib.loads(configuration)
    for kind in ("source", "registries"):
        for _, one in _tables(given.get(kind)):
            for key in ("registry", "git", "index"):
                found = _PLAIN.match(str(one.get(key, "")))
                if found is not None:
                    yield found[1]


def _tables(given: object) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(given, dict):
        return []
    return [(str(name), one) for name, one in given.items() if isinstance(one, dict)]


def _taken(table: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: table[key] for key in keys if isinstance(table.get(key), str | int | bool)}

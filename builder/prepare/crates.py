"""The crates of a Rust project: which there have to be, and what containers say of them."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, ValidationError

from builder.domain.customization import Vendoring
from builder.prepare.cargo_failures import hint_of
from builder.prepare.task import UnusableSource

_Model = TypeVar("_Model", bound=BaseModel)

FOLDER = "vendor"
OTHER_FOLDER = "vendored-crates"
"""Where crates are laid in a source that has a folder of that name for something else."""
MAX_CRATES = 5000

_BACKENDS = {"maturin", "setuptools-rust"}
_USUAL = ("Cargo.toml", "rust/Cargo.toml", "src/rust/Cargo.toml", "src/Cargo.toml")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REGISTRIES = ("registry+https://", "sparse+https://")


class UnusableCrates(UnusableSource):
    """The crates of a source cannot be had or cannot be used, and why.

    Attributes:
        hint: what to do about it; may be empty.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True)
class Manifests:
    """Where the `Cargo.toml` files are, below the folder that is built.

    Attributes:
        named: by the settings or the project: each has to be there.
        usual: where else the one may be, the first that is there counts.
    """

    named: tuple[str, ...]
    usual: tuple[str, ...] = _USUAL


@dataclass(frozen=True, order=True)
class Crate:
    """One crate of a lock.

    Attributes:
        checksum: sha256 of the released file; None for one from a git repository.
        source: as the lock names it.
    """

    name: str
    version: str
    checksum: str | None
    source: str

    @property
    def is_git(self) -> bool:
        return self.source.startswith("git+")

    @property
    def repository(self) -> str:
        """Without the commit: what a `Cargo.toml` names."""
        return self.source.removeprefix("git+").partition("#")[0]


class LaidCrate(BaseModel):
    """A crate that a source has already."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    folder: str
    package: str | None
    intact: bool


class _Vendor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal["none", "crates", "other"]
    crates: list[LaidCrate]


class Surveyed(BaseModel):
    """What a source has.

    Attributes:
        locks: by path below the source's top; None where there is none.
        config: of the folder that is built.
        vendor: what stands where crates may be laid, by folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["surveyed"]
    manifests: list[str]
    locks: dict[str, str | None]
    config: str | None
    vendor: dict[str, _Vendor]


class Fetched(BaseModel):
    """What cargo fetched: its configuration for it, and the locks that it went by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["fetched"]
    config: str
    locks: dict[str, str | None]


class Settled(BaseModel):
    """What was done to crates so that they can be built from.

    Attributes:
        emptied: compiled libraries.
        changed: files that are not as they were released.
        compiled: the first files that are still compiled.
        compiled_count: how many of them there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["settled"]
    emptied: list[str]
    changed: list[str]
    compiled: list[str]
    compiled_count: int


class _Failed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["failed", "refused", "broken"]
    reason: str
    said: str = ""


def wanted_manifests(pyproject: str | None, vendoring: Vendoring) -> Manifests | None:
    """Which manifests name the crates of a project; None for one that is not of Rust.

    Args:
        pyproject: the text of pyproject.toml, as it is built with; None where there is none.
        vendoring: what the settings say; what they say of manifests or patches makes it of Rust.
    """
    if not vendoring.wanted:
        return None
    try:
        project = tomllib.loads(pyproject or "")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnusableSource(f"pyproject.toml is not valid: {error}") from error
    if vendoring.manifests:
        return Manifests(vendoring.manifests)
    if not vendoring.before_patches and not _is_of_rust(project):
        return None
    return Manifests(tuple(_checked(path) for path in _named(project)))


def read_survey(answer: bytes) -> Surveyed:
    """What a container found in a source.

    Raises:
        UnusableCrates: it found what cannot be used.
    """
    return _read(answer, Surveyed)


def read_fetched(answer: bytes) -> Fetched:
    """What cargo did.

    Raises:
        UnusableCrates: it failed.
    """
    return _read(answer, Fetched)


def read_settled(answer: bytes) -> Settled:
    """What was made of crates.

    Raises:
        UnusableCrates: they are not those of the lock.
    """
    return _read(answer, Settled)


def crates_of(locks: Mapping[str, str]) -> tuple[Crate, ...]:
    """Every crate that locks name and the source does not hold itself.

    Raises:
        UnusableCrates: a lock cannot be read, or names what may not be fetched.
    """
    found: set[Crate] = set()
    for path, text in locks.items():
        try:
            found |= set(_crates(tomllib.loads(text), path))
        except (tomllib.TOMLDecodeError, RecursionError, TypeError, AttributeError) as error:
            raise UnusableCrates(f"{path} is not valid: {error}") from error
        if len(found) > MAX_CRATES:
            raise UnusableCrates(f"{path} names more than {MAX_CRATES} crates")
    return tuple(sorted(found, key=lambda it: (it.name, it.version, it.source)))


def is_laid(crates: Sequence[Crate], laid: Sequence[LaidCrate]) -> bool:
    """Whether what a source has is every crate of its locks, unharmed, and nothing else."""
    if len(laid) != len(crates) or not all(one.intact for one in laid):
        return False
    left = list(crates)
    for one in laid:
        fitting = [crate for crate in left if _fits(one, crate)]
        if not fitting:
            return False
        left.remove(fitting[-1])
    return True


def _fits(laid: LaidCrate, crate: Crate) -> bool:
    """Cargo adds the version to the name where a crate is there more than once."""
    named = laid.folder in (crate.name, f"{crate.name}-{crate.version}")
    return named and laid.package == crate.checksum


def _is_of_rust(project: Mapping[str, Any]) -> bool:
    table = project.get("build-system")
    if not isinstance(table, dict):
        return False
    if table.get("build-backend") == "maturin":
        return True
    requires = table.get("requires")
    return isinstance(requires, list) and any(_project(it) in _BACKENDS for it in requires)


def _project(requirement: object) -> str:
    try:
        return canonicalize_name(Requirement(str(requirement)).name)
    except InvalidRequirement:
        return ""


def _named(project: Mapping[str, Any]) -> Iterator[str]:
    """The manifests that pyproject.toml names."""
    tool = project.get("tool")
    tables = tool if isinstance(tool, dict) else {}
    maturin, setuptools = tables.get("maturin"), tables.get("setuptools-rust")
    if isinstance(maturin, dict) and "manifest-path" in maturin:
        yield str(maturin["manifest-path"])
    if isinstance(setuptools, dict):
        for kind in ("ext-modules", "bins"):
            given = setuptools.get(kind)
            for one in given if isinstance(given, list) else ():
                if isinstance(one, dict):
                    yield str(one.get("path", "Cargo.toml"))


def _checked(path: str) -> str:
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or not plain.parts or len(path) > 1024:
        raise UnusableSource(f"pyproject.toml: the manifest {path[:80]!r} leaves the source")
    return str(plain)


def _crates(lock: Mapping[str, Any], path: str) -> Iterator[Crate]:
    packages, metadata = lock.get("package", []), lock.get("metadata", {})
    for package in packages:
        source = package.get("source")
        if source is None:
            continue  # the project itself, or a crate that it holds
        name, version = str(package.get("name")), str(package.get("version"))
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise UnusableCrates(f"{path}: {name[:80]!r} {version[:80]!r} is no crate")
        # The first form of locks had the checksums apart.
        apart = metadata.get(f"checksum {name} {version} ({source})")
        yield _crate(Crate(name, version, package.get("checksum", apart), str(source)), path)


def _crate(crate: Crate, path: str) -> Crate:
    shown = f"{path}: {crate.name} {crate.version}"
    if crate.source.startswith("git+https://"):
        if not _COMMIT.fullmatch(crate.source.rpartition("#")[2]):
            raise UnusableCrates(f"{shown} is of a git repository, and its commit is not named")
        return Crate(crate.name, crate.version, None, crate.source)
    if not crate.source.startswith(_REGISTRIES):
        kind = crate.source.partition(":")[0][:40]
        raise UnusableCrates(
            f"{shown} comes by {kind!r}: only https may be followed, to registries and by git"
        )
    if crate.checksum is None or not _SHA256.fullmatch(str(crate.checksum)):
        raise UnusableCrates(f"{shown} has no checksum")
    return crate


def _read(answer: bytes, model: type[_Model]) -> _Model:
    try:
        fields = json.loads(answer)
        if isinstance(fields, dict) and fields.get("status") in ("failed", "refused", "broken"):
            failed = _Failed.model_validate(fields)
            raise UnusableCrates(failed.reason, hint_of(f"{failed.reason}\n{failed.said}"))
        return model.model_validate(fields)
    except UnusableSource:
        raise
    except (ValidationError, ValueError, RecursionError) as error:
        raise UnusableCrates("the container left no usable result") from error

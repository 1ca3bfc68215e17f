"""Folders of patches: read from the disk, and chosen from for one release."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.domain.patches import Patch, Patches
from builder.domain.releases import Pin
from builder.errors import InputError
from builder.overrides.names import override_name

SUFFIX = ".patch"
MAX_BYTES = 64 << 20
MAX_FILES = 10_000


@dataclass(frozen=True)
class PatchFolder:
    """A folder of patches for a project, or for one version of it.

    Attributes:
        common: the patches that lie in it, by base name.
        by_variant: the patches that lie in the folder of a variant, by variant and base name.
    """

    project: NormalizedName
    version: Version | None
    common: tuple[Patch, ...]
    by_variant: tuple[tuple[str, tuple[Patch, ...]], ...]

    def patches(self, layers: tuple[str, ...]) -> tuple[Patch, ...]:
        """What is applied for variants: what lies in the folder, then what lies in their own."""
        own = dict(self.by_variant)
        return (*self.common, *(patch for name in layers for patch in own.get(name, ())))


def choose(folders: Sequence[PatchFolder], pin: Pin, layers: tuple[str, ...]) -> Patches:
    """The patches of a release, sorted by base name over all folders that are meant for it.

    Among equal names, those for every version come before those for one version, and those for
    every variant before those for one variant, and those in the order of the layers.
    """
    public = Version(pin.version.public)
    mine = [folder for folder in folders if folder.project == pin.name]
    general = [folder for folder in mine if folder.version is None]
    special = [folder for folder in mine if folder.version == public]
    patches = [patch for folder in (*general, *special) for patch in folder.patches(layers)]
    if patches:
        return Patches(apply=tuple(sorted(patches, key=lambda patch: patch.path.name)))
    return Patches(passed_over=tuple(patch for it in mine for patch in it.patches(layers)))


def unused(
    folders: Sequence[PatchFolder], built: Collection[Pin], layers: tuple[str, ...]
) -> tuple[Patch, ...]:
    """The patches for versions that were not built, of projects that were.

    Not those that were passed over when one of these was prepared: they were told then.
    """
    chosen = [choose(folders, pin, layers) for pin in built]
    told = {patch for one in chosen for patch in (*one.apply, *one.passed_over)}
    projects = {pin.name for pin in built}
    mine = (patch for it in folders if it.project in projects for patch in it.patches(layers))
    return tuple(patch for patch in mine if patch not in told)


def read_patch_folders(patches_dir: Path) -> tuple[PatchFolder, ...]:
    """Every folder that can be meant for a project; a missing `patches_dir` holds none.

    Raises:
        InputError: a folder cannot be read, or a patch is too large.
    """
    try:
        if not patches_dir.is_dir():
            return ()
        folders = sorted(path for path in patches_dir.iterdir() if path.is_dir())
        return tuple(found for path in folders if (found := _folder(path)) is not None)
    except OSError as error:
        place = error.filename or patches_dir
        raise InputError(f"{place}: cannot be read: {error.strerror}") from error


def project_and_version(folder: str) -> tuple[NormalizedName, Version | None] | None:
    """Whom a folder is meant for by its name; None where no project can be meant."""
    name, dash, version = folder.partition("-")
    if not name or override_name(name) != name:
        return None
    if not dash:
        return canonicalize_name(name), None
    try:
        return canonicalize_name(name), Version(version)
    except InvalidVersion:
        return None


def _folder(path: Path) -> PatchFolder | None:
    meant = project_and_version(path.name)
    if meant is None:
        return None
    project, version = meant
    variants = sorted(inner for inner in path.iterdir() if inner.is_dir())
    root = path.parent
    by_variant = tuple((it.name, tuple(_patches(it, root, version))) for it in variants)
    return PatchFolder(project, version, tuple(_patches(path, root, version)), by_variant)


def _patches(folder: Path, root: Path, version: Version | None) -> Iterator[Patch]:
    for number, path in enumerate(sorted(folder.glob(f"*{SUFFIX}"))):
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: is larger than {MAX_BYTES >> 20} MiB")
        if number >= MAX_FILES:
            raise InputError(f"{folder}: holds more than {MAX_FILES} patches")
        yield Patch(path.relative_to(root).as_posix(), path, version)

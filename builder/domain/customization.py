"""What the user lays down for the source and the build of one release, everything merged."""

from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import NormalizedName

from builder.domain.instructions import Instruction
from builder.domain.patches import Patches

ConfigSettings = tuple[tuple[str, str | tuple[str, ...]], ...]
"""What the hooks of PEP 517 are given, by name, sorted."""


@dataclass(frozen=True)
class RequirementChanges:
    """What is changed in `[build-system] requires`.

    Attributes:
        update: replaces every entry of the projects that it names, or is added.
        remove: projects whose entries go.
    """

    update: tuple[Requirement, ...] = ()
    remove: tuple[NormalizedName, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.update or self.remove)


@dataclass(frozen=True)
class Vendoring:
    """How the crates of a Rust project are brought along.

    Attributes:
        manifests: where the `Cargo.toml` files are, below `build_dir`; empty for what the project
            itself says.
        resolve_without_lock: whether crates may be chosen anew where there is no Cargo.lock.
    """

    wanted: bool = True
    before_patches: bool = False
    manifests: tuple[str, ...] = ()
    resolve_without_lock: bool = False


@dataclass(frozen=True)
class Preparation:
    """How a source is prepared, beside being unpacked.

    Attributes:
        build_dir: the folder inside the source that is built; empty for all of it.
        instructions: what is done there at last.
    """

    patches: Patches = field(default_factory=Patches)
    build_dir: str = ""
    requires: RequirementChanges = field(default_factory=RequirementChanges)
    vendoring: Vendoring = field(default_factory=Vendoring)
    instructions: tuple[Instruction, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a release is built, if not in the image of the run.

    Attributes:
        image: its name; None for that of the run.
        system_packages: what it is to have beside its own packages, sorted.
    """

    image: str | None = None
    system_packages: tuple[str, ...] = ()

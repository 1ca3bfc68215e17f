"""What the user chose, for every workflow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.domain.containers import Limits
from builder.domain.variants import Variant
from builder.engines.discovery import EngineChoice


@dataclass(frozen=True)
class Settings:
    """What the user chose, defaults filled in."""

    sdists_repo: Path
    wheels_repo: Path
    work_dir: Path
    cache: Path
    images_folders: tuple[Path, ...]
    variables: Mapping[str, str]
    variant: str = "cpu"
    variants: Mapping[str, Variant] = field(default_factory=dict)
    """Every variant that has a definition, by name."""
    image: str | None = None
    engine: EngineChoice = "auto"
    index_urls: tuple[str, ...] = ()
    wheel_server_urls: tuple[str, ...] = ()
    """Servers of wheels that were built before."""
    settings_file: Path = Path("overrides/settings.yaml")
    settings_dir: Path = Path("overrides/settings")
    patches_dir: Path = Path("overrides/patches")
    variants_file: Path = Path("overrides/variants.yaml")
    """Where `variants` come from."""
    min_release_age: int = 0
    """Days since its upload that a release must have behind it; 0 for any."""
    workers: int = 1
    jobs: int = 1
    reuse: bool = True
    """Whether results of earlier runs may be used."""
    cleanup: bool = True
    """Whether the prepared source of a build goes when the build is over."""
    limits: Limits = field(default_factory=Limits)

    @property
    def image_name(self) -> str:
        return self.image or self.definition.image or self.variant

    @property
    def definition(self) -> Variant:
        """What the variant's name stands for; where nothing defines it, the image of that name."""
        return self.variants.get(self.variant) or Variant(self.variant)

    @property
    def engine_variables(self) -> Mapping[str, str]:
        """The variables that engines are looked for with; their storage lies in the cache."""
        return {**self.variables, "BUILDER_CACHE_DIR": str(self.cache.absolute())}

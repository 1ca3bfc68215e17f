"""What a plugin may decide about one project, each as a function with a fixed signature.

An entry point of the group `builder.overrides`, called as the project's files in `overrides/` are,
names a module, or any object, that has functions of these names. Each of them is optional. They
are called with named arguments, never two of one plugin at once, and must give the same answer to
the same question: what they say is part of what a build is known by.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from packaging.requirements import Requirement

from builder.plugins.values import (
    BuildCommands,
    Commands,
    Package,
    Release,
    Source,
    SourceFile,
)


class Releases(Protocol):
    """Which releases a project has, and what each is made from."""

    def __call__(
        self, project: str, variant: str, usual: Callable[[], tuple[Release, ...]]
    ) -> Iterable[Release]:
        """Called once a run, before anything is resolved.

        Args:
            project: its normalized name.
            variant: what is built for.
            usual: asks the index; without this call, the index never hears the project's name.
        """
        ...


class DownloadSource(Protocol):
    """Where the source archive of a release is fetched from, what its bytes are, and its name."""

    def __call__(self, package: Package, usual: SourceFile) -> SourceFile:
        """Called before it is fetched; a lock that names the archive is followed without asking."""
        ...


class PrepareSource(Protocol):
    """What is done with a source after patches and `project_override`, before it is packed again.

    What is packed is the rebuilt sdist, from which every build starts: to change that is to change
    this. No build requirement is there yet, only what the image has.
    """

    def __call__(self, package: Package, commands: Commands) -> None: ...


class BuildSystemRequirements(Protocol):
    """What is there when the backend is asked, instead of `[build-system] requires`."""

    def __call__(
        self, package: Package, source: Source, usual: tuple[Requirement, ...]
    ) -> Iterable[str | Requirement]: ...


class BuildBackendRequirements(Protocol):
    """What is there beyond that when the wheel is built, instead of what the backend asks for."""

    def __call__(
        self, package: Package, source: Source, usual: tuple[Requirement, ...]
    ) -> Iterable[str | Requirement]: ...


class InstallRequirements(Protocol):
    """What a release needs at run time, instead of what its metadata says.

    That is what is rebuilt beside it and recorded. The wheel keeps its own metadata: what
    installers are to see is changed by a patch.
    """

    def __call__(
        self, package: Package, usual: tuple[Requirement, ...]
    ) -> Iterable[str | Requirement]:
        """Called wherever it is learned: from the index, the source, a hook or the wheel."""
        ...


class Environment(Protocol):
    """The variables that a release's hooks and commands see, beside those of every build."""

    def __call__(
        self, package: Package, source: Source, usual: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Called for each container.

        Args:
            package: the release.
            source: its source.
            usual: all variables, those of the settings among them, but for those that only say how
                many jobs to run.

        Returns:
            What is set beside them, or in place of them.
        """
        ...


class BuildWheel(Protocol):
    """What is done to build the wheel, instead of calling the backend's `build_wheel`."""

    def __call__(self, package: Package, source: Source, commands: BuildCommands) -> None: ...


class WheelMetadata(Protocol):
    """What the wheel says of its own build beside the settings, in its dist-info folder."""

    def __call__(self, package: Package, source: Source) -> Mapping[str, object]:
        """A table, of what TOML can hold."""
        ...


DECISIONS: Mapping[str, type] = {
    "releases": Releases,
    "download_source": DownloadSource,
    "prepare_source": PrepareSource,
    "build_system_requirements": BuildSystemRequirements,
    "build_backend_requirements": BuildBackendRequirements,
    "install_requirements": InstallRequirements,
    "environment": Environment,
    "build_wheel": BuildWheel,
    "wheel_metadata": WheelMetadata,
}
"""Every decision by the name of its function, in the order in which they come up."""

FROMAGER_NAMES: Mapping[str, str] = {
    "get_resolver_provider": "releases",
    "download_source": "download_source",
    "prepare_source": "prepare_source",
    "expected_source_archive_name": "download_source",
    "expected_source_directory_name": "download_source",
    "get_build_system_dependencies": "build_system_requirements",
    "get_build_backend_dependencies": "build_backend_requirements",
    "get_build_sdist_dependencies": "build_backend_requirements",
    "get_install_dependencies_of_sdist": "install_requirements",
    "update_extra_environ": "environment",
    "build_sdist": "prepare_source",
    "build_wheel": "build_wheel",
    "add_extra_metadata_to_wheels": "wheel_metadata",
}
"""What stands here for each function of a plugin of Fromager's."""

"""What is laid down for a release, brought to the stages that heed it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from builder.app.decisions import Decisions
from builder.app.own_settings import settings_text
from builder.app.variables import OfImage, Variables, build_variables
from builder.build.task import fixed_variables, with_environment
from builder.domain.builds import (
    BuildOutcome,
    BuildSpec,
    BuildSucceeded,
    Goal,
    MetadataFound,
    MoreRequired,
    Repair,
    Wheel,
)
from builder.domain.customization import ConfigSettings, Preparation
from builder.domain.digests import Digest
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.domain.sources import SourceTree
from builder.overrides.reading import Overrides
from builder.overrides.schema import BuildSettings
from builder.workflows.repair_tool import repair_tool_digest


class Customization:
    """The one place where settings and plugins meet builds. Safe from several threads."""

    def __init__(
        self,
        overrides: Overrides,
        stored: Callable[[Digest], Path],
        jobs: Callable[[Pin], int],
        host: Mapping[str, str],
        image: Callable[[Pin], OfImage],
    ) -> None:
        """Remembers what it is asked with.

        Args:
            overrides: what is laid down.
            stored: where a prepared source lies.
            jobs: how many jobs a release's compilers are told to run.
            host: the variables of this host; settings say which of them may be read.
            image: what the image of a release gives to its builds.
        """
        self._overrides = overrides
        self._decisions = Decisions(overrides.decisions, overrides.variant)
        self._stored = stored
        self._jobs = jobs
        self._host = host
        self._image = image

    def located(self, candidate: Candidate) -> Candidate:
        """A release with the source archive that is to be fetched for it."""
        return self._decisions.located(candidate)

    def is_as_listed(self, pin: Pin) -> bool:
        """Whether what an index says of a release is about the source that is built."""
        return not self._decisions.decides(pin.name, "download_source")

    def preparation(self, pin: Pin) -> Preparation:
        """How a release's source is prepared."""
        instructions = self._decisions.preparation(pin)
        return replace(self._overrides.preparation(pin), instructions=instructions)

    def tree(self, tree: SourceTree) -> SourceTree:
        """A prepared source, with what it is to require."""
        if tree.pin.name not in self._decisions.projects:
            return tree
        requires = self._decisions.requirements(
            "build_system_requirements",
            tree.pin,
            tree.build_system.requires,
            self._stored(tree.archive),
        )
        static = tree.static_metadata
        return replace(
            tree,
            build_system=replace(tree.build_system, requires=requires),
            static_metadata=None if static is None else self.metadata(static),
        )

    def metadata(self, metadata: ReleaseMetadata) -> ReleaseMetadata:
        """What is known of a release, with what it is to require at run time."""
        requires = self._decisions.requirements(
            "install_requirements", metadata.pin, metadata.requires
        )
        return replace(metadata, requires=requires)

    def given_by_image(self, spec: BuildSpec) -> Variables:
        """What a build has of its image, unless somebody says otherwise: for a comparison."""
        return self._image(spec.source.pin).over(fixed_variables(0))

    def require_usable(self, pin: Pin) -> None:
        """Looks at what only a build would come upon, before anything is done for the release.

        Raises:
            InputError: a variable of its settings comes to nothing.
        """
        self._variables(pin, fixed_variables(0))

    def spec(self, spec: BuildSpec) -> BuildSpec:
        """A build as it was planned, with everything that is laid down for it."""
        pin = spec.source.pin
        settings = self._overrides.in_force(pin.name, pin.version).settings
        laid_down = replace(
            spec,
            build_number=self._overrides.build_tag(pin),
            build_dir=settings.build_dir,
            config_settings=_config_settings(settings),
            settings=settings_text(self._overrides, pin),
            variables=self._variables(pin, spec.variables),
            foreign_binaries=settings.foreign_binaries,
            repair=self._repair(pin) if spec.goal is Goal.WHEEL else None,
        )
        if pin.name not in self._decisions.projects:
            return laid_down
        archive = self._stored(spec.source.archive)
        described = (laid_down.settings, self._decisions.description(pin, archive))
        return replace(
            laid_down,
            instructions=self._decisions.building(pin, archive),
            settings="\n".join(filter(None, described)),
            variables=self._decided(pin, laid_down.variables, archive),
        )

    def run(self, spec: BuildSpec, build: Callable[[BuildSpec], BuildOutcome]) -> BuildOutcome:
        """Runs a build; what its backend asks for is what is decided, and nothing else."""
        outcome = self._asked(spec, build)
        match outcome:
            case MetadataFound(metadata):
                return replace(outcome, metadata=self.metadata(metadata))
            case BuildSucceeded(wheel):
                return replace(outcome, wheel=self.wheel(wheel))
            case _:
                return outcome

    def wheel(self, wheel: Wheel) -> Wheel:
        """A wheel of a release that is built here, with what it is to require."""
        return replace(wheel, metadata=self.metadata(wheel.metadata))

    def _decided(self, pin: Pin, laid_down: Variables, archive: Path) -> Variables:
        found = dict(self._decisions.environment(pin, laid_down, archive))
        return tuple(sorted({**found, "PATH": with_environment(found["PATH"])}.items()))

    def _asked(self, spec: BuildSpec, build: Callable[[BuildSpec], BuildOutcome]) -> BuildOutcome:
        pin, decision = spec.source.pin, "build_backend_requirements"
        if not self._decisions.decides(pin.name, decision):
            return build(spec)
        asked = build(replace(spec, goal=Goal.REQUIREMENTS))
        if not isinstance(asked, MoreRequired):
            return asked
        archive = self._stored(spec.source.archive)
        decided = self._decisions.requirements(decision, pin, asked.hook_requires, archive)
        words = tuple(str(requirement) for requirement in decided)
        if spec.goal is Goal.REQUIREMENTS or not set(words) <= set(spec.accepted):
            return MoreRequired(decided, words)
        # The backend's own words count as met from here on.
        more = tuple(word for word in asked.words if word not in spec.accepted)
        return build(replace(spec, accepted=(*spec.accepted, *more)))

    def _repair(self, pin: Pin) -> Repair | None:
        policy = self._overrides.repair_policy(pin)
        return None if policy is None else Repair(policy, repair_tool_digest())

    def _variables(self, pin: Pin, usual: Variables) -> Variables:
        return build_variables(
            self._overrides, pin, usual, self._jobs(pin), self._host, self._image(pin)
        )


def _config_settings(settings: BuildSettings) -> ConfigSettings:
    given = sorted(settings.config_settings.items())
    return tuple((name, one if isinstance(one, str) else tuple(one)) for name, one in given)

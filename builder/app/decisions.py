"""What plugins decide, asked with plain values, and checked before anything believes it."""

import threading
import traceback
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import tomlkit
from packaging.requirements import Requirement
from packaging.utils import NormalizedName
from tomlkit.exceptions import TOMLKitError

from builder.app.offers import (
    as_file,
    as_releases,
    checked_file,
    checked_page,
)
from builder.app.recorder import BuildRecorder, Recorder, checked_variables
from builder.domain.core_metadata import UnusableMetadataError, parse_requirements
from builder.domain.instructions import Instruction
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.errors import BuilderError, PluginError
from builder.inspect.source import PackedSource
from builder.overrides.plugins import Plugin
from builder.plugins.values import Package, Release

Answer = TypeVar("Answer")
Variables = tuple[tuple[str, str], ...]
METADATA_TABLE = "metadata-from-plugin"
"""Where a wheel's own description holds what a plugin adds, as in Fromager's."""


class Decisions:
    """Asks the plugins of projects: each question once, and no plugin twice at a time."""

    def __init__(self, plugins: Mapping[NormalizedName, Plugin], variant: str) -> None:
        self._plugins = plugins
        self._variant = variant
        self._locks = {name: threading.RLock() for name in plugins}
        self._answers: dict[Hashable, object] = {}

    @property
    def projects(self) -> tuple[NormalizedName, ...]:
        """The projects that have a plugin, sorted."""
        return tuple(sorted(self._plugins))

    def decides(self, name: NormalizedName, decision: str) -> bool:
        """Whether a project's plugin has a function for a decision."""
        plugin = self._plugins.get(name)
        return plugin is not None and decision in plugin.functions

    def page(
        self, name: NormalizedName, usual: Callable[[], ProjectPage | NoSuchProject]
    ) -> ProjectPage | NoSuchProject:
        """The releases of a project; `usual` asks the index.

        Raises:
            PluginError: the plugin raised, or gave back what it must not.
            BuilderError: the index was asked, and could not be.
        """
        if not self.decides(name, "releases"):
            return usual()
        asked: list[ProjectPage | NoSuchProject] = []

        def releases() -> tuple[Release, ...]:
            if not asked:
                asked.append(usual())
            return as_releases(asked[0])

        def read(given: object) -> ProjectPage:
            return checked_page(name, _many(given), asked[0] if asked else None)

        arguments = {"project": name, "variant": self._variant, "usual": releases}
        return self._ask(name, "releases", name, (), arguments, read)

    def located(self, candidate: Candidate) -> Candidate:
        """A release with the source archive that is to be fetched for it.

        Raises:
            PluginError: the plugin raised, or gave back what it must not.
        """
        pin = candidate.pin
        if not self.decides(pin.name, "download_source"):
            return candidate
        arguments = {"package": self._package(pin), "usual": as_file(candidate.sdist)}
        file = self._ask(
            pin.name,
            "download_source",
            str(pin),
            (candidate.sdist,),
            arguments,
            lambda given: checked_file(pin, given, candidate.sdist),
        )
        if file is candidate.sdist:
            return candidate
        # What wheels of an index say was made of another source.
        return replace(candidate, sdist=file, wheels=(), by_settings=True)

    def preparation(self, pin: Pin) -> tuple[Instruction, ...]:
        """What is done with a release's source beside what is always done.

        Raises:
            PluginError: the plugin raised, or asked for what cannot be done.
        """
        if not self.decides(pin.name, "prepare_source"):
            return ()
        recorder = Recorder()
        arguments = {"package": self._package(pin), "commands": recorder}
        return self._ask(
            pin.name,
            "prepare_source",
            str(pin),
            (),
            arguments,
            lambda given: _recorded(given, recorder),
        )

    def requirements(
        self,
        decision: str,
        pin: Pin,
        usual: tuple[Requirement, ...],
        archive: Path | None = None,
    ) -> tuple[Requirement, ...]:
        """What a release requires; the same where no plugin says otherwise.

        Args:
            decision: the name of the plugin's function.
            pin: the release.
            usual: what it would require.
            archive: its prepared source, for decisions that may look at it.

        Raises:
            PluginError: the plugin raised, or gave back what is no requirement.
        """
        if not self.decides(pin.name, decision):
            return usual
        arguments: dict[str, object] = {"package": self._package(pin), "usual": usual}
        if archive is not None:
            arguments["source"] = PackedSource(archive)
        key = tuple(str(requirement) for requirement in usual)
        return self._ask(pin.name, decision, str(pin), (key, archive), arguments, _requirements)

    def environment(self, pin: Pin, usual: Variables, archive: Path) -> Variables:
        """The variables of a release's builds, sorted.

        Raises:
            PluginError: the plugin raised, or gave back what no process can have.
        """
        if not self.decides(pin.name, "environment"):
            return usual
        arguments = {
            "package": self._package(pin),
            "source": PackedSource(archive),
            "usual": dict(usual),
        }
        given = self._ask(
            pin.name, "environment", str(pin), (usual, archive), arguments, _variables
        )
        return tuple(sorted({**dict(usual), **given}.items()))

    def building(self, pin: Pin, archive: Path) -> tuple[Instruction, ...]:
        """What is done instead of calling the backend's `build_wheel`; nothing for just that.

        Raises:
            PluginError: the plugin raised, or asked for what cannot be done.
        """
        if not self.decides(pin.name, "build_wheel"):
            return ()
        recorder = BuildRecorder()
        arguments = {
            "package": self._package(pin),
            "source": PackedSource(archive),
            "commands": recorder,
        }
        return self._ask(
            pin.name,
            "build_wheel",
            str(pin),
            (archive,),
            arguments,
            lambda given: _something(_recorded(given, recorder)),
        )

    def description(self, pin: Pin, archive: Path) -> str:
        """What a wheel says of its build beside the settings, as a table of TOML; empty for none.

        Raises:
            PluginError: the plugin raised, or gave back what TOML cannot hold.
        """
        if not self.decides(pin.name, "wheel_metadata"):
            return ""
        arguments = {"package": self._package(pin), "source": PackedSource(archive)}
        return self._ask(pin.name, "wheel_metadata", str(pin), (archive,), arguments, _toml)

    def _package(self, pin: Pin) -> Package:
        return Package(pin.name, pin.version, self._variant)

    def _ask(
        self,
        name: NormalizedName,
        decision: str,
        subject: str,
        key: tuple[Hashable, ...],
        arguments: Mapping[str, object],
        read: Callable[[object], Answer],
    ) -> Answer:
        """The answer to a question, whoever asks it how often; an error is told each time."""
        plugin = self._plugins[name]
        with self._locks[name]:
            known = (decision, subject, *key)
            if known not in self._answers:
                function = plugin.functions[decision]
                with_words = f"plugin {plugin.place}: {decision}() for {subject}"
                given = called(with_words, lambda: function(**arguments))
                self._answers[known] = accepted(with_words, lambda: read(given))
            return cast("Answer", self._answers[known])


def called(who: str, call: Callable[[], object]) -> object:
    """Runs a function of the operator's own.

    Raises:
        PluginError: it raised; `who` says in which words it is named.
        BuilderError: what it asked for could not be had.
    """
    try:
        return call()
    except BuilderError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        raise PluginError(
            f"{who} raised {type(error).__name__}: {error}{place}",
            hint="--debug shows all of it",
        ) from error


def accepted(who: str, read: Callable[[], Answer]) -> Answer:
    """Checks what a function of the operator's own gave back.

    Raises:
        PluginError: it must not be given back.
    """
    try:
        return read()
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"{who} gave back what cannot be used: {error}",
            hint="docs/how-to/write-a-plugin.md shows what each decision gives back",
        ) from error


def _many(given: object) -> list[object]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"it must be several values, and is a {type(given).__name__}")
    return list(given)


def _nothing(given: object) -> None:
    if given is not None:
        raise TypeError(f"it must give back nothing, and gave a {type(given).__name__}")


def _recorded(given: object, recorder: Recorder) -> tuple[Instruction, ...]:
    _nothing(given)
    return recorder.instructions


def _something(instructions: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    if not instructions:
        raise ValueError("no command at all, which builds no wheel: call build_as_usual()")
    return instructions


def _requirements(given: object) -> tuple[Requirement, ...]:
    texts = []
    for one in _many(given):
        if not isinstance(one, str | Requirement):
            raise TypeError(f"{one!r} is no requirement")
        texts.append(str(one))
    try:
        return parse_requirements(texts)
    except UnusableMetadataError as error:
        raise ValueError(str(error)) from error


def _variables(given: object) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise TypeError(f"it must be a mapping of variables, and is a {type(given).__name__}")
    return checked_variables(given)


def _toml(given: object) -> str:
    if not isinstance(given, Mapping):
        raise TypeError(f"it must be a table, and is a {type(given).__name__}")
    try:
        return tomlkit.dumps({METADATA_TABLE: dict(given)}, sort_keys=True) if given else ""
    except (TOMLKitError, TypeError) as error:
        raise ValueError(f"TOML cannot hold it: {error}") from error

"""Options that every command takes, before or after its name, and the settings they make."""

import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from builder.app.settings import Settings
from builder.app.variants import defined_variants
from builder.cli.shared import SHARED
from builder.cli.telling import Listening
from builder.domain.containers import GIB, Limits
from builder.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])
_PREFIX = "shared_"
"""Keeps click's names of shared options apart from those of a command's own parameters."""


class SharedOption(click.Option):
    """An option that every command takes; it is described once, in the help of `builder`."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        return super().get_help_record(ctx) if ctx.parent is None else None


def shared_options(command: Command) -> Command:
    """Adds the options that are accepted before and after the command's name.

    Commands of the tree have them without it, too: see `CommandTree`.
    """
    return attach_shared_options(command, taken=())


def attach_shared_options(command: Command, taken: Collection[str]) -> Command:
    """Adds the shared options, but for the names that the command's own parameters have taken."""
    for shared in reversed(SHARED):
        names = [name for name in shared.names if name not in taken]
        if names:
            attributes: dict[str, Any] = {
                "callback": _remember,
                "envvar": [*shared.variables()] or None,
                "help": shared.help,
                "expose_value": False,
                **shared.attributes,
            }
            attach = click.option(
                *names, _PREFIX + shared.parameter, cls=SharedOption, **attributes
            )
            command = attach(command)
    return command


@dataclass(frozen=True)
class Given:
    """What was given on the command line, before or after the command's name."""

    values: Mapping[str, Any]

    def settings(self, workers: int | None = None) -> Settings:
        """Settings with every default filled in, for the one variant.

        Raises:
            InputError: the file of variants cannot be used, or an option cannot, or several
                variants were given.
        """
        several = self.settings_of_variants(workers)
        if len(several) > 1:
            names = " and ".join(one.variant for one in several)
            raise InputError(
                f"--variant: this command works for one variant, not for {names} at once",
                hint="run it for each of them; `builder bootstrap` takes several",
            )
        return several[0]

    def settings_of_variants(self, workers: int | None = None) -> tuple[Settings, ...]:
        """Settings for each variant; where there are several, each has folders of its own.

        Raises:
            InputError: the file of variants cannot be used, or an option cannot.
        """
        settings = self.settings_without_variants(workers)
        settings = replace(settings, variants=defined_variants(settings.variants_file))
        names = tuple(dict.fromkeys(self.values.get("variant") or ())) or (settings.variant,)
        if len(names) > 1 and settings.image is not None:
            raise InputError(
                f"--image {settings.image}: several variants do not share an image",
                hint="define which image each of them takes in overrides/variants.yaml",
            )
        if len(names) == 1:
            return (replace(settings, variant=names[0]),)
        return tuple(self._in_own_folders(settings, name) for name in names)

    def _in_own_folders(self, settings: Settings, variant: str) -> Settings:
        """`OUTPUT/VARIANT/wheels-repo`; where a folder was named, `FOLDER/VARIANT`."""
        named, output = self.values, self.values.get("output_dir") or Path()

        def own(option: str, usual: str) -> Path:
            folder: Path | None = named.get(option)
            return folder / variant if folder else output / variant / usual

        return replace(
            settings,
            variant=variant,
            sdists_repo=own("sdists_repo", "sdists-repo"),
            wheels_repo=own("wheels_repo", "wheels-repo"),
            work_dir=own("work_dir", "work-dir"),
        )

    def settings_without_variants(self, workers: int | None = None) -> Settings:
        """The same, with the file of variants unread."""
        values = self.values
        output: Path = values.get("output_dir") or Path()
        cpus = len(os.sched_getaffinity(0))
        running = workers or cpus
        return Settings(
            sdists_repo=values.get("sdists_repo") or output / "sdists-repo",
            wheels_repo=values.get("wheels_repo") or output / "wheels-repo",
            work_dir=values.get("work_dir") or output / "work-dir",
            cache=values.get("cache_dir") or _cache(os.environ),
            images_folders=self._images_folders(),
            variables=dict(os.environ),
            image=values.get("image"),
            engine=values.get("engine") or "auto",
            index_urls=tuple(values.get("sdist_server_url") or ()),
            settings_file=values.get("settings_file") or Path("overrides/settings.yaml"),
            settings_dir=values.get("settings_dir") or Path("overrides/settings"),
            patches_dir=values.get("patches_dir") or Path("overrides/patches"),
            variants_file=values.get("variants_file") or Path("overrides/variants.yaml"),
            min_release_age=values.get("min_release_age") or 0,
            workers=running,
            jobs=values.get("jobs") or math.ceil(2 * cpus / running),
            reuse=not values.get("no_cache"),
            cleanup=values.get("cleanup", True),
            limits=self._limits(),
        )

    @property
    def constraints(self) -> tuple[str, ...]:
        return tuple(self.values.get("constraints_file") or ())

    @property
    def listening(self) -> Listening:
        """Who hears what the run tells."""
        values = self.values
        return Listening(
            verbose=bool(values.get("verbose")),
            tracebacks=bool(values.get("debug")),
            console_format=values.get("log_format"),
            log_file=values.get("log_file"),
            error_log_file=values.get("error_log_file"),
        )

    @property
    def notes(self) -> Iterator[str]:
        """What whoever gave these options should know about them."""
        if self.values.get("network_isolation") is False:
            yield "--no-network-isolation changes nothing: builds never have a network here"
        if self.values.get("envs_dir"):
            yield (
                "--envs-dir changes nothing: variables of builds stand in the settings "
                "(`builder migrate-config` moves old folders there)"
            )

    def _images_folders(self) -> tuple[Path, ...]:
        named: Path | None = self.values.get("images_dir")
        if named is not None and not named.is_dir():
            raise InputError(f"--images-dir: {named} is no folder")
        folder = named or Path("images")
        return (folder,) if folder.is_dir() else ()

    def _limits(self) -> Limits:
        usual = Limits()
        memory, timeout = self.values.get("memory"), self.values.get("timeout")
        return Limits(
            memory_bytes=int(memory * GIB) if memory else usual.memory_bytes,
            wall_seconds=timeout or usual.wall_seconds,
            asked_for=bool(timeout),
        )


def given(click_context: click.Context) -> Given:
    """Everything shared that was given so far."""
    found = click_context.find_root().meta.get(__name__, {})
    return Given({name: one.value for name, one in found.items()})


@dataclass(frozen=True)
class _Found:
    value: Any
    typed: bool
    """Whether it stood on the command line, which wins over variables."""


def _remember(click_context: click.Context, parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401
    source = click_context.get_parameter_source(parameter.name or "")
    if source not in {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT}:
        return value
    name = (parameter.name or "").removeprefix(_PREFIX)
    found = _Found(value, typed=source is ParameterSource.COMMANDLINE)
    known: dict[str, _Found] = click_context.find_root().meta.setdefault(__name__, {})
    before = known.get(name)
    if before is None or found.typed or not before.typed:
        # Only what was typed on both sides of the command's name is collected: each
        # command reads the variables again. Variants are no list that grows: those behind the
        # name are built instead of those before it.
        together = parameter.multiple and before is not None and before.typed and name != "variant"
        known[name] = _joined(before.value, found) if before and together else found
    return value


def _joined(before: tuple[Any, ...], found: _Found) -> _Found:
    more = tuple(one for one in found.value if one not in before)
    return _Found((*before, *more), typed=found.typed)


def _cache(variables: Mapping[str, str]) -> Path:
    base = variables.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "builder"

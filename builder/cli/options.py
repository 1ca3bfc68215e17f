"""Options that every command takes, before or after its name, and the settings they make."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from builder.app.settings import Settings
from builder.domain.containers import GIB, Limits
from builder.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)


def _variables(name: str) -> list[str]:
    return [f"BUILDER_{name}", f"FROMAGER_{name}"]


_SHARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-v", "--verbose"), {"is_flag": True, "default": None, "help": "Say more."}),
    (("--debug",), {"is_flag": True, "default": None, "help": "Show tracebacks of errors."}),
    (
        ("-O", "--output-dir"),
        {"type": _PATH, "help": "Where results go. Default: this folder.", "env": "OUTPUT_DIR"},
    ),
    (("-o", "--sdists-repo"), {"type": _PATH, "help": "Source archives.", "env": "SDISTS_REPO"}),
    (("-w", "--wheels-repo"), {"type": _PATH, "help": "Wheels.", "env": "WHEELS_REPO"}),
    (("-t", "--work-dir"), {"type": _PATH, "help": "Records and logs.", "env": "WORK_DIR"}),
    (
        ("-c", "--constraints-file"),
        {
            "multiple": True,
            "metavar": "FILE",
            "help": "Constraints, as pip reads them. May be repeated.",
            "env": "CONSTRAINTS_FILES",
        },
    ),
    (
        ("--variant",),
        {"metavar": "NAME", "help": "What to build for. Default: cpu.", "env": "VARIANT"},
    ),
    (
        ("--image",),
        {
            "metavar": "NAME",
            "help": "The base image, by name or as REGISTRY/NAME@sha256:…; default: the variant's.",
            "env": "IMAGE",
        },
    ),
    (
        ("--engine",),
        {
            "type": click.Choice(["auto", "podman", "docker"]),
            "help": "The container engine. Default: auto.",
            "env": "ENGINE",
        },
    ),
    (
        ("-j", "--jobs"),
        {
            "type": click.IntRange(min=1),
            "help": "Jobs inside one build, for compilers.",
            "env": "JOBS",
        },
    ),
    (
        ("--sdist-server-url", "--index-url"),
        {
            "multiple": True,
            "metavar": "URL",
            "help": "The index to ask. Repeat it to ask several, in this order: "
            "the first that knows a project serves it alone.",
            "env": "SDIST_SERVER_URL",
        },
    ),
    (
        ("--cache-dir",),
        {"type": _PATH, "help": "Images, store and scratch space.", "env": "CACHE_DIR"},
    ),
    (
        ("--no-cache",),
        {"is_flag": True, "default": None, "help": "Build everything, whatever the store holds."},
    ),
    (
        ("--images-dir",),
        {"type": _PATH, "help": "Images of your own. Default: ./images.", "env": "IMAGES_DIR"},
    ),
    (
        ("--memory",),
        {"type": click.FloatRange(min=0.25), "metavar": "GIB", "help": "Memory of one build."},
    ),
    (
        ("--timeout",),
        {"type": click.FloatRange(min=1), "metavar": "SECONDS", "help": "Time for one build."},
    ),
)


def shared_options(command: Command) -> Command:
    """Adds the options that are accepted before and after the command's name."""
    for names, described in reversed(_SHARED):
        attributes = dict(described)
        variable = attributes.pop("env", None)
        if variable is not None:
            attributes["envvar"] = _variables(variable)
        command = click.option(*names, expose_value=False, callback=_remember, **attributes)(
            command
        )
    return command


@dataclass(frozen=True)
class Given:
    """What was given on the command line, before or after the command's name."""

    values: Mapping[str, Any]

    def settings(self, workers: int | None = None) -> Settings:
        """Settings with every default filled in."""
        values = self.values
        output: Path = values.get("output_dir") or Path()
        images: Path = values.get("images_dir") or Path("images")
        if values.get("images_dir") and not images.is_dir():
            raise InputError(f"--images-dir: {images} is no folder")
        cpus = len(os.sched_getaffinity(0))
        running = workers or cpus
        return Settings(
            sdists_repo=values.get("sdists_repo") or output / "sdists-repo",
            wheels_repo=values.get("wheels_repo") or output / "wheels-repo",
            work_dir=values.get("work_dir") or output / "work-dir",
            cache=values.get("cache_dir") or _cache(os.environ),
            images_folders=(images,) if images.is_dir() else (),
            variables=dict(os.environ),
            variant=values.get("variant") or "cpu",
            image=values.get("image"),
            engine=values.get("engine") or "auto",
            index_urls=tuple(values.get("sdist_server_url") or ()),
            workers=running,
            jobs=values.get("jobs") or math.ceil(2 * cpus / running),
            reuse=not values.get("no_cache"),
            limits=self._limits(),
        )

    @property
    def constraints(self) -> tuple[str, ...]:
        return tuple(self.values.get("constraints_file") or ())

    def _limits(self) -> Limits:
        usual = Limits()
        memory, timeout = self.values.get("memory"), self.values.get("timeout")
        return Limits(
            memory_bytes=int(memory * GIB) if memory else usual.memory_bytes,
            wall_seconds=timeout or usual.wall_seconds,
        )


def given(click_context: click.Context) -> Given:
    """Everything shared that was given so far."""
    return Given(click_context.find_root().meta.get(__name__, {}))


def _remember(click_context: click.Context, parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401
    meta = click_context.find_root().meta
    known = meta.setdefault(__name__, {})
    from_variables: set[str] = meta.setdefault(f"{__name__}.variables", set())
    name = parameter.name or ""
    if click_context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
        # The command looks at the variables again: an option before its name comes first.
        if name in known and name not in from_variables:
            return value
        from_variables.add(name)
    elif value and name in from_variables:
        from_variables.remove(name)
        del known[name]
    if isinstance(value, tuple):
        if not value:
            return value
        known[name] = (
            *known.get(name, ()),
            *(one for one in value if one not in known.get(name, ())),
        )
    elif value is not None:
        known[name] = value
    return value


def _cache(variables: Mapping[str, str]) -> Path:
    base = variables.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "builder"

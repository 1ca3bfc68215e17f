"""The options that every command takes, as data: their names, and what click is told of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Shared:
    """One option that is accepted before and after every command's name."""

    names: tuple[str, ...]
    help: str
    attributes: dict[str, Any] = field(default_factory=dict)
    variable: str = ""
    """The variable's name without its prefix; empty where the option's own name serves."""
    old_variables: tuple[str, ...] = ()
    """Names that the variable had once, still read."""

    @property
    def parameter(self) -> str:
        """What click calls the value: the first long name in words."""
        first = next(name for name in self.names if name.startswith("--"))
        return first.partition("/")[0].lstrip("-").replace("-", "_")

    def variables(self) -> Iterator[str]:
        """Every variable that stands in for the option, the one that wins first."""
        if "callback" in self.attributes:
            return
        for name in (self.variable or self.parameter.upper(), *self.old_variables):
            yield f"BUILDER_{name}"
            yield f"FROMAGER_{name}"


def _path(*names: str, text: str) -> Shared:
    return Shared(names, text, {"type": _PATH})


def _flag(*names: str, text: str) -> Shared:
    return Shared(names, text, {"is_flag": True, "default": None})


def _show_version(click_context: click.Context, _option: click.Parameter, value: object) -> None:
    if value and not click_context.resilient_parsing:
        click.echo(f"builder {version('builder')}")
        click_context.exit()


SHARED: tuple[Shared, ...] = (
    Shared(
        ("--version",),
        "Show the version and exit.",
        {"is_flag": True, "is_eager": True, "callback": _show_version},
    ),
    _flag("-v", "--verbose", text="Say more."),
    _flag("--debug", text="Show tracebacks of errors."),
    _path("--log-file", text="Add everything that is told to this file, with time and level."),
    Shared(
        ("--log-format",),
        "How a line of the console looks, as Python's logging writes formats.",
        {"metavar": "FORMAT"},
    ),
    _path("--error-log-file", text="Add errors to this file; it is made even if there are none."),
    _path("-O", "--output-dir", text="Where results go. Default: this folder."),
    _path("-o", "--sdists-repo", text="Source archives. Default: sdists-repo below -O."),
    _path("-w", "--wheels-repo", text="Wheels. Default: wheels-repo below -O."),
    _path("-t", "--work-dir", text="Records and logs. Default: work-dir below -O."),
    Shared(
        ("-c", "--constraints-file"),
        "Constraints, as pip reads them. May be repeated.",
        {"multiple": True, "metavar": "FILE"},
        variable="CONSTRAINTS_FILES",
        old_variables=("CONSTRAINTS_FILE",),
    ),
    _path("-p", "--patches-dir", text="Patches. Default: overrides/patches."),
    _path("--settings-file", text="Settings of all packages. Default: overrides/settings.yaml."),
    _path("--settings-dir", text="Settings of each package. Default: overrides/settings."),
    _path(
        "--variants-file",
        text="What names of variants stand for. Default: overrides/variants.yaml.",
    ),
    _path("-e", "--envs-dir", text="Deprecated: read by nothing; see `builder migrate-config`."),
    Shared(
        ("--variant",),
        "What to build for. Default: cpu. `bootstrap` takes several, each with an option of its "
        "own, and puts the results of each into a folder called like it.",
        {"metavar": "NAME", "multiple": True},
    ),
    Shared(
        ("--image",),
        "The base image, by name or as REGISTRY/NAME@sha256:…; default: the variant's.",
        {"metavar": "NAME"},
    ),
    Shared(
        ("--engine",),
        "The container engine. Default: auto.",
        {"type": click.Choice(["auto", "podman", "docker"])},
    ),
    Shared(
        ("-j", "--jobs"),
        "Jobs inside one build, for compilers.",
        {"type": click.IntRange(min=1)},
    ),
    Shared(
        ("--sdist-server-url", "--index-url"),
        "The index to ask. Repeat it to ask several, in this order: "
        "the first that knows a project serves it alone.",
        {"multiple": True, "metavar": "URL"},
    ),
    Shared(
        ("--build-wheel-server-url",),
        "Accepted for Fromager's sake: builds see the wheels of their plan, and need no server.",
        {"metavar": "URL"},
    ),
    Shared(
        ("--min-release-age",),
        "Use only releases that are at least so old. Default: 0, all.",
        {"type": click.IntRange(min=0), "metavar": "DAYS"},
    ),
    _path("--cache-dir", text="Images, store and scratch space."),
    _flag("--no-cache", text="Build everything, whatever the store holds."),
    _flag(
        "--cleanup/--no-cleanup",
        text="Whether the prepared source of each build goes when the build is over. "
        "--no-cleanup keeps a copy in work-dir/NAME-VERSION/. Default: --cleanup.",
    ),
    _flag(
        "--network-isolation/--no-network-isolation",
        text="Builds never have a network here: the first changes nothing, "
        "and the second is told to change nothing.",
    ),
    _path("--images-dir", text="Images of your own. Default: ./images."),
    Shared(
        ("--memory",),
        "Memory of one build.",
        {"type": click.FloatRange(min=0.25), "metavar": "GIB"},
    ),
    Shared(
        ("--timeout",),
        "Time for one build.",
        {"type": click.FloatRange(min=1), "metavar": "SECONDS"},
    ),
)

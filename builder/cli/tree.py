"""The tree of commands: what every command gets by being in it."""

from collections.abc import Callable
from functools import wraps
from textwrap import wrap
from typing import Any

import click

from builder.cli.options import SharedOption, attach_shared_options, given
from builder.cli.telling import listen, warn

_REFERENCE = "Shared options, which `builder --help` describes:"
_VERBATIM = "\b"
"""Tells click to leave the lines of a paragraph as they are: it would break names at hyphens."""
_WIDTH = 76


class CommandTree(click.Group):
    """The group at the root: it has the shared options, and whatever is added is equipped."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **attributes)
        _share(self)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        super().add_command(cmd, name)
        equip(cmd, (name or cmd.name or "",))


def equip(command: click.Command, path: tuple[str, ...]) -> None:
    """Gives a command, and those below it, shared options and variables for its own ones.

    Its own options keep their names where a shared option has the same one.
    """
    own = _share(command)
    _refer(command)
    for option in own:
        if isinstance(option, click.Option):
            _read_variables(option, path)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            equip(inner, (*path, name))
    elif command.callback is not None:
        command.callback = _heard(command.callback)


def variables(option: click.Option, path: tuple[str, ...]) -> list[str]:
    """The variables that stand in for an option of a command, the one that wins first."""
    long = [name.lstrip("-") for name in option.opts if name.startswith("--")]
    words = [*long, *(f"{name}s" for name in long if option.multiple)] or [option.name or ""]
    ends = dict.fromkeys("_".join((*path, one)).upper().replace("-", "_") for one in words)
    return [f"{prefix}_{end}" for prefix in ("BUILDER", "FROMAGER") for end in ends]


def _share(command: click.Command) -> list[click.Parameter]:
    own = [one for one in command.params if not isinstance(one, SharedOption)]
    taken = {name for one in own for name in (*one.opts, *one.secondary_opts)}
    carrier = click.Command(None)
    attach_shared_options(carrier, taken)
    command.params = [*own, *reversed(carrier.params)]
    return own


def _refer(command: click.Command) -> None:
    """Lets a command's help name the shared options, which only the root's help describes."""
    shared = [one for one in command.params if isinstance(one, SharedOption)]
    names = ", ".join(name for one in shared for name in (*one.opts, *one.secondary_opts))
    lines = wrap(f"{_REFERENCE} {names}.", _WIDTH, break_on_hyphens=False)
    before = (command.epilog or "").partition(_VERBATIM)[0].rstrip()
    reference = "\n".join([_VERBATIM, *lines])
    command.epilog = f"{before}\n\n{reference}" if before else reference


def _read_variables(option: click.Option, path: tuple[str, ...]) -> None:
    known = option.envvar or ()
    named = [known] if isinstance(known, str) else known
    option.envvar = [*dict.fromkeys([*named, *variables(option, path)])]


def _heard(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def run(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        shared = given(click.get_current_context())
        listen(shared.listening)
        for note in shared.notes:
            warn(note)
        return callback(*arguments, **named)

    return run

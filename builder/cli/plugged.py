"""Commands that installed packages bring: entry points of the group `builder.cli`."""

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from builder.cli.tree import CommandTree, equip
from builder.errors import PluginError

GROUP = "builder.cli"


class OpenCommandTree(CommandTree):
    """The root, with commands of others beside its own; one is loaded only when it is needed.

    Where one cannot be used, it alone says so.
    """

    def __init__(self, *arguments: Any, **attributes: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **attributes)
        self._loaded: dict[str, click.Command] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entries = _installed().get(cmd_name, ())
        if not entries:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self._loaded:
            self._loaded[cmd_name] = self._usable(cmd_name, entries)
        return self._loaded[cmd_name]

    def errors(self) -> Iterator[PluginError]:
        """What is wrong with the commands of others, each of which is loaded for this."""
        for name, entries in sorted(_installed().items()):
            try:
                _load(name, entries, is_taken=name in self.commands)
            except PluginError as error:
                yield error

    def _usable(self, name: str, entries: tuple[EntryPoint, ...]) -> click.Command:
        try:
            command = _load(name, entries, is_taken=name in self.commands)
        except PluginError as error:
            return _in_place_of(name, error)
        equip(command, (name,))
        return command


def _installed() -> Mapping[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in sorted(entry_points(group=GROUP), key=_place):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _load(name: str, entries: tuple[EntryPoint, ...], *, is_taken: bool) -> click.Command:
    first, *others = entries
    if is_taken:
        raise PluginError(
            f"{_place(first)} has the name of a command that is here already",
            hint="uninstall it, or give it another name",
        )
    if others:
        raise PluginError(
            f"several commands are called {name}: {', '.join(map(_place, entries))}",
            hint="uninstall all but one of them",
        )
    try:
        command: object = first.load()
    except (Exception, SystemExit) as error:
        said = (str(error).strip().splitlines() or [""])[-1]
        reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise PluginError(
            f"{_place(first)} cannot be loaded: {reason}", hint="--debug shows all of it"
        ) from error
    if not isinstance(command, click.Command):
        kind = type(command).__name__
        raise PluginError(
            f"{_place(first)} is no command, but a {kind}", hint="name a click.Command"
        )
    if command.name != name:
        raise PluginError(
            f"{_place(first)} is a command called {command.name!r}",
            hint=f'write @click.command("{name}"), or call the entry point as the command is',
        )
    return command


def _place(entry: EntryPoint) -> str:
    came = f", from {entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
    return f"{entry.name} = {entry.value} ({entry.group}{came})"


def _in_place_of(name: str, error: PluginError) -> click.Command:
    """A command that tells why the real one cannot be used, whatever it is given."""

    @click.command(
        name,
        short_help="Cannot be used: call it to see why.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def refuse() -> None:
        raise error

    return refuse

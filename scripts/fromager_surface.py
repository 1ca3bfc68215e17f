"""Fromager's command line, read from docs/reference/fromager-surface.yaml, beside builder's own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

SOURCE = Path(__file__).parent.parent / "docs" / "reference" / "fromager-surface.yaml"


@dataclass(frozen=True)
class KnownOption:
    """An option as Fromager's users write it."""

    written: str
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, those that turn it off as well."""
        return tuple(self.written.replace("/", ", ").split(", "))

    @property
    def long(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name.startswith("--"))


@dataclass(frozen=True)
class KnownCommand:
    """A command as Fromager's users write it; the empty path has the options of all."""

    path: tuple[str, ...]
    arguments: tuple[str, ...]
    options: tuple[KnownOption, ...]
    note: str = ""


def known_commands() -> tuple[KnownCommand, ...]:
    """The whole list, the options of all commands first."""
    read = yaml.safe_load(SOURCE.read_text())
    everywhere = KnownCommand((), (), _options(read["shared"]))
    return everywhere, *(_command(path, facts or {}) for path, facts in read["commands"].items())


def find(root: click.Command, path: tuple[str, ...]) -> click.Command | None:
    """The command at a path."""
    command: click.Command | None = root
    for name in path:
        command = command.commands.get(name) if isinstance(command, click.Group) else None
    return command


def options_by_name(command: click.Command) -> dict[str, click.Option]:
    """Every option of a command under each of its names."""
    options = (one for one in command.params if isinstance(one, click.Option))
    return {name: one for one in options for name in (*one.opts, *one.secondary_opts)}


def differences(root: click.Command, known: KnownCommand) -> Iterator[str]:
    """What of Fromager's command has no place here, a sentence each."""
    path = " ".join(("builder", *known.path))
    command = find(root, known.path)
    if command is None:
        yield f"there is no {path}"
        return
    own = [one for one in command.params if isinstance(one, click.Argument)]
    for place, argument in enumerate(known.arguments):
        if place >= len(own):
            yield f"{path} takes no {argument}"
        elif argument.endswith("...") and own[place].nargs != -1:
            yield f"{path} takes one {argument} only"
    names = options_by_name(command)
    yield from (
        f"{path} has no {name}" for one in known.options for name in one.long if name not in names
    )


def _command(path: str, facts: Mapping[str, Any]) -> KnownCommand:
    return KnownCommand(
        tuple(path.split()),
        tuple(facts.get("arguments", ())),
        _options(facts.get("options", {})),
        facts.get("note", ""),
    )


def _options(facts: Mapping[str, str | None]) -> tuple[KnownOption, ...]:
    return tuple(KnownOption(written, note or "") for written, note in facts.items())

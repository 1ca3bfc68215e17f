"""What is said when a command line makes no sense: what is wrong, and what was perhaps meant."""

import os
from collections.abc import Iterator
from difflib import get_close_matches

import click
from click.core import ParameterSource
from click.exceptions import NoSuchCommand

from builder.errors import BuilderError, InputError


def explained(error: click.ClickException) -> BuilderError:
    """Click's error in our form."""
    if not isinstance(error, click.UsageError) or error.ctx is None:
        hint = "`--help` behind a command's name says what it takes"
        return InputError(_as_clause(error.format_message()), hint=hint)
    does = "lists its commands" if isinstance(error, NoSuchCommand) else "says what it takes"
    hint = " ".join([*_guesses(error, error.ctx), f"`{error.ctx.command_path} --help` {does}"])
    return InputError(_said(error, error.ctx), hint=hint)


def _said(error: click.UsageError, click_context: click.Context) -> str:
    path = click_context.command_path
    match error:
        case click.NoSuchOption():
            return f"{path} has no option {error.option_name}"
        case NoSuchCommand():
            return f"{path} has no command {error.command_name}"
        case click.MissingParameter(param=click.Parameter() as parameter):
            return f"{path} needs {_shown(parameter, click_context)}"
        case click.BadParameter(param=click.Parameter() as parameter):
            return f"{_shown(parameter, click_context)}: {_as_clause(error.message)}"
        case _:
            return f"{path}: {_as_clause(error.format_message())}"


def _guesses(error: click.UsageError, click_context: click.Context) -> Iterator[str]:
    match error:
        case click.NoSuchOption():
            options = (one for one in click_context.command.params if isinstance(one, click.Option))
            names = [name for one in options for name in (*one.opts, *one.secondary_opts)]
            for name in get_close_matches(error.option_name, names, n=1):
                yield f"did you mean {name}?"
        case NoSuchCommand():
            root = click_context.find_root()
            paths = {path.split()[-1]: path for path in _paths(root.command, root.command_path)}
            paths |= {
                name: f"{click_context.command_path} {name}" for name in _inner(click_context)
            }
            for name in get_close_matches(error.command_name, paths, n=1):
                yield f"did you mean `{paths[name]}`?"
        case click.BadParameter(param=click.Option() as option):
            source = click_context.get_parameter_source(option.name or "")
            if source is ParameterSource.ENVIRONMENT:
                yield f"the value comes from the variable {_variable(option)};"
        case _:
            return


def _paths(command: click.Command, path: str) -> Iterator[str]:
    yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _paths(inner, f"{path} {name}")


def _inner(click_context: click.Context) -> list[str]:
    command = click_context.command
    return list(command.commands) if isinstance(command, click.Group) else []


def _shown(parameter: click.Parameter, click_context: click.Context) -> str:
    if isinstance(parameter, click.Option):
        return "/".join(parameter.opts)
    return parameter.make_metavar(click_context).strip("[].")


def _variable(option: click.Option) -> str:
    named = option.envvar or ()
    known = [named] if isinstance(named, str) else named
    return next((name for name in known if os.environ.get(name)), "")


def _as_clause(sentence: str) -> str:
    """Click's sentence as it goes on behind a colon."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")

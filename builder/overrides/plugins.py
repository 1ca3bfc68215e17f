"""Finds installed plugins, loads them, and holds their functions against the fixed signatures.

Plugins are the operator's own code: loading one runs it.
"""

import difflib
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

from packaging.utils import NormalizedName

from builder.overrides.names import project_of
from builder.overrides.problems import Problem
from builder.plugins.decisions import DECISIONS, FROMAGER_NAMES
from builder.plugins.hooks import HOOKS

OVERRIDES = "builder.overrides"
FOREIGN_OVERRIDES = "fromager.project_overrides"
HOOK_GROUP = "builder.hooks"
FOREIGN_HOOKS = "fromager.hooks"
PORTING = "docs/how-to/write-a-plugin.md shows what stands here for each function of Fromager's"

Function = Callable[..., object]


@dataclass(frozen=True)
class Plugin:
    """A plugin that was loaded and checked.

    Attributes:
        place: how it is called in messages.
        functions: by the name of the decision.
    """

    place: str
    functions: Mapping[str, Function] = field(default_factory=dict)


@dataclass(frozen=True)
class Hook:
    """A function that hears of something; `place` is how it is called in messages."""

    place: str
    function: Function


def place_of(entry: EntryPoint) -> str:
    """How an entry point is called in messages: with what installed it, where that is known."""
    came = f", from {entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
    return f"{entry.name} = {entry.value} ({entry.group}{came})"


def by_project(entries: Iterable[EntryPoint]) -> dict[NormalizedName, EntryPoint]:
    """The plugin of each project; one of ours goes before one of Fromager's."""
    ordered = sorted(entries, key=lambda it: (it.group == OVERRIDES, it.name, it.value))
    return {project_of(entry.name): entry for entry in ordered}


def load_plugins(
    entries: Iterable[EntryPoint],
) -> tuple[dict[NormalizedName, Plugin], tuple[Problem, ...]]:
    """Loads the plugins that are written for this program; those of Fromager's are left alone."""
    plugins: dict[NormalizedName, Plugin] = {}
    problems: list[Problem] = []
    for entry in sorted(entries, key=lambda it: (it.name, it.value)):
        if entry.group != OVERRIDES:
            continue
        project = project_of(entry.name)
        if project in plugins:
            problems.append(_second(entry, plugins[project]))
            continue
        found = _loaded(entry)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        problems.extend(_decision_problems(entry, found))
        plugins[project] = Plugin(place_of(entry), _decisions(found))
    return plugins, tuple(problems)


def load_hooks(
    entries: Iterable[EntryPoint],
) -> tuple[dict[str, tuple[Hook, ...]], tuple[Problem, ...]]:
    """Loads the functions that hear of something, in a fixed order for each hook."""
    hooks: dict[str, tuple[Hook, ...]] = {}
    problems: list[Problem] = []
    for entry in sorted(
        entries, key=lambda it: (it.name, it.dist.name if it.dist else "", it.value)
    ):
        place = f"entry point {place_of(entry)}"
        if entry.name not in HOOKS:
            problems.append(
                Problem(place, "there is no such hook", hint=_likely(entry.name, HOOKS))
            )
            continue
        found = _loaded(entry)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        wrong = signature_problem(place, entry.name, found, HOOKS[entry.name])
        if wrong is not None:
            problems.append(wrong)
        elif callable(found):
            hook = Hook(place_of(entry), found)
            hooks[entry.name] = (*hooks.get(entry.name, ()), hook)
    return hooks, tuple(problems)


def signature_problem(place: str, name: str, function: object, protocol: type) -> Problem | None:
    """What is wrong with how a function may be called; None where nothing is."""
    right = shown_signature(name, protocol)
    if not callable(function):
        return Problem(place, f"{name} is no function", hint=f"write {right}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return Problem(place, f"nobody can tell how {name} is called", hint=f"write {right}")
    if _parameters(signature) == _parameters(_signature(protocol)):
        return None
    given = ", ".join(str(it.replace(annotation=it.empty)) for it in signature.parameters.values())
    return Problem(place, f"{name}({given}) has the wrong parameters", hint=f"write {right}")


def shown_signature(name: str, protocol: type) -> str:
    """The first line of a function as it must be, with its types."""
    signature = _signature(protocol)
    # Without the modules: the types have different names.
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", f"def {name}{signature}")


def _signature(protocol: type) -> inspect.Signature:
    signature = inspect.signature(vars(protocol)["__call__"])
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _parameters(signature: inspect.Signature) -> list[tuple[str, bool]]:
    """Each by its name, and whether it can be given by that."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return sorted((it.name, it.kind in by_name) for it in signature.parameters.values())


def _loaded(entry: EntryPoint) -> object:
    try:
        found: object = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the operator's code raises
        said = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {said[-1]}" if said else type(error).__name__
        return Problem(f"entry point {place_of(entry)}", f"cannot be loaded: {reason}")
    return found


def _decisions(plugin: object) -> dict[str, Function]:
    found = {name: getattr(plugin, name, None) for name in DECISIONS}
    return {name: function for name, function in found.items() if callable(function)}


def _decision_problems(entry: EntryPoint, plugin: object) -> Iterator[Problem]:
    place = f"entry point {place_of(entry)}"
    decided = [name for name in DECISIONS if hasattr(plugin, name)]
    for name in decided:
        wrong = signature_problem(place, name, getattr(plugin, name), DECISIONS[name])
        if wrong is not None:
            yield wrong
    strangers = [name for name in _public(plugin) if name not in DECISIONS]
    for name in strangers:
        likely = FROMAGER_NAMES.get(name) or _closest(name)
        if likely:
            right = shown_signature(likely, DECISIONS[likely])
            text = f"there is no decision {name}, which nothing would call"
            if name in FROMAGER_NAMES:
                text = f"{name} is a function of Fromager's plugins, which nothing calls here"
            yield Problem(place, text, hint=f"write {right}")
    if not decided:
        names = ", ".join(DECISIONS)
        yield Problem(place, "it decides nothing", hint=f"write one of {names}")


def _public(plugin: object) -> list[str]:
    """The functions that a plugin brings itself: not what its module has from others."""
    if not isinstance(plugin, types.ModuleType):
        return [
            it for it in dir(plugin) if not it.startswith("_") and callable(getattr(plugin, it))
        ]
    return [
        name
        for name, value in sorted(vars(plugin).items())
        if not name.startswith("_")
        and isinstance(value, types.FunctionType)
        and value.__module__ == plugin.__name__
    ]


def _closest(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name, DECISIONS, n=1, cutoff=0.8)), None)


def _likely(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"the hooks are {', '.join(names)}"


def _second(entry: EntryPoint, first: Plugin) -> Problem:
    return Problem(
        f"entry point {place_of(entry)}",
        f"{first.place} is for the same project",
        hint="uninstall one of them: two cannot decide the same",
    )

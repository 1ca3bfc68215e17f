"""Plugins are loaded once, and held to the signatures that they are called with."""

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from builder.overrides.plugins import (
    HOOK_GROUP,
    OVERRIDES,
    by_project,
    load_hooks,
    load_plugins,
    shown_signature,
)
from builder.plugins.decisions import DECISIONS, FROMAGER_NAMES
from builder.plugins.hooks import HOOKS

SOUND = """
def environment(package, source, usual): return {}
class Decider:
    def build_wheel(self, package, source, commands): ...
decider = Decider()
"""


@pytest.fixture(autouse=True)
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def plugin(folder: Path, text: str, name: str = "demo", attribute: str = "") -> EntryPoint:
    (folder / f"{name}_plugin.py").write_text(text)
    return EntryPoint(name, f"{name}_plugin{attribute}", OVERRIDES)


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    found = load_plugins([plugin(folder, text)])[1]
    return [(one.text, one.hint) for one in found]


def test_modules_and_objects_are_plugins(tmp_path: Path) -> None:
    module = plugin(tmp_path, SOUND)
    one = plugin(tmp_path, SOUND, "other", ":decider")

    found, wrong = load_plugins([module, one])

    assert wrong == ()
    assert {name: [*it.functions] for name, it in found.items()} == {
        "demo": ["environment"],
        "other": ["build_wheel"],
    }
    assert found[next(iter(found))].place == "demo = demo_plugin (builder.overrides)"


WRONG = {
    "missing": "def environment(package, source): ...",
    "renamed": "def environment(package, source, variables): ...",
    "extra": "def environment(package, source, usual, more=1): ...",
    "by position alone": "def environment(package, source, usual, /): ...",
    "collecting": "def environment(**named): ...",
    "no function": "environment = {}",
    "a class in place of its object": "class environment:\n    def __init__(self, ctx): ...",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_signature_is_refused_with_the_right_one(what: str, tmp_path: Path) -> None:
    ((text, hint),) = problems(tmp_path, WRONG[what])

    assert text.startswith("environment")
    assert hint == (
        "write def environment(package: Package, source: Source, usual: Mapping[str, str])"
        " -> Mapping[str, str]"
    )


def test_named_parameters_may_stand_in_any_order(tmp_path: Path) -> None:
    assert problems(tmp_path, "def environment(*, usual, source, package): ...") == []


def test_the_wrong_signature_is_shown(tmp_path: Path) -> None:
    ((text, _),) = problems(tmp_path, "def prepare_source(ctx: object, req=None, *rest): ...")

    assert text == "prepare_source(ctx, req=None, *rest) has the wrong parameters"


def test_names_of_fromager_lead_to_ours(tmp_path: Path) -> None:
    ((text, hint),) = problems(
        tmp_path, f"{SOUND}def update_extra_environ(ctx, req, version): ...\n"
    )

    assert (
        text == "update_extra_environ is a function of Fromager's plugins, which nothing calls here"
    )
    assert hint.startswith("write def environment(package: Package,")
    assert set(FROMAGER_NAMES.values()) <= set(DECISIONS)


def test_names_that_are_nearly_right_lead_to_the_right_one(tmp_path: Path) -> None:
    ((text, hint),) = problems(tmp_path, f"{SOUND}def wheel_metadatas(package, source): ...\n")

    assert text == "there is no decision wheel_metadatas, which nothing would call"
    assert hint.startswith("write def wheel_metadata(")


def test_functions_of_a_plugins_own_are_its_own_business(tmp_path: Path) -> None:
    own = "from os.path import join\ndef _environments(): ...\ndef helper(x): ...\n"

    assert problems(tmp_path, SOUND + own) == []


def test_a_plugin_that_decides_nothing_is_refused(tmp_path: Path) -> None:
    ((text, hint),) = problems(tmp_path, "x = 1")

    assert text == "it decides nothing"
    assert hint == f"write one of {', '.join(DECISIONS)}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such", "cannot be loaded: ModuleNotFoundError: No module named 'no_such'"),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("raise ValueError", "cannot be loaded: ValueError"),
        ("raise ValueError('a\\nb')", "cannot be loaded: ValueError: b"),
        ("(", "cannot be loaded: SyntaxError: '(' was never closed (demo_plugin.py, line 1)"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_told_in_one_line(
    text: str, reason: str, tmp_path: Path
) -> None:
    found = load_plugins([plugin(tmp_path, text)])[1]

    assert [str(one) for one in found] == [
        f"entry point demo = demo_plugin (builder.overrides): {reason}"
    ]


def test_two_plugins_of_one_project_are_refused(tmp_path: Path) -> None:
    first = plugin(tmp_path, SOUND)
    second = EntryPoint("Demo", "demo_plugin:decider", OVERRIDES)

    (found,) = load_plugins([first, second])[1]

    assert found.text == "Demo = demo_plugin:decider (builder.overrides) is for the same project"


def test_plugins_of_fromager_are_not_loaded() -> None:
    foreign = EntryPoint("demo", "no.such.module", "fromager.project_overrides")

    assert load_plugins([foreign]) == ({}, ())


def test_a_plugin_of_ours_goes_before_one_of_fromager() -> None:
    foreign = EntryPoint("a", "z", "fromager.project_overrides")
    ours = EntryPoint("a", "a", OVERRIDES)

    assert [*by_project([ours, foreign]).values()] == [ours]
    assert [*by_project([foreign]).values()] == [foreign]


def test_hooks_are_loaded_in_a_fixed_order(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text("def first(built): ...\ndef second(built): ...\n")
    entries = [EntryPoint("post_build", f"hooks:{it}", HOOK_GROUP) for it in ("second", "first")]

    found, wrong = load_hooks(entries)

    assert wrong == ()
    assert [hook.place for hook in found["post_build"]] == [
        "post_build = hooks:first (builder.hooks)",
        "post_build = hooks:second (builder.hooks)",
    ]


def test_a_hook_is_held_to_its_name_and_signature(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text("def post_build(ctx, req): ...\n")
    entries = [EntryPoint(it, "hooks:post_build", HOOK_GROUP) for it in ("post_build", "postbuild")]

    found, wrong = load_hooks(entries)

    assert found == {}
    assert [(one.text, one.hint) for one in wrong] == [
        (
            "post_build(ctx, req) has the wrong parameters",
            "write def post_build(built: BuiltWheel) -> None",
        ),
        ("there is no such hook", "did you mean 'post_build'?"),
    ]


def test_the_examples_of_the_guide_are_plugins(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/how-to/write-a-plugin.md").read_text()
    decides, hears, commands = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "hears.py").write_text(hears)

    found, wrong = load_plugins([plugin(tmp_path, decides)])
    hooks, wrong_hooks = load_hooks(EntryPoint(it, f"hears:{it}", HOOK_GROUP) for it in HOOKS)

    assert (wrong, wrong_hooks) == ((), ())
    assert [[*one.functions] for one in found.values()] == [[*DECISIONS]]
    assert {*hooks} == {*HOOKS}
    compile(commands, "commands", "exec")


@pytest.mark.parametrize("name", [*DECISIONS, *HOOKS])
def test_every_signature_can_be_written_as_it_is_shown(name: str) -> None:
    shown = shown_signature(name, {**DECISIONS, **HOOKS}[name])

    compile(f"{shown}: ...", name, "exec")

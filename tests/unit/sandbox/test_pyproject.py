"""Build requirements are changed as Fromager's users mean it, and the rest of the file stays."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sandbox.agent import load

pyproject = load("pyproject")

CHANGES = {
    "setuptools is always there": (["a"], {}, ["x"], ["a", "setuptools"]),
    "setuptools with a version has a plain one beside it": (
        ["setuptools>=77"],
        {"a": ["a"]},
        [],
        ["a", "setuptools", "setuptools>=77"],
    ),
    "setuptools can be removed": (["setuptools>=77", "a"], {}, ["setuptools"], ["a"]),
    "setuptools can be updated": (
        ["a"],
        {"setuptools": ["setuptools<80"]},
        [],
        ["a", "setuptools<80"],
    ),
    "an update replaces every entry of a project": (
        ["ninja; python_version<'3'", "Ninja>1"],
        {"ninja": ["ninja==1.11"]},
        ["setuptools"],
        ["ninja==1.11"],
    ),
    "an update can have several entries": (
        ["a"],
        {"a": ["a>2; python_version>='3.12'", "a<2; python_version<'3.12'"]},
        ["setuptools"],
        ["a<2; python_version<'3.12'", "a>2; python_version>='3.12'"],
    ),
    "what is updated and removed is updated": (["a"], {"a": ["a>1"]}, ["a", "setuptools"], ["a>1"]),
    "names are compared as canonical": (["A_b.C[x]>=1", "d"], {}, ["a-b-c", "setuptools"], ["d"]),
    "a URL has a name, too": (
        ["a @ https://host.example/a.zip"],
        {"a": ["a"]},
        ["setuptools"],
        ["a"],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_of_the_requirements(what: str) -> None:
    requires, update, remove, expected = CHANGES[what]

    assert pyproject.new_requires(requires, update, remove) == expected


FILE = """\
# The first line.
[project]  # what it is
name = "x"
authors = [{name = "Ä"}]

[build-system]
# Needed to build.
requires = ["a", "setuptools"]  # these
build-backend = "b:c"

[tool.two]
z = nan
a = 1.0
when = 2020-01-01

[[tool.list]]
x = '''
raw'''
"""


def test_comments_and_order_of_everything_else_are_kept() -> None:
    changed = pyproject.changed_text(FILE, {"b": ["b>1"]}, ["a"])

    assert changed == FILE.replace(
        'requires = ["a", "setuptools"]', 'requires = [\n    "b>1",\n    "setuptools",\n]'
    )


def test_a_file_that_asks_for_the_same_in_another_order_is_left_alone() -> None:
    text = '[build-system]\nrequires = ["z", "setuptools", "a" ]'

    assert pyproject.changed_text(text, {"a": ["a"]}, ["x"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        '[project]\nname = "x"',
        "[[tool.x]]\na = 1\n[[tool.x]]\na = 2",
        "[build-system]\n",
        '[build-system]\nbuild-backend = "b"',
        'build-system = {requires = ["x"], build-backend = "b"}',
        'build-system.requires = ["x"]\nname.x = 1',
        "[tool.a]\nx = 1\n[build-system]\nrequires = []\n[tool.b]\ny = 1\n[tool.a.c]\nz = 1",
        '[build-system]\r\nrequires = [\r\n  "x",\r\n]\r\n',
        '["build-system"]\n"requires" = ["x"] # why',
    ],
)
def test_whatever_the_file_looks_like_nothing_else_changes(text: str) -> None:
    before = tomllib.loads(text)

    after = tomllib.loads(pyproject.changed_text(text, {"b": ["b"]}, []))

    wanted = sorted({*before.get("build-system", {}).get("requires", []), "b", "setuptools"})
    assert after.pop("build-system") == {**before.pop("build-system", {}), "requires": wanted}
    assert after == before


@given(
    st.lists(st.sampled_from(["a", "B>1", "c; python_version<'3'", "setuptools"]), unique=True),
    st.dictionaries(st.sampled_from(["a", "b", "d"]), st.just(["x"])),
    st.lists(st.sampled_from(["a", "c", "setuptools"])),
)
def test_what_was_changed_once_is_not_changed_again(
    requires: list[str], update: dict[str, list[str]], remove: list[str]
) -> None:
    update = {name: [f"{name}==1"] for name in update}
    text = f"[build-system]\nrequires = {requires}\n"

    once = pyproject.changed_text(text, update, remove)

    assert pyproject.changed_text(once, update, remove) == once


UNUSABLE = {
    "no TOML": b"[build-system\n",
    "no text": b"\xff",
    "a table that is none": b"build-system = 1\n",
    "requires that is no list": b'[build-system]\nrequires = "x"\n',
    "requirements that are none": b"[build-system]\nrequires = [1]\n",
    "deep nesting": b"a = " + b"[" * 10_000,
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_file_is_refused_for(what: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(UNUSABLE[what])

    with pytest.raises(pyproject.UnusablePyprojectError, match=r"pyproject\.toml is not valid"):
        pyproject.change(str(tmp_path), {"a": ["a"]}, [])


def test_a_missing_file_is_made_without_a_backend(tmp_path: Path) -> None:
    pyproject.change(str(tmp_path), {"cython": ["Cython<3"]}, [])

    text = (tmp_path / "pyproject.toml").read_text()
    assert text == '[build-system]\nrequires = [\n    "Cython<3",\n    "setuptools",\n]\n'


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.x]\n")
    (tmp_path / "inner/pyproject.toml").symlink_to("../pyproject.toml")

    pyproject.change(str(tmp_path / "inner"), {"a": ["a"]}, [])

    assert (tmp_path / "pyproject.toml").read_text() == "[tool.x]\n"
    assert "[tool.x]" in (tmp_path / "inner/pyproject.toml").read_text()
    assert not (tmp_path / "inner/pyproject.toml").is_symlink()


@pytest.mark.parametrize("target", [None, "missing", "."])
def test_what_is_no_file_is_refused(target: str | None, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    if target is None:
        file.mkdir()
    else:
        file.symlink_to(target)

    with pytest.raises(pyproject.UnusablePyprojectError, match="is no file"):
        pyproject.change(str(tmp_path), {"a": ["a"]}, [])

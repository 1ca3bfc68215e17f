"""What a source that no index named says of itself is read, or is a reason not to use it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.prepare.identity import Identity, look_task, read_identity
from builder.prepare.task import UnusableSource


def answer(**said: object) -> bytes:
    fields = {"status": "seen", "pyproject": None, "pkg_info": None, "setup_cfg": None}
    return json.dumps(fields | said).encode()


def told(identity: Identity) -> tuple[str | None, str | None]:
    return identity.name, str(identity.version) if identity.version else None


PROJECT = '[project]\nname = "A.Project"\n'
POETRY = '[tool.poetry]\nname = "poem"\nversion = "0.2"\n'
SETUP = "[metadata]\nname = some_setup\n"


def test_the_order_names_the_archive() -> None:
    assert look_task("source.tar.gz", "python") == {
        "action": "look",
        "archive": "source.tar.gz",
        "build_dir": "python",
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (None, None)),
        ({"pyproject": PROJECT + 'version = "1.2"\n'}, ("a-project", "1.2")),
        ({"pyproject": PROJECT + 'dynamic = ["version"]\n'}, ("a-project", None)),
        ({"pyproject": POETRY}, ("poem", "0.2")),
        ({"pyproject": PROJECT + POETRY}, ("a-project", None)),
        ({"pyproject": "[project]\nname = 1\nversion = 2\n"}, (None, None)),
        ({"pyproject": "project = 1\ntool = 2\n"}, (None, None)),
        ({"setup_cfg": SETUP + "version = 3\n"}, ("some-setup", "3")),
        ({"setup_cfg": SETUP + "version = attr: a.b\n"}, ("some-setup", None)),
        ({"setup_cfg": SETUP + "version = file: V\n"}, ("some-setup", None)),
        ({"setup_cfg": "no sections"}, (None, None)),
        ({"pkg_info": "Name: from-info\nVersion: 4\n", "pyproject": PROJECT}, ("from-info", "4")),
    ],
)
def test_the_first_file_that_states_it_counts(
    said: dict[str, object], expected: tuple[str | None, str | None]
) -> None:
    assert told(read_identity(answer(**said))) == expected


@pytest.mark.parametrize(
    ("given_answer", "reason"),
    [
        (answer(pyproject="[project"), "pyproject.toml is not valid"),
        (answer(pyproject=PROJECT + 'version = "one"\n'), "of itself: Invalid version"),
        (answer(setup_cfg="[metadata]\nname = -x\n"), "of itself: name is invalid"),
        (answer(more="x"), "no usable result"),
        (b'{"status": "refused", "reason": "holds a device"}', "the source holds a device"),
        (b'{"status": "broken"}', "the source could not be read"),
        (b"[]", "no usable result"),
        (b"{", "no usable result"),
        (b"[" * 100_000, "no usable result"),
        (answer(pyproject="a = " + "[" * 100_000), "pyproject.toml is not valid"),
    ],
)
def test_what_cannot_be_used_is_told(given_answer: bytes, reason: str) -> None:
    with pytest.raises(UnusableSource, match=reason):
        read_identity(given_answer)


@given(st.dictionaries(st.sampled_from(["pyproject", "pkg_info", "setup_cfg"]), st.text()))
def test_no_text_makes_it_fail_otherwise(said: dict[str, object]) -> None:
    with suppress(UnusableSource):
        read_identity(answer(**said))

"""Templates of environment variables come to what a shell would make of them, or to an error."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.overrides.environment import (
    MAX_LENGTH,
    MAX_NESTING,
    Known,
    MalformedTemplateError,
    UnusableVariableError,
    Variable,
    expanded,
    let_in,
    parse_template,
)

OWN = {"PATH": "/env/bin:/bin", "EMPTY": "", "JOBS": "4", "__version__": "1.2.3"}
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


def expand(*lines: tuple[str, str], host: Mapping[str, str] | None = None) -> dict[str, str]:
    return expanded([Variable(*line) for line in lines], Known(OWN, host or {}))


def value(text: str) -> str:
    return expand(("A", text))["A"]


def refusal(*lines: tuple[str, str], known: Known | None = None) -> UnusableVariableError:
    with pytest.raises(UnusableVariableError) as caught:
        expanded([Variable(*line) for line in lines], known or Known(OWN, {}))
    return caught.value


MEANINGS = {
    "": "",
    "plain text: with {braces} and }": "plain text: with {braces} and }",
    "$PATH": "/env/bin:/bin",
    "${PATH}": "/env/bin:/bin",
    "/opt/x/bin:$PATH": "/opt/x/bin:/env/bin:/bin",
    "$JOBS.0-$JOBS": "4.0-4",
    "${JOBS}0": "40",
    "v${__version__}": "v1.2.3",
    "$__version__": "1.2.3",
    "$$": "$",
    "$$$$": "$$",
    "$$JOBS": "$JOBS",
    "$${JOBS}": "${JOBS}",
    "$$$JOBS": "$4",
    "$$(id)": "$(id)",
    "-Wl,-rpath,$$ORIGIN": "-Wl,-rpath,$ORIGIN",
    "$EMPTY": "",
    "${EMPTY}x": "x",
    "${NONE:-}": "",
    "${NONE:-x}": "x",
    "${EMPTY:-x}": "x",
    "${JOBS:-x}": "4",
    "${NONE:-a:b:-c}": "a:b:-c",
    "${NONE:-{a: {b}}}": "{a: {b}}",
    "${NONE:-{}}}": "{}}",
    "${NONE:-${PATH}}": "/env/bin:/bin",
    "${NONE:-${EMPTY:-${JOBS}}}": "4",
    "${NONE:-$JOBS/${NEITHER:-y}}z": "4/yz",
    "${NONE:-$$JOBS}": "$JOBS",
    "${JOBS:-$NONE}": "4",
    "${NONE:-  two words }": "  two words ",
    "größe ${JOBS}": "größe 4",
}


@pytest.mark.parametrize("text", MEANINGS)
def test_a_template_comes_to(text: str) -> None:
    assert value(text) == MEANINGS[text]


MALFORMED = {
    "$(id)": "`$(` would run a command",
    "${NONE:-$(id)}": "`$(` would run a command",
    "a$": "character 2: write a plain $ as $$",
    "$1": "character 1: write a plain $ as $$",
    "$ x": "character 1: write a plain $ as $$",
    "$ä": "character 1: write a plain $ as $$",
    "${": "character 1: write ${NAME} or ${NAME:-default}",
    "${}": "character 1: write ${NAME} or ${NAME:-default}",
    "${A": "character 1: write ${NAME} or ${NAME:-default}",
    "x${A-b}": "character 2: write ${NAME} or ${NAME:-default}",
    "${A:=b}": "character 1: write ${NAME} or ${NAME:-default}",
    "${A:+b}": "character 1: write ${NAME} or ${NAME:-default}",
    "${A:?b}": "character 1: write ${NAME} or ${NAME:-default}",
    "${A:-b": "the default at character 6 has no closing brace",
    "${A:-{b}": "the default at character 6 has no closing brace",
    "${A:-" * 40 + "}" * 40: "too deep",
}


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(MalformedTemplateError) as caught:
        parse_template(text)

    assert MALFORMED[text] in str(caught.value)


def test_each_value_is_visible_further_down() -> None:
    assert expand(("A", "a"), ("B", "$A$A"), ("A", "$A-$B"), ("C", "$A")) == {
        "A": "a-aa",
        "B": "aa",
        "C": "a-aa",
    }


def test_a_value_is_not_read_as_a_template_again() -> None:
    assert expand(("A", "$${JOBS}"), ("B", "$A ${A:-x}"))["B"] == "${JOBS} ${JOBS}"


def test_what_stands_above_wins_over_the_builds_own_and_that_over_the_hosts() -> None:
    host = {"PATH": "/host", "TOKEN": "secret"}

    assert expand(("A", "$PATH $TOKEN"), host=host)["A"] == "/env/bin:/bin secret"
    assert expand(("PATH", "/x"), ("A", "$PATH"), host=host)["A"] == "/x"


def test_a_name_that_means_nothing_is_told_with_what_may_have_been_meant() -> None:
    near = refusal(("CFLAGS", "-O2"), ("B", "$CFLAG"))
    far = refusal(("A", "${ZZZZZZ}"))

    assert str(near) == "CFLAG means nothing here"
    assert near.variable.name == "B"
    assert near.hint == "did you mean CFLAGS?"
    assert "${ZZZZZZ:-…}" in far.hint
    assert "keep_env" in far.hint


def test_a_variable_of_the_host_that_is_not_let_in_is_told_as_such() -> None:
    known = Known(OWN, {}, frozenset({"TOKEN"}))

    error = refusal(("A", "$TOKEN"), known=known)

    assert error.hint.startswith("let it in from this host")
    assert expanded([Variable("A", "${TOKEN:-none}")], known) == {"A": "none"}


def test_a_version_that_nobody_knows_yet_means_nothing() -> None:
    error = refusal(("A", "$__version__"), known=Known({}, {}))

    assert "${__version__:-…}" in error.hint


def test_a_name_is_no_use_before_it_is_set() -> None:
    assert str(refusal(("A", "$B"), ("B", "b"))) == "B means nothing here"
    assert str(refusal(("A", "$A"))) == "A means nothing here"


def test_values_cannot_grow_without_bound() -> None:
    lines = [("A", "x" * 1000), *[("A", "$A$A")] * 100]

    assert "longer than" in str(refusal(*lines))
    assert "longer than" in str(refusal(("A", "x" * (MAX_LENGTH - 1))))
    assert len(value("x" * (MAX_LENGTH - 2))) == MAX_LENGTH - 2


def test_a_value_of_the_host_that_is_no_text_is_refused() -> None:
    known = Known({}, {"NAME": "\udcff"})

    assert str(refusal(("A", "$NAME"), known=known)) == "its value is no UTF-8"


def test_neither_errors_nor_values_in_print_show_what_the_host_has() -> None:
    known = Known({"OWN": "s3cret"}, {"TOKEN": "s3cret"})

    assert "s3cret" not in repr(known)
    assert "s3cret" not in str(refusal(("A", "$TOKEN"), ("B", "$A$NONE"), known=known))


@given(st.text(max_size=60))
def test_any_text_can_be_said(text: str) -> None:
    said = text.replace("$", "$$")

    assert expanded([Variable("A", said)], Known({}, {})) == {"A": text}


@given(st.text(alphabet="${}:-(aA \n", max_size=40))
def test_every_text_is_a_template_or_refused_in_words(text: str) -> None:
    with suppress(MalformedTemplateError, UnusableVariableError):
        expanded([Variable("X", text)], Known({"a": "1", "A": ""}, {}))


@given(NAMES, st.text(alphabet="ab:-{} ", max_size=20), st.sampled_from(["", "set"]))
def test_a_default_stands_in_for_what_is_missing_or_empty(
    name: str, default: str, there: str
) -> None:
    balanced = f"{{{default.replace('{', '').replace('}', '')}}}"

    found = expanded([Variable("X", f"${{{name}:-{balanced}}}")], Known({name: there}, {}))

    assert found["X"] == (there or balanced)


@given(st.integers(0, MAX_NESTING - 1))
def test_defaults_may_stand_in_defaults(depth: int) -> None:
    assert value("${NONE:-" * depth + "x" + "}" * depth) == "x"


HOST = {
    "AWS_KEY": "1",
    "AWS_SECRET": "2",
    "aws_key": "3",
    "CI": "4",
    "A-B": "5",
    "ÄWS": "6",
    "": "7",
}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], set()),
        (["CI"], {"CI"}),
        (["ci", "C"], set()),
        (["AWS_*"], {"AWS_KEY", "AWS_SECRET"}),
        (["AWS_KEY*", "CI*"], {"AWS_KEY", "CI"}),
        (["A*"], {"AWS_KEY", "AWS_SECRET"}),
    ],
)
def test_only_names_that_are_listed_come_in_from_the_host(
    patterns: list[str], names: set[str]
) -> None:
    assert set(let_in(HOST, patterns)) == names

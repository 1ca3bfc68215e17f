"""What is meant by a name that somebody typed."""

import pytest

from builder.errors import InputError
from builder.graphs.naming import releases_named
from tests.facts import pin
from tests.graphs import edge, graph

GRAPH = graph(edge("", "Some.Lib==1"), edge("", "some-lib==2"), edge("", "other==1"))


def test_a_name_may_be_spelled_in_any_way() -> None:
    assert releases_named(GRAPH, "some_LIB") == (pin("some-lib==1"), pin("some-lib==2"))


def test_a_version_may_be_spelled_in_any_way() -> None:
    assert releases_named(GRAPH, "some-lib", ["2.0"]) == (pin("some-lib==2"),)


@pytest.mark.parametrize(
    ("name", "versions", "words"),
    [
        ("som-lib", [], "did you mean some-lib"),
        ("zzz", [], "it holds 2 packages"),
        ("some-lib", ["3"], "it holds 1, 2"),
        ("some-lib", ["x"], "such as 1.2.3"),
    ],
    ids=["a slip", "nonsense", "another version", "no version"],
)
def test_what_is_not_there_is_refused_with_what_is(
    name: str, versions: list[str], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        releases_named(GRAPH, name, versions)

    assert words in caught.value.hint

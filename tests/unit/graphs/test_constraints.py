"""One version of everything that is installed, or who stands against it."""

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.graph import Dependency
from builder.graphs.acceptance import accepts
from builder.graphs.constraints import Agreement, Conflict, agree, constraints_file
from builder.graphs.duplicates import versions_by_name
from tests.facts import pin
from tests.graphs import edge, graph


def text(*edges: Dependency) -> str:
    found = agree(graph(*edges))
    assert isinstance(found, Agreement)
    return constraints_file(found)


def test_what_is_there_once_is_taken() -> None:
    assert (
        text(
            edge("", "app==1"),
            edge("app==1", "lib==2", "install"),
            edge("app==1", "tool==1", "build-system"),
        )
        == "app==1\nlib==2\n"
    )


def test_the_highest_version_that_does_for_all_is_taken_and_named() -> None:
    assert (
        text(
            edge("", "app==1"),
            edge("", "other==1"),
            edge("app==1", "lib==1", "install", "lib<2"),
            edge("other==1", "lib==3", "install", "lib"),
        )
        == "app==1\n# the graph has lib in several versions: 1, 3\nlib==1\nother==1\n"
    )


def test_whoever_is_left_out_by_a_choice_has_no_say_any_more() -> None:
    assert text(
        edge("", "app==1", "toplevel", "app"),
        edge("", "app==2", "toplevel", "app>=2"),
        edge("app==1", "lib==1", "install", "lib<2"),
        edge("app==1", "only-of-old==1", "install"),
        edge("app==2", "lib==2", "install", "lib>=2"),
    ) == (
        "# the graph has app in several versions: 1, 2\napp==2\n"
        "# the graph has lib in several versions: 1, 2\nlib==2\n"
    )


def test_the_extras_of_a_project_do_not_speak_against_its_other_versions() -> None:
    assert "lib==2\n" in text(
        edge("", "lib==1", "toplevel", "lib[x]"),
        edge("lib==1", "lib==1", "install", "lib==1"),
        edge("", "lib==2", "toplevel", "lib>=2"),
    )


def test_nothing_is_agreed_where_two_exclude_each_other() -> None:
    found = agree(
        graph(
            edge("", "lib==1", "toplevel", "lib<2"),
            edge("", "lib==2", "toplevel", "lib>=2"),
            edge("", "app==1"),
        )
    )

    assert found == Conflict((pin("lib==1").name,))


EDGES = st.lists(
    st.tuples(
        st.integers(-1, 6),
        st.integers(1, 2),
        st.integers(0, 6),
        st.integers(1, 3),
        st.sampled_from(["", "<3", ">=2", "==1"]),
    ),
    max_size=40,
)


@given(EDGES)
def test_what_is_agreed_contents_everybody_who_is_part_of_it(
    drawn: list[tuple[int, int, int, int, str]],
) -> None:
    edges = [
        edge(
            f"p{parent}=={version}" if parent >= 0 else "",
            f"p{child}=={chosen}",
            "install" if parent >= 0 else "toplevel",
            f"p{child}{wanted}",
        )
        for parent, version, child, chosen, wanted in drawn
    ]
    sound = [one for one in edges if accepts(one, one.child.version)]

    found = agree(graph(*sound))

    if isinstance(found, Agreement):
        assert all(len(versions) == 1 for versions in versions_by_name(found.pins).values())
        chosen = {one.name: one.version for one in found.pins}
        for one in sound:
            inside = one.parent is None or one.parent in found.pins
            if inside and (one.parent is None or one.parent.name != one.child.name):
                assert accepts(one, chosen[one.child.name])

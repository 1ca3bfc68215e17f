"""Projects that an installation would hold in several versions."""

from packaging.version import Version

from builder.graphs.duplicates import duplicates
from tests.facts import pin
from tests.graphs import edge, graph, node


def test_every_consumer_is_asked_which_versions_would_do() -> None:
    (found,) = duplicates(
        graph(
            edge("", "app==1"),
            edge("", "lib==2", "toplevel", "lib"),
            edge("app==1", "lib==1", "install", "lib<2"),
            nodes=[node("lib==1", constraint="<3")],
        )
    )

    one, two = Version("1"), Version("2")
    assert (found.name, found.versions, found.usable) == ("lib", (one, two), (one,))
    assert found.constraint == "<3"
    assert [(it.version, it.accepted, it.by) for it in found.demands] == [
        (one, (one,), (pin("app==1"),)),
        (two, (one, two), (None,)),
    ]


def test_versions_that_exclude_each_other_leave_none_usable() -> None:
    (found,) = duplicates(
        graph(
            edge("", "lib==1", "toplevel", "lib<2"),
            edge("", "lib==2.0b1", "toplevel", "lib>=2.0a1"),
        )
    )

    assert found.usable == ()


def test_a_pre_release_that_was_chosen_counts() -> None:
    (found,) = duplicates(
        graph(edge("", "lib==1", "toplevel", "lib"), edge("", "lib==2.0b1", "toplevel", "lib"))
    )

    assert [str(version) for version in found.usable] == ["1", "2.0b1"]


def test_what_only_builds_see_is_no_duplicate() -> None:
    found = duplicates(
        graph(
            edge("", "lib==1"),
            edge("lib==1", "tool==1", "build-system"),
            edge("tool==1", "lib==2", "install"),
        )
    )

    assert found == ()


def test_a_url_is_content_with_what_it_led_to_and_nothing_else() -> None:
    (found,) = duplicates(
        graph(
            edge("", "lib==1", "toplevel", "lib @ https://files.index.example/lib.tar.gz"),
            edge("", "lib==2", "toplevel", "lib"),
        )
    )

    assert [str(version) for version in found.usable] == ["1"]

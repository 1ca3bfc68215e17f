"""Which collection holds most of what a package needs."""

from builder.graphs.fit import best_fits
from tests.graphs import edge, graph


def test_the_collection_with_the_fewest_new_releases_comes_first() -> None:
    onboarding = graph(
        edge("", "app==1"),
        edge("app==1", "lib==1", "install"),
        edge("lib==1", "tool==1", "build-system"),
        edge("tool==1", "app==1", "install"),
    )
    collections = {
        "far": graph(edge("", "tool==1")),
        "near": graph(edge("", "tool==1"), edge("", "lib==1"), edge("", "more==1")),
        "other-versions": graph(edge("", "app==2"), edge("", "lib==2")),
    }

    (found,) = best_fits(onboarding, collections)

    assert [(it.collection, it.existing, it.new, it.percent) for it in found.overlaps] == [
        ("near", 2, 1, 66.7),
        ("far", 1, 2, 33.3),
        ("other-versions", 0, 3, 0.0),
    ]


def test_each_requested_package_is_told_by_itself() -> None:
    onboarding = graph(edge("", "b==1"), edge("", "a==1"), edge("b==1", "a==1", "install"))

    found = best_fits(onboarding, {"one": graph(edge("", "a==1"))})

    assert [(str(it.pin), it.overlaps[0].new) for it in found] == [("a==1", 0), ("b==1", 1)]

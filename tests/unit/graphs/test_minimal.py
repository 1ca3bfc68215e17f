"""Which requirements others bring along."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from builder.domain.graph import Dependency, RequirementKind
from builder.graphs.adjacency import adjacency, walked
from builder.graphs.minimal import named_by_url, redundant
from tests.facts import pin
from tests.graphs import edge, graph


def dropped(requirements: list[str], *edges: Dependency) -> list[str]:
    found = redundant([Requirement(one) for one in requirements], graph(*edges))
    return [requirements[place] for place in sorted(found)]


APP = (edge("", "app==1"), edge("", "lib==1"), edge("app==1", "lib==1", "install"))


def test_what_another_one_needs_is_dropped() -> None:
    assert dropped(["lib>=1", "app"], *APP) == ["lib>=1"]


def test_a_pin_is_kept_and_brings_what_it_needs() -> None:
    assert dropped(["app", "lib==1"], *APP) == []
    assert dropped(["app==1", "lib"], *APP) == ["lib"]


def test_what_only_a_build_needs_is_kept() -> None:
    assert (
        dropped(
            ["app", "tool"],
            edge("", "app==1"),
            edge("", "tool==1"),
            edge("app==1", "tool==1", "build-system"),
        )
        == []
    )


def test_an_extra_that_nobody_else_asks_for_is_kept() -> None:
    assert dropped(["app", "lib[x]"], *APP) == []


def test_a_version_that_others_do_not_bring_is_kept() -> None:
    assert (
        dropped(
            ["app", "lib>=2"],
            edge("", "app==1"),
            edge("", "lib==2"),
            edge("app==1", "lib==1", "install"),
        )
        == []
    )


def test_what_the_graph_does_not_know_is_kept() -> None:
    assert dropped(["app", "stranger"], edge("", "app==1")) == []


def test_of_those_that_bring_each_other_along_the_first_is_kept() -> None:
    ring = (
        edge("", "a==1"),
        edge("", "b==1"),
        edge("a==1", "b==1", "install"),
        edge("b==1", "a==1", "install"),
    )

    assert dropped(["b", "a"], *ring) == ["a"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30),
    st.sets(st.integers(0, 9)),
)
def test_what_is_left_brings_everything_and_nothing_more_can_go(
    pairs: list[tuple[int, int]], asked: set[int]
) -> None:
    edges = [edge(f"p{one}==1", f"p{two}==1", "install") for one, two in pairs if one != two]
    tops = [edge("", f"p{one}==1") for one in asked]
    made = graph(*tops, *edges)
    names = [f"p{one}" for one in sorted(asked)]

    gone = redundant([Requirement(name) for name in names], made)

    known = adjacency(made)

    def brought(places: set[int]) -> set[str]:
        start = [pin(f"{names[place]}==1") for place in places]
        found = walked(start, lambda one: (it.child for it in known.children(one)))
        return {one.name for one in found}

    kept = set(range(len(names))) - gone
    assert {*names} <= brought(kept)
    assert all(names[place] not in brought(kept - {place}) for place in kept)


def test_what_a_url_alone_asks_for_is_found_by_it() -> None:
    url = "git+https://git.example/app@v1"
    asked = Dependency(None, pin("app==1"), RequirementKind.TOPLEVEL, f"app @ {url}")

    (found,) = named_by_url([url, "git+https://git.example/other"], graph(asked, *APP[1:]))

    assert str(found) == f"app @ {url}"
    assert dropped(["lib", str(found)], asked, *APP[1:]) == ["lib"]

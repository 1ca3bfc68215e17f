"""Rings of builds, named edge by edge."""

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.build_needs import build_needs
from builder.domain.graph import BuildRecipe, EnvironmentPart, Provision
from builder.graphs.adjacency import walked
from builder.graphs.components import components, knots
from builder.graphs.cycles import build_cycles
from tests.facts import pin
from tests.graphs import edge, graph, node


def test_a_ring_is_told_by_the_edges_that_close_it() -> None:
    (found,) = build_cycles(
        graph(
            edge("", "app==1"),
            edge("app==1", "hatch==1", "build-system"),
            edge("hatch==1", "plug==1", "install"),
            edge("plug==1", "scm==1", "build-system"),
            edge("scm==1", "hatch==1", "build-backend"),
        )
    )

    assert [(str(step.waiting), str(step.needed)) for step in found.steps] == [
        ("plug==1", "scm==1"),
        ("scm==1", "plug==1"),
    ]
    assert [[str(one.child) for one in step.way] for step in found.steps] == [
        ["scm==1"],
        ["hatch==1", "plug==1"],
    ]


def test_a_package_that_needs_itself_is_a_ring() -> None:
    (found,) = build_cycles(
        graph(
            edge("", "a==1"), edge("a==1", "b==1", "build-system"), edge("b==1", "a==1", "install")
        )
    )

    assert [(step.waiting, step.needed) for step in found.steps] == [(pin("a==1"), pin("a==1"))]
    assert [str(one.child) for one in found.steps[0].way] == ["b==1", "a==1"]


def test_a_ring_of_installations_is_none_of_builds() -> None:
    found = build_cycles(
        graph(edge("", "a==1"), edge("a==1", "b==1", "install"), edge("b==1", "a==1", "install"))
    )

    assert found == ()


def test_a_seed_cuts_a_ring() -> None:
    seeded = BuildRecipe((), (), (EnvironmentPart(pin("a==1"), provision=Provision.SEED),))
    found = build_cycles(
        graph(
            edge("", "a==1"),
            edge("a==1", "b==1", "build-system"),
            edge("b==1", "a==1", "build-system"),
            nodes=[node("a==1", environment=["b==1"]), node("b==1", recipe=seeded)],
        )
    )

    assert found == ()


def test_a_ring_that_only_recorded_environments_close_is_found_too() -> None:
    (found,) = build_cycles(
        graph(
            edge("", "a==1"),
            edge("", "b==1"),
            nodes=[node("a==1", environment=["b==1"]), node("b==1", environment=["a==1"])],
        )
    )

    assert [step.way for step in found.steps] == [(), ()]


def test_a_ring_of_ten_thousand_is_no_trouble() -> None:
    edges = [
        edge(f"p{one}==1", f"p{(one + 1) % 10_000}==1", "build-system") for one in range(10_000)
    ]

    (found,) = build_cycles(graph(edge("", "p0==1"), *edges))

    assert found.tangled == len(found.steps) == 10_000


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40)


@given(PAIRS)
def test_knots_are_what_comes_back_to_itself(pairs: list[tuple[int, int]]) -> None:
    edges = [edge(f"p{one}==1", f"p{two}==1", "build-system") for one, two in pairs]
    needs = build_needs(graph(*edges))

    knotted = {one for knot in knots(needs) for one in knot}

    assert knotted == {one for one in needs if one in walked(needs[one], lambda it: needs[it])}


@given(PAIRS)
def test_what_a_part_needs_comes_before_it(pairs: list[tuple[int, int]]) -> None:
    edges = [edge(f"p{one}==1", f"p{two}==1", "build-system") for one, two in pairs]
    needs = build_needs(graph(*edges))

    place = {one: number for number, part in enumerate(components(needs)) for one in part}

    assert place.keys() == needs.keys()
    assert all(place[need] <= place[one] for one in needs for need in needs[one])


@given(PAIRS)
def test_every_step_of_a_ring_is_a_need(pairs: list[tuple[int, int]]) -> None:
    edges = [edge(f"p{one}==1", f"p{two}==1", "build-system") for one, two in pairs]
    made = graph(*edges)
    needs = build_needs(made)

    for cycle in build_cycles(made):
        assert all(step.needed in needs[step.waiting] for step in cycle.steps)
        assert cycle.steps[-1].needed == cycle.steps[0].waiting
        for step in cycle.steps:
            assert step.way[0].parent == step.waiting
            assert step.way[-1].child == step.needed

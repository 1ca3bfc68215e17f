"""What a build waits for, as its recipe says, or as edges tell."""

import time

from builder.domain.build_needs import build_needs
from builder.domain.graph import BuildRecipe, EnvironmentPart, Provision
from tests.facts import pin
from tests.graphs import edge, graph, node


def test_without_a_recipe_a_build_needs_its_build_edges_and_what_those_install() -> None:
    found = build_needs(
        graph(
            edge("", "app==1"),
            edge("app==1", "lib==1", "install"),
            edge("app==1", "tool==1", "build-system"),
            edge("tool==1", "part==1", "install"),
            edge("tool==1", "deep==1", "build-backend"),
        )
    )

    assert found[pin("app==1")] == {pin("tool==1"), pin("part==1")}
    assert found[pin("lib==1")] == frozenset()


def test_a_recipe_has_the_last_word() -> None:
    found = build_needs(
        graph(
            edge("", "app==1"),
            edge("app==1", "tool==1", "build-system"),
            edge("", "other==1"),
            nodes=[node("app==1", environment=("other==1",))],
        )
    )

    assert found[pin("app==1")] == {pin("other==1")}


def test_a_seed_is_waited_for_by_nobody_and_a_staged_wheel_for_its_own_needs() -> None:
    recipe = BuildRecipe(
        (),
        (),
        (
            EnvironmentPart(pin("seed==1"), provision=Provision.SEED),
            EnvironmentPart(pin("tool==1"), provision=Provision.STAGED),
        ),
    )
    tool = node("tool==1", staged=("part==1",))
    found = build_needs(
        graph(
            edge("", "app==1"),
            edge("", "part==1"),
            edge("", "tool==1"),
            edge("", "seed==1"),
            nodes=[node("app==1", recipe=recipe), tool],
        )
    )

    assert found[pin("app==1")] == {pin("part==1")}


def test_wheels_staged_for_each_other_are_no_endless_matter() -> None:
    staged = Provision.STAGED
    one = BuildRecipe((), (), (EnvironmentPart(pin("b==1"), provision=staged),))
    two = BuildRecipe((), (), (EnvironmentPart(pin("a==1"), provision=staged),))
    found = build_needs(
        graph(
            edge("", "a==1"),
            edge("", "b==1"),
            nodes=[
                node("a==1", recipe=one, staged_recipe=one),
                node("b==1", recipe=two, staged_recipe=two),
            ],
        )
    )

    assert found == {pin("a==1"): frozenset(), pin("b==1"): frozenset()}


def test_a_ring_without_recipes_shows_in_its_own_needs() -> None:
    found = build_needs(
        graph(
            edge("", "a==1"),
            edge("a==1", "b==1", "build-system"),
            edge("b==1", "a==1", "install"),
        )
    )

    assert pin("a==1") in found[pin("a==1")]


def test_ten_thousand_nodes_take_no_time() -> None:
    edges = [edge("", "p0==1")]
    edges += [edge(f"p{n}==1", f"p{n + 1}==1", "install") for n in range(10_000)]
    edges += [edge(f"p{n}==1", "tool==1", "build-system") for n in range(10_000)]
    large = graph(*edges)
    started = time.monotonic()

    build_needs(large)

    assert time.monotonic() - started < 5

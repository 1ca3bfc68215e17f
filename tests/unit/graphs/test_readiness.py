"""What becomes ready when."""

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.build_needs import build_needs
from builder.domain.releases import Pin
from builder.graphs.readiness import outlook
from tests.facts import pin
from tests.graphs import edge, graph, node


def test_a_build_waits_for_its_tools_and_says_only_the_last_of_them() -> None:
    found = outlook(
        graph(
            edge("", "app==1"),
            edge("app==1", "tool==1", "build-system"),
            edge("app==1", "base==1", "build-system"),
            edge("tool==1", "base==1", "build-system"),
            edge("app==1", "lib==1", "install"),
        ),
        alone={pin("lib==1").name},
    )

    assert [(str(it.pin), it.depth, [str(one) for one in it.after]) for it in found.builds] == [
        ("base==1", 0, []),
        ("lib==1", 0, []),
        ("tool==1", 1, ["base==1"]),
        ("app==1", 2, ["tool==1"]),
    ]
    assert [str(it.pin) for it in found.builds if it.alone] == ["lib==1"]


def test_what_is_pre_built_is_waited_for_by_nobody() -> None:
    found = outlook(
        graph(
            edge("", "app==1"),
            edge("app==1", "tool==1", "build-system"),
            nodes=[node("tool==1", pre_built=True)],
        )
    )

    assert [(str(it.pin), it.needs, it.depth) for it in found.builds] == [("app==1", (), 0)]
    assert found.pre_built == (pin("tool==1"),)


def test_a_ring_and_what_waits_for_it_is_never_ready() -> None:
    found = outlook(
        graph(
            edge("", "app==1"),
            edge("app==1", "a==1", "build-system"),
            edge("a==1", "b==1", "build-system"),
            edge("b==1", "a==1", "build-system"),
            edge("app==1", "free==1", "install"),
        )
    )

    assert [str(it.pin) for it in found.builds] == ["free==1"]
    assert [str(one) for one in found.never] == ["a==1", "app==1", "b==1"]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=60))
def test_in_this_order_nothing_starts_before_what_it_needs(pairs: list[tuple[int, int]]) -> None:
    edges = [edge(f"p{one}==1", f"p{two}==1", "build-system") for one, two in pairs]
    made = graph(*edges)
    needs = build_needs(made)

    found = outlook(made)

    assert {it.pin for it in found.builds} | {*found.never} == made.nodes.keys()
    done: set[Pin] = set()
    for it in found.builds:
        assert needs[it.pin] <= done
        done.add(it.pin)
    for never in found.never:
        assert needs[never] - done

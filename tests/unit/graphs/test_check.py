"""What is wrong with a graph."""

from dataclasses import replace

import pytest

from builder.domain.graph import BuildRecipe, DependencyGraph, EnvironmentPart, Provision
from builder.graphs.check import Finding, Problem, check
from tests.facts import pin
from tests.graphs import built_with, digest, edge, graph, node, part


def only(made: DependencyGraph, problem: Problem) -> Finding:
    (found,) = (one for one in check(made) if one.problem is problem)
    return found


def test_a_lock_without_faults_has_none() -> None:
    made = graph(
        edge("", "app==1"),
        edge("app==1", "tool==1", "build-system", "tool>=1; python_version > '3'"),
        nodes=[node("app==1", environment=["tool==1"]), node("tool==1", environment=[])],
    )

    assert check(made) == ()


def test_an_edge_to_a_version_that_does_not_satisfy_it_is_an_error() -> None:
    made = graph(edge("", "app==1"), edge("app==1", "lib==1", "install", "lib>=2"))

    found = only(made, Problem.UNSATISFIED)

    assert found.problem.is_error
    assert found.message == "app==1 needs lib>=2 (install), and the graph gives it 1"


def test_an_edge_to_another_project_is_an_error() -> None:
    found = only(graph(edge("", "evil==1", "toplevel", "good")), Problem.UNSATISFIED)

    assert found.message == "the request needs good, and the graph gives it evil==1"


def test_a_requirement_that_is_none_is_an_error() -> None:
    found = only(graph(edge("", "app==1", "toplevel", "app >")), Problem.UNREADABLE)

    assert "'app >'" in found.message


def test_several_versions_in_an_installation_are_an_error() -> None:
    made = graph(edge("", "lib==1", "toplevel", "lib"), edge("", "lib==2", "toplevel", "lib>1"))

    assert only(made, Problem.DUPLICATE).message.endswith("1, 2; 2 would do for all")


BUILT, STAGED, SEED = Provision.BUILT, Provision.STAGED, Provision.SEED
BROKEN = {
    "a part that is no node": (part("gone==1"), "holds gone==1, which is no node of the graph"),
    "a staged part without a recipe": (
        EnvironmentPart(pin("tool==1"), provision=STAGED),
        "does not say how that is built",
    ),
    "a part from another source": (
        EnvironmentPart(pin("tool==1"), digest("other")),
        "from another source than the graph's own",
    ),
    "another wheel": (
        EnvironmentPart(pin("tool==1"), digest("tool==1"), digest("other")),
        "holds another wheel of tool==1 than the graph's own",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_environment_is_broken_by(what: str) -> None:
    one, words = BROKEN[what]
    tool = replace(node("tool==1", environment=[]), wheel=digest("wheel"))
    made = graph(
        edge("", "app==1"),
        edge("", "tool==1"),
        nodes=[node("app==1", recipe=BuildRecipe((), (), (one,))), tool],
    )

    found = only(made, Problem.ENVIRONMENT)

    assert found.message.startswith("app==1 is built in an environment that ")
    assert words in found.message


def test_an_environment_with_a_project_twice_is_broken() -> None:
    made = graph(
        edge("", "app==1"),
        edge("", "tool==1"),
        edge("app==1", "tool==2", "build-system"),
        nodes=[node("app==1", environment=["tool==1", "tool==2"])],
    )

    assert "holds tool twice: 1 and 2" in only(made, Problem.ENVIRONMENT).message


def test_a_ring_of_builds_is_named_edge_by_edge() -> None:
    made = graph(
        edge("", "a==1"),
        edge("a==1", "b==1", "build-system", "b>=1"),
        edge("b==1", "a==1", "build-backend"),
    )

    found = only(made, Problem.CYCLE)

    assert found.message == "these builds wait for each other: a==1 -> b==1 -> a==1"
    assert found.details == (
        "a==1 needs b>=1 (build-system): b==1",
        "b==1 needs a (build-backend): a==1",
    )


def test_a_seed_cuts_a_ring_and_is_told() -> None:
    seeded = BuildRecipe((), (), (EnvironmentPart(pin("a==1"), digest("s"), provision=SEED),))
    made = graph(
        edge("", "a==1"),
        edge("a==1", "b==1", "build-system"),
        edge("b==1", "a==1", "build-system"),
        nodes=[node("a==1", recipe=built_with("b==1")), node("b==1", recipe=seeded)],
    )

    assert [one.problem for one in check(made)] == [Problem.SEED]
    assert only(made, Problem.SEED).details == ("b==1: a==1",)


def test_gaps_and_foreign_wheels_are_warnings() -> None:
    made = graph(
        edge("", "app==1"),
        edge("app==1", "lib==1", "install"),
        nodes=[
            node("app==1", environment=[], tainted_by=["lib==1"]),
            node("lib==1", source=None, pre_built=True),
        ],
    )

    found = check(made)

    assert [one.problem for one in found] == [
        Problem.NO_DIGEST,
        Problem.PRE_BUILT,
        Problem.TAINTED,
    ]
    assert not any(one.problem.is_error for one in found)
    assert found[-1].details == ("app==1: lib==1",)


def test_errors_come_before_warnings() -> None:
    made = graph(edge("", "app==1", "toplevel", "app>1"))

    assert [one.problem.is_error for one in check(made)] == [True, False]

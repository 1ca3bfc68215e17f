"""What changed from one graph to another."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.graph import BuildRecipe, DependencyGraph, EnvironmentPart, Provision
from builder.graphs.difference import (
    AddressChange,
    EnvironmentChange,
    ProvenanceChange,
    RequirementChange,
    SourceChange,
    WheelChange,
    compare,
)
from tests.facts import pin
from tests.graphs import digest, edge, graph, node


def test_a_graph_does_not_differ_from_itself() -> None:
    made = graph(edge("", "app==1"), edge("app==1", "lib==1", "install"))

    assert compare(made, made).is_empty


def test_other_bytes_under_the_same_version_are_an_alarm() -> None:
    old = graph(edge("", "app==1"), nodes=[node("app==1", source="one")])
    new = graph(edge("", "app==1"), nodes=[node("app==1", source="two")])

    found = compare(old, new)

    assert found.alarms == (SourceChange(pin("app==1"), "source", digest("one"), digest("two")),)


def test_a_digest_that_is_gone_is_an_alarm_and_one_that_came_is_none() -> None:
    known = graph(edge("", "app==1"), nodes=[node("app==1", source="one")])
    unknown = graph(edge("", "app==1"), nodes=[node("app==1", source=None)])

    assert [one.new for one in compare(known, unknown).alarms] == [None]
    assert compare(unknown, known).is_empty


def test_a_seed_of_other_bytes_is_an_alarm_once() -> None:
    def seeded(by: str) -> BuildRecipe:
        seed = EnvironmentPart(pin("seed==1"), digest(by), provision=Provision.SEED)
        return BuildRecipe((), (), (seed,))

    edges = (edge("", "a==1"), edge("", "b==1"))
    old = graph(*edges, nodes=[node(one, recipe=seeded("x")) for one in ("a==1", "b==1")])
    new = graph(*edges, nodes=[node(one, recipe=seeded("y")) for one in ("a==1", "b==1")])

    assert compare(old, new).alarms == (
        SourceChange(pin("seed==1"), "seed", digest("x"), digest("y")),
    )


def test_another_address_matters_only_where_no_digest_vouches_for_it() -> None:
    edges = edge("", "app==1")
    bare = [replace(node("app==1", source=None), source_url=url) for url in ("u", "v")]
    sure = [replace(node("app==1"), source_url=url) for url in ("u", "v")]

    found = compare(graph(edges, nodes=bare[:1]), graph(edges, nodes=bare[1:]))

    assert found.addresses == (AddressChange(pin("app==1"), "u", "v"),)
    assert compare(graph(edges, nodes=sure[:1]), graph(edges, nodes=sure[1:])).is_empty


def test_a_source_that_made_another_wheel_is_told_with_whether_its_tools_changed() -> None:
    def made(wheel: str, tool: str) -> DependencyGraph:
        recipe = BuildRecipe((), (), (EnvironmentPart(pin("tool==1"), digest(tool)),))
        built = replace(node("app==1", recipe=recipe), wheel=digest(wheel))
        return graph(edge("", "app==1"), nodes=[built])

    app, old, new = pin("app==1"), digest("x"), digest("y")
    assert compare(made("x", "t"), made("y", "t")).wheels == (WheelChange(app, old, new, True),)
    assert compare(made("x", "t"), made("y", "u")).wheels == (WheelChange(app, old, new, False),)
    assert compare(made("x", "t"), made("x", "u")).wheels == ()


def test_one_version_that_went_and_one_that_came_are_a_change_of_version() -> None:
    old = graph(edge("", "app==1"), edge("", "lib==2"), edge("", "gone==1"))
    new = graph(edge("", "app==2"), edge("", "lib==1.9"), edge("", "come==1"))

    found = compare(old, new)

    assert [(one.name, one.is_up) for one in found.versions] == [("app", True), ("lib", False)]
    assert (found.added, found.removed) == ((pin("come==1"),), (pin("gone==1"),))


def test_several_versions_that_came_are_additions() -> None:
    old = graph(edge("", "app==1"))
    new = graph(edge("", "app==2"), edge("", "app==3"))

    found = compare(old, new)

    assert (found.added, found.removed) == ((pin("app==2"), pin("app==3")), (pin("app==1"),))
    assert found.versions == ()


def test_that_a_requirement_leads_to_a_newer_version_is_told_by_the_version_alone() -> None:
    old = graph(edge("", "app==1"), edge("app==1", "lib==1", "install"))
    new = graph(edge("", "app==1"), edge("app==1", "lib==2", "install"))

    found = compare(old, new)

    assert [one.name for one in found.versions] == ["lib"]
    assert found.requirements == ()


def test_requirements_that_changed_are_told_of_the_newer_version_too() -> None:
    old = graph(edge("", "app==1"), edge("app==1", "lib==1", "install", "lib<2"))
    new = graph(edge("", "app==2"), edge("app==2", "lib==1", "install", "lib"))

    asker, lib = pin("app==2"), pin("lib==1")
    assert compare(old, new).requirements == (
        RequirementChange(asker, "install", "lib<2", lib, is_new=False),
        RequirementChange(asker, "install", "lib", lib, is_new=True),
    )


def test_a_requirement_that_is_given_another_version_is_told() -> None:
    both = (edge("", "lib==1", "toplevel", "lib<2"), edge("", "lib==2", "toplevel", "lib>=2"))
    old = graph(*both, edge("", "app==1"), edge("app==1", "lib==1", "install"))
    new = graph(*both, edge("", "app==1"), edge("app==1", "lib==2", "install"))

    found = compare(old, new)

    assert [(str(one.leads_to), one.is_new) for one in found.requirements] == [
        ("lib==1", False),
        ("lib==2", True),
    ]


def test_the_same_change_of_many_environments_is_told_once() -> None:
    def made(tool: str) -> DependencyGraph:
        nodes = [node(one, environment=[tool]) for one in ("a==1", "b==1")]
        return graph(edge("", "a==1"), edge("", "b==1"), edge("", tool), nodes=nodes)

    old, new = made("t==1"), made("t==2")

    assert compare(old, new).environments == (
        EnvironmentChange(pin("t==1").name, "1", "2", (pin("a==1"), pin("b==1"))),
    )


def test_what_came_into_an_environment_or_is_a_seed_now_is_told() -> None:
    seed = BuildRecipe((), (), (EnvironmentPart(pin("t==1"), provision=Provision.SEED),))
    old = graph(
        edge("", "a==1"),
        edge("", "b==1"),
        nodes=[node("a==1", environment=[]), node("b==1", environment=["t==1"])],
    )
    new = graph(
        edge("", "a==1"),
        edge("", "b==1"),
        nodes=[node("a==1", environment=["t==1"]), node("b==1", recipe=seed)],
    )

    found = compare(old, new)

    assert [(one.old, one.new) for one in found.environments] == [("", "1"), ("1", "1 (seed)")]


def test_what_came_to_be_pre_built_or_tainted_is_told() -> None:
    old = graph(edge("", "a==1"), edge("", "b==1"))
    new = graph(
        edge("", "a==1"),
        edge("", "b==1"),
        nodes=[node("a==1", pre_built=True), node("b==1", tainted_by=["a==1"])],
    )

    assert compare(old, new).provenance == (
        ProvenanceChange(pin("a==1"), "built from source", "pre-built"),
        ProvenanceChange(pin("b==1"), "built from source", "built from source, tainted by a==1"),
    )


RELEASES = st.sets(st.tuples(st.sampled_from("abcd"), st.integers(1, 3)))


@given(RELEASES, RELEASES)
def test_every_release_is_accounted_for(
    one: set[tuple[str, int]], other: set[tuple[str, int]]
) -> None:
    old = graph(*(edge("", f"{name}=={version}") for name, version in one))
    new = graph(*(edge("", f"{name}=={version}") for name, version in other))

    found = compare(old, new)

    went = {*found.removed, *(pin(f"{it.name}=={it.old}") for it in found.versions)}
    came = {*found.added, *(pin(f"{it.name}=={it.new}") for it in found.versions)}
    assert went == old.nodes.keys() - new.nodes.keys()
    assert came == new.nodes.keys() - old.nodes.keys()
    assert found.is_empty == (one == other)

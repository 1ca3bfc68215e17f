"""Requirements are solved as a whole, from what is known, for the target alone."""

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.domain.graph import RequirementKind
from builder.domain.metadata import MetadataOrigin
from builder.domain.releases import Candidate
from builder.resolve.closure import solve
from builder.resolve.constraints import Constraint
from builder.resolve.problem import (
    Answer,
    Asked,
    Conflict,
    Knowledge,
    Lacking,
    Question,
    Solution,
    applies,
)
from tests.facts import TARGET, metadata, pin
from tests.fakes.index import FakeIndex, FakeRelease

Facts = dict[str, tuple[str, ...]]


def question(*asked: str, constraints: Iterable[str] = ()) -> Question:
    limited = {
        canonicalize_name(one.name): Constraint(one.specifier, (), ("c.txt:1",))
        for one in map(Requirement, constraints)
    }
    return Question(tuple(Asked(Requirement(one), "r.txt:1") for one in asked), limited, TARGET)


def everything(facts: Facts, names: Iterable[str] = ()) -> Knowledge:
    """All that there is to know of the releases, and of projects that nobody has."""
    releases = [FakeRelease(pin(of).name, str(pin(of).version)) for of in facts]
    index = FakeIndex(releases)
    known = Knowledge()
    for name in (*names, *(of.split("==")[0] for of in facts)):
        canonical = canonicalize_name(name)
        known.pages[canonical] = index.project(canonical)
    known.metadata.update({pin(of): metadata(of, *requires) for of, requires in facts.items()})
    return known


def answer(facts: Facts, *asked: str, constraints: Iterable[str] = ()) -> Answer:
    return solve(question(*asked, constraints=constraints), everything(facts))


def pins(given_answer: Answer) -> list[str]:
    assert isinstance(given_answer, Solution), given_answer
    return [str(one) for one in given_answer.pins]


def reason(given_answer: Answer) -> str:
    assert isinstance(given_answer, Conflict), given_answer
    return "\n".join(given_answer.reason)


def test_the_newest_release_is_chosen() -> None:
    assert pins(answer({"a==9": (), "a==10": ()}, "a")) == ["a==10"]


def test_an_older_release_is_chosen_where_the_newest_fits_nobody_else() -> None:
    facts: Facts = {"a==2": ("c<2",), "a==1": ("c",), "b==1": ("c>=2",), "c==1": (), "c==2": ()}

    assert pins(answer(facts, "a", "b")) == ["a==1", "b==1", "c==2"]


def test_extras_bring_their_own_requirements() -> None:
    facts: Facts = {"a==1": ("b; extra == 'more'", "c; extra == 'other'"), "b==1": (), "c==1": ()}

    assert pins(answer(facts, "a")) == ["a==1"]
    assert pins(answer(facts, "a[More]")) == ["a==1", "b==1"]
    assert pins(answer(facts, "a[more,other]")) == ["a==1", "b==1", "c==1"]
    assert pins(answer(facts, "a[more]", "a[other]", "a")) == ["a==1", "b==1", "c==1"]


def test_an_extra_is_of_the_release_that_is_chosen_without_it() -> None:
    facts: Facts = {
        "a==1": ("b; extra == 'x'",),
        "a==2": ("b; extra == 'x'",),
        "b==1": (),
        "d==1": ("a<2",),
    }

    assert pins(answer(facts, "a[x]", "d")) == ["a==1", "b==1", "d==1"]


def test_markers_are_those_of_the_target() -> None:
    facts: Facts = {
        "a==1": ("b; platform_machine == 's390x'", "nowhere; python_version < '3.13'"),
        "b==1": (),
    }

    assert pins(answer(facts, "a", "nowhere; sys_platform == 'win32'")) == ["a==1", "b==1"]


def test_a_marker_that_compares_what_cannot_be_compared_does_not_apply() -> None:
    assert not applies(Requirement("a; platform_machine ~= 'x'"), TARGET, ())


def test_constraints_choose_without_asking_for_anything() -> None:
    facts: Facts = {"a==1": (), "a==2": ("b",), "b==1": ()}

    assert pins(answer(facts, "a", constraints=["a<2", "b==7"])) == ["a==1"]


def test_constraints_are_named_where_they_leave_nothing() -> None:
    assert "c.txt:1 limits a to <1" in reason(answer({"a==1": ()}, "a", constraints=["a<1"]))


def test_a_conflict_names_who_asks_for_what() -> None:
    facts: Facts = {"a==1": ("c<2",), "b==1": ("c>=2",), "c==1": (), "c==2": ()}

    said = reason(answer(facts, "a", "b"))

    assert "a==1 requires c<2" in said
    assert "b==1 requires c>=2" in said


def test_a_project_that_nobody_knows_is_a_conflict() -> None:
    known = everything({"a==1": ("nowhere",)}, ["nowhere"])

    said = reason(solve(question("a"), known))

    assert "a==1 requires nowhere" in said
    assert "no index knows a project named nowhere" in said


def test_what_is_not_known_is_said_to_be_lacking_and_why() -> None:
    known = everything({"a==1": ("b", "c>1"), "b==1": ()})
    del known.metadata[pin("b==1")]

    lacking = solve(question("a"), known)

    assert isinstance(lacking, Lacking)
    assert lacking.pages == ("c",)
    assert [candidate.pin for candidate in lacking.metadata] == [pin("b==1")]
    assert [edge.requirement for edge in lacking.edges] == ["a", "b"]


def test_the_word_of_a_built_wheel_comes_before_what_was_believed() -> None:
    known = everything({"a==1": ("old",), "new==1": (), "old==1": ()})
    built = metadata("a==1", "new", origin=MetadataOrigin.WHEEL)

    assert pins(solve(question("a"), known, {built.pin: built})) == ["a==1", "new==1"]


def test_edges_lead_from_the_top_to_everything() -> None:
    solution = answer({"a==1": ("b>0",), "b==1": ("a",)}, "a>=1")

    assert isinstance(solution, Solution)
    assert {(str(e.parent), str(e.child), e.kind, e.requirement) for e in solution.edges} == {
        ("None", "a==1", RequirementKind.TOPLEVEL, "a>=1"),
        ("a==1", "b==1", RequirementKind.INSTALL, "b>0"),
        ("b==1", "a==1", RequirementKind.INSTALL, "a"),
    }


def test_a_ring_of_releases_that_was_dropped_leaves_no_trace() -> None:
    facts: Facts = {
        "a==2": ("b", "z<1"),
        "a==1": (),
        "b==1": ("c",),
        "c==1": ("b", "z"),
        "z==1": (),
        "z==0": ("b",),
    }

    assert pins(answer(facts, "a", "z>=1")) == ["a==1", "z==1"]


NAMES = "abcde"
SPECIFIERS = st.sampled_from(["", "<2", "<3", ">=2", "==1", "!=3"])
REQUIREMENTS = st.lists(st.tuples(st.sampled_from(NAMES), SPECIFIERS).map("".join), max_size=3).map(
    tuple
)
RELEASES = [f"{name}=={version}" for name in NAMES for version in (1, 2, 3)]
FACTS = st.fixed_dictionaries(dict.fromkeys(RELEASES, REQUIREMENTS))


@given(FACTS, REQUIREMENTS)
def test_a_solution_satisfies_every_requirement_and_holds_nothing_else(
    facts: Facts, asked: tuple[str, ...]
) -> None:
    solution = answer(facts, *asked)

    if isinstance(solution, Conflict):
        assert solution.reason
        return
    chosen = {name.name: name for name in map(pin, pins(solution))}
    pending = list(map(Requirement, asked))
    reached = set()
    while pending:
        wanted = pending.pop()
        one = chosen[canonicalize_name(wanted.name)]
        assert one.version in wanted.specifier
        if one not in reached:
            reached.add(one)
            pending.extend(map(Requirement, facts[str(one)]))
    assert reached == set(chosen.values())


def learned(facts: Facts, asked: tuple[str, ...], order: random.Random) -> Answer:
    """Asks until there is an answer; what is lacking is learned a piece at a time, in any order."""
    all_of_it, known = everything(facts), Knowledge()
    while True:
        given_answer = solve(question(*asked), known)
        if not isinstance(given_answer, Lacking):
            return given_answer
        pages, candidates = list(given_answer.pages), list(given_answer.metadata)
        order.shuffle(pages)
        order.shuffle(candidates)
        known.pages.update({name: all_of_it.pages[name] for name in pages})
        known.metadata.update({c.pin: all_of_it.metadata[c.pin] for c in candidates})


@given(FACTS, REQUIREMENTS, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_learned_does_not_matter(
    facts: Facts, asked: tuple[str, ...], order: random.Random
) -> None:
    assert learned(facts, asked, order) == learned(facts, asked, random.Random(0))


@given(FACTS, REQUIREMENTS, st.randoms(use_true_random=False))
def test_whether_there_is_an_answer_does_not_depend_on_what_else_is_known(
    facts: Facts, asked: tuple[str, ...], order: random.Random
) -> None:
    step_by_step, at_once = learned(facts, asked, order), answer(facts, *asked)

    assert isinstance(step_by_step, Conflict) == isinstance(at_once, Conflict)


def test_candidates_are_what_the_index_gave() -> None:
    solution = answer({"a==1": ()}, "a")

    assert isinstance(solution, Solution)
    (candidate,) = solution.candidates
    assert isinstance(candidate, Candidate)
    assert candidate.sdist.url.startswith("https://files.index.example/")

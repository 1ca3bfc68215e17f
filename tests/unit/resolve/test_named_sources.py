"""Requirements that name a source by its URL: what they lead to, and what they go together with."""

from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.domain.digests import Digest
from builder.domain.releases import Candidate
from builder.domain.repositories import GitReference
from builder.indexes.with_repositories import packed_file
from builder.resolve.closure import solve
from builder.resolve.problem import (
    Answer,
    Asked,
    Conflict,
    Knowledge,
    Lacking,
    Named,
    Question,
    Refused,
    Solution,
)
from tests.facts import TARGET, metadata, pin
from tests.fakes.index import FakeIndex, FakeRelease

URL = "git+https://git.example/lib@v2"
OTHER = "git+https://git.example/fork@v2"
LIB = f"lib @ {URL}"


def commit(of: str, url: str) -> Candidate:
    file = packed_file(pin(of), GitReference.parse(url), Digest.of_bytes(url.encode()))
    return Candidate(pin(of), file, (), SpecifierSet(), None, url)


def knowledge(
    facts: dict[str, tuple[str, ...]], named: dict[str, Candidate | Refused | None] | None = None
) -> Knowledge:
    index = FakeIndex([FakeRelease(pin(of).name, str(pin(of).version)) for of in facts])
    known = Knowledge()
    for of, requires in facts.items():
        known.pages[pin(of).name] = index.project(pin(of).name)
        known.metadata[pin(of)] = metadata(of, *requires)
    for url, found in (named if named is not None else {URL: commit("lib==2", URL)}).items():
        if found is not None:
            known.named[Named(canonicalize_name("lib"), url)] = found
        if isinstance(found, Candidate):
            known.learn(found, metadata(str(found.pin), "below; extra == 'x'"))
    return known


def answer(known: Knowledge, *asked: str) -> Answer:
    question = Question(tuple(Asked(Requirement(it), "r.txt:1") for it in asked), {}, TARGET)
    return solve(question, known)


def sources(found: Answer) -> dict[str, str]:
    assert isinstance(found, Solution), found
    return {str(it.pin): it.source for it in found.candidates}


def reason(found: Answer) -> str:
    assert isinstance(found, Conflict), found
    return "\n".join(found.reason)


@pytest.mark.parametrize("asked", [("app", "lib>=1"), ("lib>=1", "app"), ("app", "lib")])
def test_what_is_named_is_taken_even_where_the_index_has_the_same_version(
    asked: tuple[str, ...],
) -> None:
    known = knowledge({"app==1": (LIB,), "lib==2": (), "lib==3": ()})

    assert sources(answer(known, *asked)) == {"app==1": "", "lib==2": URL}


def test_a_release_of_the_same_version_and_a_commit_have_metadata_of_their_own() -> None:
    known = knowledge({"app==1": (LIB,), "lib==2": ("gone",)})

    assert sources(answer(known, "app")) == {"app==1": "", "lib==2": URL}


def test_extras_of_what_is_named_are_those_of_the_commit() -> None:
    known = knowledge({"app==1": (f"lib[x] @ {URL}",), "lib==2": (), "below==1": ()})

    assert sources(answer(known, "app", "lib")) == {"app==1": "", "below==1": "", "lib==2": URL}


def test_what_nobody_looked_at_is_lacking_and_may_be_what_fits() -> None:
    facts: dict[str, tuple[str, ...]] = {"app==1": (LIB,), "lib==1": (), "mid==1": ("lib>=2",)}
    known = knowledge(facts, {URL: None})

    unseen = answer(known, "app", "mid")

    assert isinstance(unseen, Lacking)
    assert [(str(it.named), str(it.parent)) for it in unseen.named] == [(LIB, "app==1")]
    assert unseen.metadata == ()
    assert sources(answer(knowledge(facts), "app", "mid"))["lib==2"] == URL


def test_what_was_refused_is_told_where_it_might_have_fitted() -> None:
    facts: dict[str, tuple[str, ...]] = {"app==1": (LIB,), "lib==1": (), "mid==1": ("lib>=2",)}

    found = answer(knowledge(facts, {URL: Refused("no, never", "allow it")}), "app", "mid")

    assert isinstance(found, Conflict)
    assert {"r.txt:1 -> mid==1 requires lib>=2", "no, never"} <= set(found.reason)
    assert found.hint == "allow it"


def test_a_specifier_holds_for_what_is_named() -> None:
    known = knowledge({"app==1": (LIB,), "lib==3": (), "top==1": ("lib>=3",)})

    said = reason(answer(known, "app", "top"))

    assert f"r.txt:1 -> app==1 requires lib @ {URL}" in said
    assert "r.txt:1 -> top==1 requires lib>=3" in said


def test_two_states_of_one_project_are_a_conflict_with_both_chains() -> None:
    known = knowledge(
        {"app==1": (LIB,), "top==1": (f"lib @ {OTHER}",)},
        {URL: commit("lib==2", URL), OTHER: commit("lib==2", OTHER)},
    )

    said = reason(answer(known, "app", "top"))

    assert f"r.txt:1 -> app==1 requires lib @ {URL}" in said
    assert f"r.txt:1 -> top==1 requires lib @ {OTHER}" in said
    assert "lib cannot be two things at once" in said


def test_two_names_of_one_commit_are_one_thing() -> None:
    same = replace(commit("lib==2", URL))
    known = knowledge({"app==1": (LIB,), "top==1": (f"lib @ {OTHER}",)}, {URL: same, OTHER: same})

    assert sources(answer(known, "app", "top"))["lib==2"] == URL


def test_what_may_not_be_used_is_refused_with_who_names_it() -> None:
    known = knowledge(
        {"app==1": (LIB,), "app==0": (), "lib==2": ()}, {URL: Refused("no, never", "allow it")}
    )

    found = answer(known, "app", "lib")

    assert isinstance(found, Conflict)
    assert found.reason == (f"r.txt:1 -> app==1 requires lib @ {URL}", "no, never")
    assert found.hint == "allow it"


@pytest.mark.parametrize("marker", ["extra == 'dev'", "sys_platform == 'win32'"])
def test_what_does_not_apply_is_no_matter(marker: str) -> None:
    known = knowledge({"app==1": (f"lib @ file:///etc ; {marker}",)}, {})

    assert sources(answer(known, "app")) == {"app==1": ""}

"""Releases that are too young or too old are refused, and so are those whose age nobody knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.releases import NoSuchProject, ProjectPage
from builder.resolve.ages import ReleaseAges, exactly_named
from builder.resolve.closure import solve
from builder.resolve.constraints import Constraint
from builder.resolve.offers import Offer, offers_for
from builder.resolve.problem import Asked, Conflict, Knowledge, Question, Solution
from tests.facts import TARGET, metadata, pin
from tests.fakes.index import FakeRelease

NAME = canonicalize_name("a")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
WEEK = ReleaseAges(NOW, minimum=timedelta(days=7))
YEAR = ReleaseAges(NOW, maximum=timedelta(days=365))


def release(version: str, days: float | None, name: str = "a") -> FakeRelease:
    uploaded = None if days is None else NOW - timedelta(days=days)
    return FakeRelease(name, version, upload_time=uploaded)


def offer(
    ages: ReleaseAges, *releases: FakeRelease, wanted: str = "", constraint: str = ""
) -> Offer:
    page = ProjectPage(NAME, tuple(one.candidate for one in releases))
    limit = Constraint(SpecifierSet(constraint), (), ("c.txt:1",)) if constraint else None
    return offers_for(page, [SpecifierSet(wanted)], limit, TARGET, ages)


def versions(given: Offer) -> list[str]:
    return [str(candidate.pin.version) for candidate in given.candidates]


def test_a_release_is_used_from_the_moment_that_it_is_old_enough() -> None:
    found = [release("1.0", 30), release("2.0", 7), release("3.0", 6.9), release("4.0", -1)]

    assert versions(offer(WEEK, *found)) == ["2.0", "1.0"]


def test_a_release_that_is_too_young_is_named_with_its_time_and_the_limit() -> None:
    refused = offer(WEEK, release("3.0", 1))

    assert refused.candidates == ()
    (said,) = refused.refusals
    assert said == (
        "a==3.0 is too young: it was uploaded at 2026-06-30 12:00 UTC, "
        "and only releases that are 7 days old may be used"
    )


def test_without_an_upload_time_a_release_is_refused_with_a_way_out() -> None:
    assert versions(offer(WEEK, release("2.0", None), release("1.0", 30))) == ["1.0"]

    (said,) = offer(WEEK, release("2.0", None)).refusals

    assert said.startswith("a==2.0 is refused: only releases that are 7 days old may be used")
    assert "gives no upload time" in said
    assert "PEP 700" in said
    assert "min_release_age of 0" in said


def test_a_pre_release_never_takes_the_place_of_a_release_that_is_too_young() -> None:
    assert versions(offer(WEEK, release("2.0rc1", 90), release("2.0", 1))) == []


def test_a_project_of_its_own_limit_keeps_to_that() -> None:
    strict = replace(WEEK, own_minimums={NAME: timedelta(days=30)})
    off = replace(WEEK, own_minimums={NAME: timedelta(0)})
    found = [release("2.0", None), release("1.0", 10)]

    assert versions(offer(strict, *found)) == []
    assert versions(offer(off, *found)) == ["2.0", "1.0"]
    assert versions(offer(ReleaseAges(NOW, minimum=timedelta(0)), *found)) == ["2.0", "1.0"]


@pytest.mark.parametrize(
    ("requirement", "named"),
    [
        ("A==1.0", {pin("a==1.0")}),
        ("a[x]===1.0", {pin("a==1.0")}),
        ("a==1.0,<2", set()),
        ("a==1.*", set()),
        ("a===odd", set()),
        ("a>=1.0", set()),
        ("a", set()),
    ],
)
def test_only_one_exact_version_names_a_release(requirement: str, named: set[object]) -> None:
    assert exactly_named([Requirement(requirement)]) == named


def test_what_the_user_names_exactly_may_be_young_but_not_what_a_package_names() -> None:
    asked = (Asked(Requirement("top==1"), "r.txt:1"),)
    pages: dict[NormalizedName, ProjectPage | NoSuchProject] = {
        canonicalize_name(name): ProjectPage(
            canonicalize_name(name), (release("1", 1, name).candidate,)
        )
        for name in ("top", "below")
    }
    known = Knowledge(pages, {pin("top==1"): metadata("top==1", "below==1")})
    exempt = replace(WEEK, exempt=exactly_named(one.requirement for one in asked))
    question = Question(asked, {}, TARGET, exempt)

    answer = solve(question, known)

    assert isinstance(answer, Conflict)
    assert any(line.startswith("below==1 is too young") for line in answer.reason)
    known.pages[canonicalize_name("below")] = ProjectPage(
        canonicalize_name("below"), (release("1", 8, "below").candidate,)
    )
    known.metadata[pin("below==1")] = metadata("below==1")
    solved = solve(question, known)
    assert isinstance(solved, Solution)
    assert solved.pins == (pin("below==1"), pin("top==1"))


def test_a_release_that_is_too_old_is_refused_while_there_is_a_fresher_one() -> None:
    found = [release("1.0", 366), release("2.0", 365), release("3.0", None)]

    assert versions(offer(YEAR, *found)) == ["2.0"]


def test_where_every_release_is_too_old_all_are_kept() -> None:
    found = [release("1.0", 900), release("2.0", 800), release("3.0", 3)]

    assert versions(offer(YEAR, *found, wanted="<3")) == ["2.0", "1.0"]


def test_a_release_that_a_constraint_pins_may_be_old() -> None:
    found = [release("1.0", 900), release("2.0", 3), release("1.5", None)]

    assert versions(offer(YEAR, *found, constraint="==1.0")) == ["1.0"]
    assert versions(offer(YEAR, *found, constraint="==1.5")) == ["1.5"]


def test_where_no_age_is_known_a_maximum_refuses_everything() -> None:
    refused = offer(YEAR, release("1.0", None))

    assert refused.candidates == ()
    assert "a==1.0 is refused: no release older than 365 days may be used" in refused.refusals[0]
    assert "constrain a to a==1.0" in refused.refusals[0]


def test_no_more_than_three_releases_are_spoken_of() -> None:
    refused = offer(WEEK, *(release(f"{number}.0", 1) for number in range(9)))

    assert len(refused.refusals) == 3
    assert refused.refusals[0].startswith("a==8.0 ")


def test_both_limits_hold_at_once() -> None:
    both = replace(WEEK, maximum=timedelta(days=1))

    refused = offer(both, release("2.0", 1))
    kept = offer(both, release("2.0", 1), release("1.0", 8))

    assert refused.candidates == ()
    assert versions(kept) == ["1.0"]


@pytest.mark.parametrize("ages", [WEEK, YEAR])
def test_a_commit_has_no_age(ages: ReleaseAges) -> None:
    uploaded = release("1.0", None).candidate
    commit = replace(uploaded, sdist=replace(uploaded.sdist, url="git+https://git.example/a@x"))

    found = offers_for(ProjectPage(NAME, (commit,)), [], None, TARGET, ages)

    assert found.candidates == (commit,)


def test_a_commit_that_settings_lead_to_is_as_old_as_it_says() -> None:
    uploaded = release("1.0", None).candidate
    file = replace(uploaded.sdist, url="git+https://git.example/a@x")
    led = replace(uploaded, sdist=file, by_settings=True)

    found = offers_for(ProjectPage(NAME, (led,)), [], None, TARGET, WEEK)

    assert found.candidates == ()
    assert "no upload time" in found.refusals[-1]

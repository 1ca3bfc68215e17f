"""Of a project's releases, only those that the standards and the user allow are offered."""

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.domain.releases import NoSuchProject, ProjectPage
from builder.resolve.constraints import Constraint
from builder.resolve.offers import Offer, offers_for
from tests.facts import TARGET
from tests.fakes.index import FakeRelease

NAME = canonicalize_name("a")


def offer(*releases: FakeRelease, wanted: str = "", constraint: str | None = None) -> Offer:
    page = ProjectPage(NAME, tuple(release.candidate for release in releases), ("no sdist: x",))
    limit = None if constraint is None else Constraint(SpecifierSet(constraint), (), ("c.txt:3",))
    return offers_for(page, [SpecifierSet(wanted)], limit, TARGET)


def versions(given: Offer) -> list[str]:
    return [str(candidate.pin.version) for candidate in given.candidates]


def releases(*numbers: str) -> list[FakeRelease]:
    return [FakeRelease("a", number) for number in numbers]


def test_the_newest_comes_first_whatever_order_the_index_has() -> None:
    assert versions(offer(*releases("1.9", "1.10", "1.2"))) == ["1.10", "1.9", "1.2"]


def test_pre_releases_count_only_where_they_are_named() -> None:
    found = releases("1.0", "2.0rc1")

    assert versions(offer(*found)) == ["1.0"]
    assert versions(offer(*found, wanted=">=2.0rc1")) == ["2.0rc1"]
    assert versions(offer(*found, wanted=">=0", constraint="==2.0rc1")) == ["2.0rc1"]


def test_pre_releases_count_where_there_is_nothing_else() -> None:
    assert versions(offer(*releases("2.0a1", "2.0rc1"))) == ["2.0rc1", "2.0a1"]


def test_a_yanked_release_counts_only_where_it_is_pinned() -> None:
    found = [FakeRelease("a", "1.0"), FakeRelease("a", "2.0", yanked="broken")]

    assert versions(offer(*found)) == ["1.0"]
    assert versions(offer(*found, wanted=">=2")) == []
    assert versions(offer(*found, wanted="==2.*")) == []
    assert versions(offer(*found, wanted="==2")) == ["2.0"]
    assert versions(offer(*found, constraint="==2.0")) == ["2.0"]


def test_a_release_for_another_python_is_not_offered() -> None:
    found = [FakeRelease("a", "1.0"), FakeRelease("a", "2.0", requires_python=">=3.14")]

    assert versions(offer(*found)) == ["1.0"]
    assert offer(found[1]).refusals == ("a==2.0 needs Python >=3.14, the image has 3.13.1",)


def test_an_arbitrary_equality_that_is_no_version_matches_nothing() -> None:
    assert versions(offer(*releases("1.0"), wanted="===nonsense")) == []


def test_a_refusal_says_why() -> None:
    assert "a==1.0 was yanked: broken" in offer(FakeRelease("a", "1.0", yanked="broken")).refusals
    assert "yanked: no reason given" in offer(FakeRelease("a", "1.0", yanked="")).refusals[0]
    assert "no release with a source archive" in offer().refusals[0]
    assert "no sdist: x" in offer().refusals
    assert "the newest is 1.0" in offer(*releases("1.0"), wanted=">1").refusals[0]
    assert offer(*releases("1.0"), constraint=">1").refusals[0] == "c.txt:3 limits a to >1"


def test_a_project_that_is_nowhere_names_who_was_asked() -> None:
    nowhere = NoSuchProject(NAME, ("https://index.example/simple/",))

    (said,) = offers_for(nowhere, [], None, TARGET).refusals

    assert said == ("no index knows a project named a (asked: https://index.example/simple/)")

"""What counts as a release depends on the kinds of files that are wanted, and each has an age."""

from datetime import UTC, datetime, timedelta

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.domain.releases import ProjectPage, RemoteFile
from builder.resolve.ages import ReleaseAges
from builder.resolve.available import Cooldown, Kinds, counting, listed, newest, objections
from builder.resolve.constraints import Constraint
from tests.facts import TARGET, pin
from tests.fakes.index import FakeRelease

NAME = canonicalize_name("a")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NO_LIMIT = ReleaseAges(NOW)
WEEK = ReleaseAges(NOW, minimum=timedelta(days=7))
BOTH = Kinds(sdists=True, wheels=True)
WHEELS = Kinds(sdists=False, wheels=True)


def wheel(version: str, tag: str = "py3-none-any", days: float = 30) -> RemoteFile:
    name = f"a-{version}-{tag}.whl"
    uploaded = NOW - timedelta(days=days)
    return RemoteFile(name, f"https://index.example/{name}", None, upload_time=uploaded)


def page(*releases: FakeRelease, wheels: tuple[RemoteFile, ...] = ()) -> ProjectPage:
    by_version: dict[Version, tuple[RemoteFile, ...]] = {}
    for file in wheels:
        version = Version(file.filename.split("-")[1])
        by_version[version] = (*by_version.get(version, ()), file)
    return ProjectPage(NAME, tuple(one.candidate for one in releases), wheels=by_version)


def versions(found: ProjectPage) -> list[str]:
    return [str(candidate.pin.version) for candidate in found.candidates]


def test_each_kind_of_file_makes_its_own_releases_count() -> None:
    found = page(FakeRelease("a", "1.0"), wheels=(wheel("2.0"), wheel("3.0", "cp39-cp39-win32")))

    assert versions(counting(found, Kinds(), TARGET)) == ["1.0"]
    assert versions(counting(found, WHEELS, TARGET)) == ["2.0"]
    assert versions(counting(found, BOTH, TARGET)) == ["2.0", "1.0"]
    anywhere = Kinds(sdists=False, wheels=True, any_platform=True)
    assert versions(counting(found, anywhere, TARGET)) == ["3.0", "2.0"]
    assert versions(counting(found, WHEELS, None)) == ["3.0", "2.0"]


def test_a_release_is_as_young_as_the_youngest_file_that_counts() -> None:
    sdist = FakeRelease("a", "1.0", upload_time=NOW - timedelta(days=30))
    found = page(sdist, wheels=(wheel("1.0", days=2),))

    (alone,) = listed(counting(found, Kinds(), TARGET).candidates, WEEK)
    (together,) = listed(counting(found, BOTH, TARGET).candidates, WEEK)

    assert (alone.age_days, alone.cooldown) == (30, Cooldown.AVAILABLE)
    assert (together.age_days, together.cooldown) == (2, Cooldown.BLOCKED)


def test_an_unknown_time_counts_as_youngest_and_is_blocked() -> None:
    found = page(FakeRelease("a", "1.0"), wheels=(wheel("1.0"),))

    (one,) = listed(counting(found, BOTH, TARGET).candidates, WEEK)

    assert (one.upload_time, one.age_days, one.cooldown) == (None, None, Cooldown.BLOCKED)


def test_without_a_minimum_nothing_is_said_of_it_and_the_oldest_version_comes_first() -> None:
    found = page(FakeRelease("a", "1.10"), FakeRelease("a", "1.9"))

    rows = listed(found.candidates, NO_LIMIT)

    assert [str(row.pin) for row in rows] == ["a==1.9", "a==1.10"]
    assert {row.cooldown for row in rows} == {Cooldown.UNLIMITED}


def test_a_release_is_yanked_where_every_file_that_counts_is() -> None:
    found = page(FakeRelease("a", "1.0", yanked="bad"), wheels=(wheel("1.0"),))

    (sdist,) = counting(found, Kinds(), TARGET).candidates
    (both,) = counting(found, BOTH, TARGET).candidates

    assert (sdist.yanked, both.yanked) == ("bad", None)


def test_the_newest_release_is_the_highest_version_whatever_speaks_against_it() -> None:
    found = page(FakeRelease("a", "1.0", yanked="bad"), wheels=(wheel("2.0rc1"),))

    assert newest(found) == pin("a==2.0rc1")
    assert newest(page()) is None


def test_everything_that_speaks_against_a_release_is_told() -> None:
    young = FakeRelease(
        "a", "3.0rc1", requires_python=">=3.14", yanked="bad", upload_time=NOW - timedelta(days=1)
    )
    limit = Constraint(SpecifierSet("<2"), (), ("c.txt:1",))

    told = objections(pin("a==3.0rc1"), page(young), SpecifierSet("<1"), limit, TARGET, WEEK)

    assert told[:-1] == (
        "the requirement asks for <1",
        "c.txt:1 limits a to <2",
        "a==3.0rc1 is a pre-release",
        "a==3.0rc1 needs Python >=3.14, the image has 3.13.1",
        "a==3.0rc1 was yanked: bad",
    )
    assert told[-1].startswith("a==3.0rc1 is too young")


def test_nothing_speaks_against_what_is_pinned_and_old_enough() -> None:
    old = FakeRelease("a", "3.0rc1", yanked="bad", upload_time=NOW - timedelta(days=9))

    assert objections(pin("a==3.0rc1"), page(old), SpecifierSet("==3.0rc1"), None, None, WEEK) == ()


def test_a_release_without_a_file_that_counts_says_so() -> None:
    told = objections(pin("a==2.0"), page(), SpecifierSet(), None, TARGET, NO_LIMIT)

    assert told == ("a==2.0 has no file of a kind that counts",)

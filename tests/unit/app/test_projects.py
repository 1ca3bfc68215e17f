"""Questions about single projects are answered by the rules of a bootstrap."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.app.projects import Distribution, Projects, Rules
from builder.domain.events import Event, Noted
from builder.overrides.reading import read_overrides
from builder.resolve.ages import ReleaseAges
from builder.resolve.available import Cooldown
from builder.resolve.constraints import Constraint
from builder.resolve.requirements_file import RequirementLine
from tests.facts import TARGET
from tests.fakes.index import FakeIndex, FakeRelease

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NAME = canonicalize_name("a")


@dataclass
class Told:
    """Hears what is told."""

    notes: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        assert isinstance(event, Noted)
        self.notes.append(event.text)


def release(version: str, days: int = 100, requires_python: str = "") -> FakeRelease:
    uploaded = NOW - timedelta(days=days)
    return FakeRelease("a", version, None, requires_python, upload_time=uploaded)


def projects(
    *releases: FakeRelease,
    folder: Path,
    settings: str = "",
    constraint: str = "",
    minimum: int = 0,
    told: Told | None = None,
) -> Projects:
    if settings:
        (folder / "a.yaml").write_text(settings)
    overrides = read_overrides(folder / "none.yaml", folder, folder / "none", "cpu")
    limits = {NAME: Constraint(SpecifierSet(constraint), (), ("c.txt:1",))} if constraint else {}
    days = overrides.min_release_age(NAME)
    ages = ReleaseAges(
        NOW,
        timedelta(days=minimum),
        own_minimums={} if days is None else {NAME: timedelta(days=days)},
    )
    rules = Rules(overrides, limits, TARGET, ages)
    return Projects(FakeIndex(releases), rules, told or Told())


def line(text: str) -> RequirementLine:
    return RequirementLine(Requirement(text), (), "constraints.txt:1")


def test_versions_obey_requirement_constraint_and_the_targets_python(tmp_path: Path) -> None:
    found = [release("1"), release("2"), release("3", requires_python=">=3.14"), release("4")]
    asked = projects(*found, folder=tmp_path, constraint="<4")

    listed = asked.versions(Requirement("A>1"), Distribution.DEFAULT)

    assert [str(it.pin) for it in listed.releases] == ["a==2"]


def test_versions_that_are_too_young_are_listed_as_such(tmp_path: Path) -> None:
    asked = projects(release("1"), release("2", days=1), folder=tmp_path, minimum=7)

    listed = asked.versions(Requirement("a"), Distribution.DEFAULT)

    assert [it.cooldown for it in listed.releases] == [Cooldown.AVAILABLE, Cooldown.BLOCKED]


def test_the_minimum_age_of_the_projects_own_settings_can_be_left_out(tmp_path: Path) -> None:
    own = "resolver_dist: {min_release_age: 0}"
    asked = projects(release("2", days=1), folder=tmp_path, settings=own, minimum=7)

    (kept,) = asked.versions(Requirement("a"), Distribution.DEFAULT).releases
    (without,) = asked.versions(Requirement("a"), Distribution.DEFAULT, own_ages=False).releases

    assert (kept.cooldown, without.cooldown) == (Cooldown.UNLIMITED, Cooldown.BLOCKED)


def test_settings_say_which_files_count_by_default(tmp_path: Path) -> None:
    own = "resolver_dist: {include_sdists: false, include_wheels: true}"
    with_wheel = FakeRelease("a", "2", ())
    asked = projects(release("1"), with_wheel, folder=tmp_path, settings=own)

    def found(distribution: Distribution) -> list[str]:
        listed = asked.versions(Requirement("a"), distribution)
        return [str(it.pin.version) for it in listed.releases]

    assert found(Distribution.DEFAULT) == ["2"]
    assert found(Distribution.SDIST) == ["1", "2"]
    assert found(Distribution.WHEEL) == ["2"]
    assert found(Distribution.BOTH) == ["1", "2"]


def test_nothing_found_says_why(tmp_path: Path) -> None:
    asked = projects(release("1"), folder=tmp_path)

    unknown = asked.versions(Requirement("b"), Distribution.DEFAULT)
    unmatched = asked.versions(Requirement("a>1"), Distribution.DEFAULT)

    assert "no index knows a project named b" in unknown.refusals[0]
    assert "the newest is 1" in unmatched.refusals[0]


def test_the_chosen_release_is_set_against_the_newest(tmp_path: Path) -> None:
    found = [release("1"), release("2", days=1), release("3", days=1)]
    asked = projects(*found, folder=tmp_path, constraint="<3", minimum=7)

    resolved = asked.resolve(Requirement("a"), Distribution.DEFAULT)

    assert resolved.chosen is not None
    assert str(resolved.chosen.pin) == "a==1"
    assert [str(it.pin.version) for it in resolved.matching] == ["1", "2"]
    assert str(resolved.newest) == "a==3"
    assert resolved.objections[0] == "c.txt:1 limits a to <3"
    assert resolved.objections[1].startswith("a==3 is too young")


def test_a_release_that_is_named_exactly_may_be_young(tmp_path: Path) -> None:
    asked = projects(release("1"), release("2", days=1), folder=tmp_path, minimum=7)

    resolved = asked.resolve(Requirement("a==2"), Distribution.DEFAULT)

    assert resolved.chosen is not None
    assert str(resolved.chosen.pin) == "a==2"
    assert resolved.objections == ()


def test_a_requirement_that_leads_nowhere_says_why(tmp_path: Path) -> None:
    asked = projects(release("1", days=1), folder=tmp_path, minimum=7)

    young = asked.resolve(Requirement("a"), Distribution.DEFAULT)
    unknown = asked.resolve(Requirement("b"), Distribution.DEFAULT)

    assert (young.chosen, str(young.newest)) == (None, "a==1")
    assert young.refusals[-1].startswith("a==1 is too young")
    assert (unknown.chosen, unknown.newest) == (None, None)
    assert "no index knows" in unknown.refusals[0]


@pytest.mark.parametrize(
    ("constraint", "newer"),
    [
        ("a==2.0", ["2.1", "3.0"]),
        ("a===2.0", ["2.1", "3.0"]),
        ("a<2.1", ["2.1", "3.0"]),
        ("a<=2.1", ["3.0"]),
        ("a~=2.0", ["3.0"]),
        ("a!=2.0", ["2.1", "3.0"]),
        ("a>=1.0,<3", ["3.0"]),
        ("a>=2.0", []),
        ("a==2.*", []),
        ("a<3,!=2.1", []),
        ("a==1.0; python_version < '3'", []),
    ],
)
def test_updates_are_what_a_constraint_keeps_out(
    constraint: str, newer: list[str], tmp_path: Path
) -> None:
    found = [release("1.0"), release("2.0"), release("2.1"), release("3.0"), release("4.0rc1")]

    updates = projects(*found, folder=tmp_path).updates([line(constraint)], Distribution.DEFAULT)

    assert [str(pin.version) for pin in updates] == newer


def test_updates_are_old_enough_to_be_used(tmp_path: Path) -> None:
    found = [release("1"), release("2"), release("3", days=1)]

    updates = projects(*found, folder=tmp_path, minimum=7).updates(
        [line("a==1")], Distribution.DEFAULT
    )

    assert [str(pin) for pin in updates] == ["a==2"]


def test_lines_that_are_passed_over_are_told_with_their_place(tmp_path: Path) -> None:
    told = Told()

    projects(release("1"), folder=tmp_path, told=told).updates(
        [line("a>=1"), line("b==1")], Distribution.DEFAULT
    )

    assert told.notes[0] == "constraints.txt:1: a is passed over: it keeps no newer release out"
    assert told.notes[1].startswith("constraints.txt:1: no index knows a project named b")

"""Constraints of several files become one specifier for each project."""

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from builder.domain.digests import Digest
from builder.errors import ImpossibleError, InputError
from builder.resolve.constraints import Constraint, merge_constraints
from builder.resolve.requirements_file import RequirementLine

TARGET = {
    "implementation_name": "cpython",
    "implementation_version": "3.13.1",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_release": "6",
    "platform_system": "Linux",
    "platform_version": "1",
    "python_full_version": "3.13.1",
    "python_version": "3.13",
    "sys_platform": "linux",
}
ZEROS, ONES = Digest("0" * 64), Digest("1" * 64)


def line(text: str, origin: str = "c.txt:1", *hashes: Digest) -> RequirementLine:
    return RequirementLine(Requirement(text), hashes, origin)


def merged(*lines: RequirementLine) -> dict[str, Constraint]:
    return {str(name): it for name, it in merge_constraints(lines, TARGET).items()}


def test_constraints_on_one_project_are_joined_however_it_is_spelled() -> None:
    found = merged(line("Foo.Bar>=1", "a:1"), line("foo_bar<2", "b:7"), line("a==1", "a:2"))

    assert list(found) == ["a", "foo-bar"]
    assert found["foo-bar"] == Constraint(SpecifierSet(">=1,<2"), (), ("a:1", "b:7"))


def test_markers_are_those_of_the_target() -> None:
    found = merged(
        line("a==1; platform_machine == 'aarch64'"), line("a==2; platform_machine == 'x86_64'")
    )

    assert found["a"].specifier == SpecifierSet("==1")


def test_a_partial_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="os_name"):
        merge_constraints([], {"python_version": "3.13"})


@pytest.mark.parametrize(
    ("one", "other"),
    [("a<2", "a>=2"), ("a==1", "a==2"), ("a==1", "a!=1"), ("a===1", "a===2")],
)
def test_a_contradiction_names_both_places(one: str, other: str) -> None:
    with pytest.raises(ImpossibleError) as caught:
        merged(line(one, "a.txt:3"), line("a!=7", "b.txt:1"), line(other, "c.txt:9"))

    assert "(a.txt:3) and " in caught.value.message
    assert "(c.txt:9)" in caught.value.message
    assert "b.txt" not in caught.value.message
    assert caught.value.hint


def test_a_contradiction_within_one_line_names_it_alone() -> None:
    with pytest.raises(ImpossibleError, match=r"constraints: [<>=12,]+ \(a\.txt:3\)$"):
        merged(line("a<1,>=2", "a.txt:3"), line("a!=7", "b.txt:1"))


def test_a_contradiction_of_three_names_all() -> None:
    with pytest.raises(ImpossibleError, match=r"a:1.*b:1.*c:1"):
        merged(line("a>=1", "a:1"), line("a<=1", "b:1"), line("a!=1", "c:1"))


def test_below_zero_blocks_a_project() -> None:
    assert merged(line("a<0"), line("a<0"))["a"].specifier == SpecifierSet("<0")
    with pytest.raises(ImpossibleError, match=r"a:1.*b:1"):
        merged(line("a<0", "a:1"), line("a<1", "b:1"))


@pytest.mark.parametrize("text", ["a[b]==1", "a @ https://index.example/a.tgz", "a"])
def test_extras_urls_and_bare_names_are_no_constraints(text: str) -> None:
    with pytest.raises(InputError, match=r"^c\.txt:1: a constraint") as caught:
        merged(line(text))

    assert caught.value.hint


def test_hashes_must_have_one_in_common() -> None:
    assert merged(line("a==1", "a:1", ZEROS, ONES), line("a==1", "b:1", ONES))["a"].hashes == (
        ONES,
    )
    with pytest.raises(ImpossibleError, match="a:1 and b:1"):
        merged(line("a==1", "a:1", ZEROS), line("a==1", "b:1", ONES))

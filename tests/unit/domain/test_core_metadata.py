"""What upstream says of its requirements is read as the standards say, or refused with a reason."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.domain.core_metadata import (
    MAX_REQUIREMENTS,
    UnusableMetadataError,
    from_core_metadata,
    from_pkg_info,
    from_project_table,
    parse_requirements,
)
from builder.domain.metadata import MetadataOrigin
from tests.facts import TARGET, pin

PIN = pin("some-pkg==1.0")
HEAD = "Metadata-Version: 2.2\nName: Some.Pkg\nVersion: 1.0.0\n"


def read(text: str) -> list[str]:
    found = from_core_metadata(text, PIN, MetadataOrigin.WHEEL)
    return [str(requirement) for requirement in found.requires]


def project(**fields: Any) -> list[str] | None:
    found = from_project_table({"project": {"name": "some_pkg", **fields}}, PIN)
    return None if found is None else [str(requirement) for requirement in found.requires]


def test_names_and_versions_may_be_spelled_otherwise() -> None:
    assert read(HEAD + "Requires-Dist: x (>=1)\nRequires-Dist: y; extra == 'z'\n") == [
        "x>=1",
        'y; extra == "z"',
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Name: other\nVersion: 1.0\n",
        "Name: some-pkg\nVersion: 2.0\n",
        "Version: 1.0\n",
        "Name: some-pkg\n",
        "Name: some-pkg\nVersion: nonsense\n",
        "Name: some pkg;\nVersion: 1.0\n",
        HEAD + "Requires-Dist: --index-url=https://host.example\n",
        HEAD + "Requires-Dist: https://host.example/x.tar.gz\n",
    ],
)
def test_metadata_is_refused(text: str) -> None:
    with pytest.raises(UnusableMetadataError):
        read(text)


def test_a_url_passes_as_it_is_for_whoever_has_to_judge_it() -> None:
    named = "x @ git+https://git.example/x@v1"
    extras = {"project": {"name": "some-pkg", "optional-dependencies": {"more": [named]}}}

    required = read(HEAD + f"Requires-Dist: {named}\n")
    found = from_project_table(extras, PIN)

    assert required == [named]
    assert found is not None
    assert [str(one) for one in found.requires] == [f'{named} ; extra == "more"']


def test_too_many_requirements_are_refused() -> None:
    with pytest.raises(UnusableMetadataError, match="more than"):
        parse_requirements(["x"] * (MAX_REQUIREMENTS + 1))


def test_pkg_info_is_final_only_from_metadata_2_2_on_and_unless_dynamic() -> None:
    final = from_pkg_info(HEAD + "Requires-Dist: x\n", PIN)

    assert final is not None
    assert final.origin is MetadataOrigin.PKG_INFO
    assert from_pkg_info(HEAD.replace("2.2", "2.1"), PIN) is None
    assert from_pkg_info(HEAD + "Dynamic: Requires-Dist\n", PIN) is None
    assert from_pkg_info(HEAD.replace("2.2", "nonsense"), PIN) is None
    assert from_pkg_info("", PIN) is None


def test_a_project_table_gives_requirements_and_those_of_extras() -> None:
    extras = {"More.Things": ["b; python_version > '3'", "c[x]>=1"]}

    found = from_project_table(
        {
            "project": {
                "name": "some_pkg",
                "dependencies": ["a>=1"],
                "optional-dependencies": extras,
            }
        },
        PIN,
    )

    assert found is not None
    assert [str(requirement) for requirement in found.requires] == [
        "a>=1",
        'b; python_version > "3" and extra == "more-things"',
        'c[x]>=1; extra == "more-things"',
    ]


def test_an_extra_keeps_its_hold_on_a_marker_with_or() -> None:
    either = "b; sys_platform == 'linux' or os_name == 'nt'"
    found = from_project_table(
        {"project": {"name": "some-pkg", "optional-dependencies": {"x": [either]}}}, PIN
    )

    assert found is not None
    (requirement,) = found.requires
    assert requirement.marker is not None
    assert not requirement.marker.evaluate({**TARGET.markers, "extra": ""})
    assert requirement.marker.evaluate({**TARGET.markers, "extra": "x"})


@pytest.mark.parametrize("field", ["dependencies", "optional-dependencies"])
def test_what_is_dynamic_is_not_known_yet(field: str) -> None:
    assert project(dynamic=["version", field]) is None
    assert project(dynamic=["version"]) == []


def test_a_project_table_of_another_name_says_nothing() -> None:
    assert from_project_table({"project": {"name": "other"}}, PIN) is None
    assert from_project_table({"project": "nonsense"}, PIN) is None
    assert from_project_table({}, PIN) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"dependencies": "x"},
        {"dependencies": [1]},
        {"dependencies": ["no requirement!"]},
        {"optional-dependencies": ["x"]},
        {"optional-dependencies": {"x": "y"}},
        {"optional-dependencies": {'a" or os_name != "': ["y"]}},
        {"dynamic": 5},
        {"dynamic": "dependencies"},
    ],
)
def test_a_project_table_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UnusableMetadataError):
        project(**fields)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["name", "dependencies", "optional-dependencies", "dynamic", "version"])


@given(st.dictionaries(FIELDS, VALUES))
def test_no_project_table_does_worse_than_being_refused(fields: dict[str, Any]) -> None:
    with suppress(UnusableMetadataError):
        from_project_table({"project": {"name": "some-pkg", **fields}}, PIN)


@given(st.text(max_size=200))
def test_no_metadata_does_worse_than_being_refused(text: str) -> None:
    with suppress(UnusableMetadataError):
        read(HEAD + text)

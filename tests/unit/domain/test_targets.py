"""A target's markers and tags are made of what its interpreter says, and of nothing else."""

import pytest
from packaging.tags import Tag

from builder.domain.targets import target_python
from tests.facts import DESCRIPTION, MARKERS


def tags(**changed: object) -> frozenset[Tag]:
    return target_python(DESCRIPTION.model_copy(update=changed)).tags


def test_wheels_of_this_python_and_machine_can_be_installed() -> None:
    assert {
        Tag("cp313", "cp313", "manylinux_2_36_s390x"),
        Tag("cp313", "cp313", "manylinux_2_17_s390x"),
        Tag("cp313", "cp313", "linux_s390x"),
        Tag("cp313", "abi3", "linux_s390x"),
        Tag("cp38", "abi3", "linux_s390x"),
        Tag("py3", "none", "any"),
        Tag("cp313", "none", "any"),
    } <= tags()


def test_wheels_for_others_cannot() -> None:
    assert not tags() & {
        Tag("cp313", "cp313", "manylinux_2_37_s390x"),
        Tag("cp313", "cp313", "manylinux_2_16_s390x"),
        Tag("cp313", "cp313", "manylinux_2_36_x86_64"),
        Tag("cp313", "cp313t", "linux_s390x"),
        Tag("cp314", "cp314", "linux_s390x"),
        Tag("cp313", "cp313", "musllinux_1_2_s390x"),
    }


def test_a_free_threaded_python_has_an_abi_of_its_own() -> None:
    found = tags(free_threaded=True)

    assert Tag("cp313", "cp313t", "linux_s390x") in found
    assert Tag("cp313", "cp313", "linux_s390x") not in found


def test_an_old_x86_64_wheel_runs_on_a_new_glibc() -> None:
    markers = {**MARKERS, "platform_machine": "x86_64"}
    found = tags(markers=markers, platform="linux-x86_64")

    assert Tag("cp313", "cp313", "manylinux_2_5_x86_64") in found
    assert {"manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"} <= {
        tag.platform for tag in found
    }


def test_an_older_name_of_a_tag_counts_where_the_tag_does() -> None:
    platforms = {tag.platform for tag in tags()}

    assert "manylinux2014_s390x" in platforms
    assert "manylinux2010_s390x" not in platforms


def test_without_glibc_there_is_no_manylinux() -> None:
    assert not any("manylinux" in tag.platform for tag in tags(libc=("", "")))


def test_the_minor_version_has_two_numbers() -> None:
    assert target_python(DESCRIPTION).minor_version == "3.13"


@pytest.mark.parametrize(
    "markers",
    [
        {**MARKERS, "implementation_name": "pypy"},
        {**MARKERS, "extra": "x"},
        {name: value for name, value in MARKERS.items() if name != "os_name"},
    ],
)
def test_another_interpreter_or_other_markers_are_refused(markers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"interpreter|supported"):
        target_python(DESCRIPTION.model_copy(update={"markers": markers}))

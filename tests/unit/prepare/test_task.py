"""What a prepared source says of itself is read, or is a reason not to build it."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.domain.customization import Preparation, RequirementChanges
from builder.domain.instructions import RunCommand
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.patches import Patch, Patches
from builder.domain.releases import Pin
from builder.domain.repositories import provisional_version
from builder.domain.sources import BuildSystem
from builder.prepare.task import (
    UnfitSetting,
    UnusablePatch,
    UnusableSource,
    prepare_task,
    read_answer,
)
from tests.facts import pin

PIN = pin("some-pkg==1.0")
AS_IT_IS = Preparation()
PATCHED = Preparation(Patches((Patch("p/1.patch", Path()), Patch("p/2.patch", Path()))))


def answer(**changed: object) -> bytes:
    fields: dict[str, object] = {"status": "prepared", "pyproject": None, "pkg_info": None}
    fields |= {"has_setup": True, "compiled": [], "compiled_count": 0}
    return json.dumps(fields | changed).encode()


def system(pyproject: str | None, *, has_setup: bool = False) -> BuildSystem:
    return read_answer(answer(pyproject=pyproject, has_setup=has_setup), PIN, AS_IT_IS).build_system


def metadata(preparation: Preparation = AS_IT_IS, **changed: object) -> ReleaseMetadata | None:
    return read_answer(answer(**changed), PIN, preparation).metadata


def test_the_order_names_the_archive_and_the_one_folder() -> None:
    preparation = replace(PATCHED, build_dir="python")

    assert prepare_task(PIN, "sdist.tar.gz", preparation, ["001-a.patch"]) == {
        "action": "prepare",
        "archive": "sdist.tar.gz",
        "patches": ["001-a.patch"],
        "build_dir": "python",
        "requires": None,
        "instructions": [],
        "has_crates": False,
        "top": "some_pkg-1.0",
        "epoch": 315532800,
        "stub": {"name": "some-pkg", "version": "1.0"},
    }


def test_a_source_whose_release_is_to_be_found_out_is_told_nothing() -> None:
    provisional = Pin(PIN.name, provisional_version("0" * 40))

    assert prepare_task(provisional, "sdist.tar.gz", AS_IT_IS)["stub"] is None


def test_changes_of_build_requirements_are_told_by_project() -> None:
    update = [Requirement(text) for text in ("Some_Tool>=1", "b", 'some.tool<1;python_version<"3"')]
    changes = RequirementChanges(tuple(update), (canonicalize_name("C"),))

    order = prepare_task(PIN, "sdist.tar.gz", replace(AS_IT_IS, requires=changes))

    assert order["requires"] == {
        "update": {"some-tool": ["Some_Tool>=1", 'some.tool<1; python_version < "3"'], "b": ["b"]},
        "remove": ["c"],
    }


def test_a_build_system_is_taken_as_it_is_written() -> None:
    found = system(
        '[build-system]\nrequires = ["a>=1"]\nbuild-backend = "b:c"\nbackend-path = ["x/y"]\n'
    )

    assert [str(requirement) for requirement in found.requires] == ["a>=1"]
    assert (found.backend, found.backend_path) == ("b:c", ("x/y",))


def test_a_missing_build_system_means_setuptools() -> None:
    legacy = system(None, has_setup=True)

    assert legacy.backend == "setuptools.build_meta:__legacy__"
    assert [str(requirement) for requirement in legacy.requires] == ["setuptools>=40.8.0"]
    assert system('[project]\nname = "some-pkg"\n').backend == legacy.backend
    assert system("[build-system]\nrequires = []\n").backend == legacy.backend


UNUSABLE = {
    "nothing to build": None,
    "no TOML": "[build-system",
    "a build system that is no table": "build-system = 1",
    "no requires": "[build-system]\n",
    "requires that is no list": '[build-system]\nrequires = "x"\n',
    "a requirement that is none": '[build-system]\nrequires = ["-r x"]\n',
    "a URL": '[build-system]\nrequires = ["https://host.example/x"]\n',
    "a number as backend": "[build-system]\nrequires = []\nbuild-backend = 1\n",
    "a backend-path that is no list": '[build-system]\nrequires = []\nbackend-path = "x"\n',
    "a backend-path that leaves": '[build-system]\nrequires = []\nbackend-path = ["a/../.."]\n',
    "an absolute backend-path": '[build-system]\nrequires = []\nbackend-path = ["/x"]\n',
    "a dynamic that is no list": '[project]\nname = "some-pkg"\ndynamic = 5\n',
    "dependencies that are none": '[project]\nname = "some-pkg"\ndependencies = [1]\n',
    "an extra that is none": '[project]\nname = "some-pkg"\n'
    "optional-dependencies = { 'a\"b' = ['x'] }\n",
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_source_is_unusable_for(what: str) -> None:
    with pytest.raises(UnusableSource):
        system(UNUSABLE[what])


def test_a_pkg_info_that_is_final_comes_before_the_project_table() -> None:
    pkg_info = "Metadata-Version: 2.2\nName: some-pkg\nVersion: 1.0\nRequires-Dist: x\n"
    pyproject = '[project]\nname = "some-pkg"\ndependencies = ["y"]\n'

    from_both = metadata(pkg_info=pkg_info, pyproject=pyproject)
    from_table = metadata(pkg_info="", pyproject=pyproject)

    assert from_both is not None
    assert from_table is not None
    assert from_both.origin is MetadataOrigin.PKG_INFO
    assert from_table.origin is MetadataOrigin.PYPROJECT
    assert metadata() is None


def test_a_pkg_info_of_another_release_is_refused() -> None:
    pkg_info = "Metadata-Version: 2.2\nName: other\nVersion: 1.0\n"

    with pytest.raises(UnusableSource, match="other"):
        read_answer(answer(pkg_info=pkg_info), PIN, AS_IT_IS)


def test_a_refused_archive_says_why() -> None:
    refused = json.dumps({"status": "refused", "reason": "holds a device"}).encode()

    with pytest.raises(UnusableSource, match="the source archive holds a device"):
        read_answer(refused, PIN, AS_IT_IS)


def unpatched(number: object, reason: object = "hunk 1 of f does not fit") -> bytes:
    return json.dumps({"status": "unpatched", "number": number, "reason": reason}).encode()


def test_a_patch_that_does_not_fit_is_named() -> None:
    with pytest.raises(UnusablePatch, match=r"patch p/2\.patch does not apply: hunk 1 of f"):
        read_answer(unpatched(1), PIN, PATCHED)


@pytest.mark.parametrize("number", [-1, 2, "1", 1.5, None, True])
def test_a_patch_that_was_not_given_cannot_fail(number: object) -> None:
    with pytest.raises(UnusableSource, match="no usable result"):
        read_answer(unpatched(number), PIN, PATCHED)


def test_a_patched_source_is_believed_less() -> None:
    pkg_info = "Metadata-Version: 2.2\nName: some-pkg\nVersion: 1.0\nRequires-Dist: x\n"

    assert metadata(PATCHED, pkg_info=pkg_info) is None


def test_other_build_requirements_change_nothing_that_is_said_of_a_release() -> None:
    pkg_info = "Metadata-Version: 2.2\nName: some-pkg\nVersion: 1.0\nRequires-Dist: x\n"
    changes = RequirementChanges(remove=(canonicalize_name("c"),))

    found = metadata(replace(AS_IT_IS, requires=changes), pkg_info=pkg_info)

    assert found is not None
    assert list(map(str, found.requires)) == ["x"]


def test_a_source_that_a_plugin_changed_is_believed_less() -> None:
    pkg_info = "Metadata-Version: 2.2\nName: some-pkg\nVersion: 1.0\nRequires-Dist: x\n"
    changed = replace(AS_IT_IS, instructions=(RunCommand(("make",)),))

    assert metadata(changed, pkg_info=pkg_info) is None


def test_a_command_of_a_plugin_that_failed_is_told() -> None:
    undone = json.dumps({"status": "undone", "reason": "make ended with exit status 2"}).encode()

    with pytest.raises(UnusableSource, match="what its plugin asks for: make ended with exit"):
        read_answer(undone, PIN, AS_IT_IS)


@pytest.mark.parametrize("setting", ["build_dir", "project_override"])
def test_a_setting_that_does_not_fit_is_named(setting: str) -> None:
    unfit = json.dumps({"status": "unfit", "setting": setting, "reason": "'x' is a link"}).encode()

    with pytest.raises(UnfitSetting, match=f"{setting}: 'x' is a link"):
        read_answer(unfit, PIN, AS_IT_IS)


def test_a_folder_without_a_project_is_the_fault_of_the_setting() -> None:
    with pytest.raises(UnfitSetting, match=r"build_dir: 'sub' has no pyproject\.toml"):
        read_answer(answer(has_setup=False), PIN, replace(AS_IT_IS, build_dir="sub"))


def test_compiled_files_are_bounded_in_number() -> None:
    found = read_answer(answer(compiled=["a.so"] * 20, compiled_count=100), PIN, AS_IT_IS)

    assert (len(found.compiled), found.compiled_count) == (20, 100)
    with pytest.raises(UnusableSource, match="no usable result"):
        read_answer(answer(compiled=["a.so"] * 21, compiled_count=100), PIN, AS_IT_IS)


@given(st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b"1", b"{}", b"null", b"\xff"]))
def test_no_answer_does_worse_than_being_unusable(content: bytes) -> None:
    with pytest.raises(UnusableSource):
        read_answer(content, PIN, AS_IT_IS)


@given(
    st.dictionaries(
        st.sampled_from(["status", "pyproject", "pkg_info", "has_setup", "reason", "x"]),
        st.none() | st.booleans() | st.text(max_size=30) | st.integers(),
    )
)
def test_no_fields_do_worse_than_being_unusable(fields: dict[str, object]) -> None:
    with suppress(UnusableSource):
        read_answer(json.dumps(fields).encode(), PIN, AS_IT_IS)

"""What a build container is told, and what its answer means."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from builder.build.task import (
    HookFailed,
    MetadataMade,
    UnusableAnswer,
    WantsMore,
    WheelMade,
    build_task,
    fixed_variables,
    job_variables,
    read_answer,
    with_environment,
)
from builder.domain.builds import BuildSpec, Goal
from builder.domain.digests import Digest
from builder.domain.sources import BuildSystem, SourceTree
from tests.facts import pin


def read(**fields: object) -> object:
    return read_answer(json.dumps(fields).encode())


def test_the_order_names_goal_backend_and_what_is_accepted() -> None:
    system = BuildSystem((), "backend:object", ("src",))
    source = SourceTree(
        pin("a==1"), Digest("a" * 64), Digest("b" * 64), "https://index.example/a", system, None
    )
    spec = BuildSpec(Goal.METADATA, source, "i", Digest("c" * 64), (), ("x>1",), ())

    assert build_task(spec, "a-1") == {
        "action": "build",
        "goal": "metadata",
        "top": "a-1",
        "build_dir": "",
        "instructions": [],
        "backend": "backend:object",
        "backend_path": ["src"],
        "accepted": ["x>1"],
        "config_settings": {},
    }


def test_every_answer_is_understood() -> None:
    wanted = (Requirement("x>=1"),)

    assert read(status="built", requires=["x>=1"], wheel="w.whl") == WheelMade("w.whl", wanted)
    assert read(status="metadata", requires=[], metadata="text") == MetadataMade("text", ())
    assert read(status="more", requires=["x >= 1"]) == WantsMore(wanted, ("x >= 1",))
    assert read(status="failed", hook="h", reason="r") == HookFailed("h", "r")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": "built"},
        {"status": "built", "requires": [], "wheel": "w", "more": 1},
        {"status": "built", "requires": [1], "wheel": "w"},
        {"status": "more", "requires": ["--index-url=https://host.example"]},
        {"status": "more", "requires": ["file:///etc/passwd"]},
        {"status": "broken", "reason": "r"},
        {"status": "refused", "reason": "r"},
        {"status": "nonsense"},
    ],
)
def test_an_answer_is_unusable(fields: dict[str, object]) -> None:
    with pytest.raises(UnusableAnswer):
        read(**fields)


@given(st.binary(max_size=50) | st.sampled_from([b"[" * 100_000, b'{"status": "built"}', b"\xff"]))
def test_no_answer_does_worse_than_being_unusable(content: bytes) -> None:
    with suppress(UnusableAnswer):
        read_answer(content)


def test_variables_are_the_same_for_everyone_and_in_order() -> None:
    variables = fixed_variables(5)

    assert list(variables) == sorted(variables)
    assert dict(variables)["SOURCE_DATE_EPOCH"] == "5"
    assert dict(variables)["PIP_INDEX_URL"] == "file:///index/simple/"


def test_the_number_of_jobs_is_no_part_of_what_is_built() -> None:
    assert not set(dict(job_variables(4))) & set(dict(fixed_variables(5)))
    assert dict(job_variables(4))["MAKEFLAGS"] == "-j4"


def test_a_search_path_has_the_programs_of_the_build_environment() -> None:
    assert with_environment("/opt/bin:/bin") == "/env/bin:/opt/bin:/bin"
    assert with_environment("/opt/bin:/env/bin") == "/opt/bin:/env/bin"
    assert with_environment(dict(fixed_variables(5))["PATH"]).count("/env/bin") == 1

"""Which crates a Rust project has to have, and where its manifests are."""

import json

import pytest

from builder.domain.customization import Vendoring
from builder.prepare.crates import (
    LaidCrate,
    Manifests,
    UnusableCrates,
    crates_of,
    is_laid,
    read_fetched,
    read_survey,
    wanted_manifests,
)
from builder.prepare.task import UnusableSource

SUM = "ab" * 32
COMMIT = "cd" * 20
REGISTRY = "registry+https://index.example/crates"


def pyproject(requires: str = "", backend: str = "x", more: str = "") -> str:
    return f'[build-system]\nrequires = [{requires}]\nbuild-backend = "{backend}"\n{more}'


def package(name: str, version: str = "1.0.0", source: str = REGISTRY, checksum: str = SUM) -> str:
    lines = [f'[[package]]\nname = "{name}"\nversion = "{version}"']
    lines += [f'source = "{source}"'] if source else []
    lines += [f'checksum = "{checksum}"'] if checksum else []
    return "\n".join(lines) + "\n"


USUAL = Manifests(())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pyproject(backend="maturin"), USUAL),
        (pyproject('"maturin>=1,<2"'), USUAL),
        (pyproject('"setuptools", "Setuptools_Rust >= 1"'), USUAL),
        (pyproject('"setuptools"'), None),
        (pyproject('"not a requirement at all"'), None),
        ("[build-system]\nrequires = 3\n", None),
        ("", None),
        (None, None),
        (
            pyproject('"maturin"', more='[tool.maturin]\nmanifest-path = "rust/core/Cargo.toml"\n'),
            Manifests(("rust/core/Cargo.toml",)),
        ),
        (
            pyproject(
                '"setuptools-rust"',
                more='[[tool.setuptools-rust.ext-modules]]\ntarget = "a"\npath = "a/Cargo.toml"\n'
                '[[tool.setuptools-rust.ext-modules]]\ntarget = "b"\n',
            ),
            Manifests(("a/Cargo.toml", "Cargo.toml")),
        ),
    ],
)
def test_a_project_of_rust_is_told_by_its_build_requirements(
    text: str | None, expected: Manifests | None
) -> None:
    assert wanted_manifests(text, Vendoring()) == expected


def test_settings_have_the_last_word_about_manifests() -> None:
    named = Vendoring(manifests=("deep/Cargo.toml",))

    assert wanted_manifests(pyproject(), named) == Manifests(("deep/Cargo.toml",))
    assert wanted_manifests(pyproject(), Vendoring(before_patches=True)) == USUAL
    assert wanted_manifests(pyproject('"maturin"'), Vendoring(wanted=False)) is None


@pytest.mark.parametrize("path", ["../Cargo.toml", "/etc/Cargo.toml", "a/../../Cargo.toml", ""])
def test_a_manifest_outside_of_the_source_is_refused(path: str) -> None:
    text = pyproject('"maturin"', more=f'[tool.maturin]\nmanifest-path = "{path}"\n')

    with pytest.raises(UnusableSource, match="leaves the source"):
        wanted_manifests(text, Vendoring())


def test_crates_are_what_the_locks_name_and_the_source_has_not() -> None:
    git = f"git+https://git.example/mark?branch=main#{COMMIT}"
    one = package("project", source="", checksum="") + package("tiny")
    other = package("tiny") + package("mark", "0.3.0", git, "")

    mark, tiny = crates_of({"Cargo.lock": one, "rust/Cargo.lock": other})

    assert (tiny.name, tiny.version, tiny.checksum, tiny.is_git) == ("tiny", "1.0.0", SUM, False)
    assert (mark.checksum, mark.is_git) == (None, True)
    assert mark.repository == "https://git.example/mark?branch=main"


def test_checksums_of_old_locks_stand_apart() -> None:
    lock = package("tiny", checksum="") + (
        f'[metadata]\n"checksum tiny 1.0.0 ({REGISTRY})" = "{SUM}"\n'
    )

    assert [crate.checksum for crate in crates_of({"Cargo.lock": lock})] == [SUM]


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        (package("tiny", checksum=""), "has no checksum"),
        (package("tiny", checksum="short"), "has no checksum"),
        (package("tiny", source="registry+http://index.example/x"), "only https may be followed"),
        (package("tiny", source="registry+file:///srv/crates"), "only https may be followed"),
        (package("tiny", source=f"git+ssh://git.example/x#{COMMIT}"), "comes by 'git.ssh'"),
        (package("tiny", source=f"git+file:///srv/x#{COMMIT}"), "comes by 'git.file'"),
        (package("tiny", source=f"git+ext::sh -c x#{COMMIT}"), "comes by 'git.ext'"),
        (package("tiny", source="git+https://git.example/x"), "its commit is not named"),
        (package("../../etc"), "is no crate"),
        (package("tiny", version="1/../2"), "is no crate"),
        ("package = 3", "is not valid"),
        ("[[package]", "is not valid"),
    ],
)
def test_what_may_not_be_fetched_is_refused_before_anything_is(lock: str, words: str) -> None:
    with pytest.raises(UnusableCrates, match=words):
        crates_of({"Cargo.lock": lock})


def laid(folder: str, package: str | None = SUM, *, intact: bool = True) -> LaidCrate:
    return LaidCrate(folder=folder, package=package, intact=intact)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([laid("tiny"), laid("mark", None)], True),
        ([laid("tiny-1.0.0"), laid("mark-0.3.0", None)], True),
        ([laid("tiny")], False),
        ([laid("tiny"), laid("mark", None), laid("more")], False),
        ([laid("tiny"), laid("mark", "ef" * 32)], False),
        ([laid("tiny", "ef" * 32), laid("mark", None)], False),
        ([laid("tiny"), laid("mark", None, intact=False)], False),
        ([laid("tiny-2.0.0"), laid("mark", None)], False),
    ],
)
def test_crates_that_are_there_are_told_from_those_that_are_not(
    found: list[LaidCrate],
    expected: bool,  # noqa: FBT001
) -> None:
    git = f"git+https://git.example/mark#{COMMIT}"
    crates = crates_of({"Cargo.lock": package("tiny") + package("mark", "0.3.0", git, "")})

    assert is_laid(crates, found) is expected


def test_a_failure_of_cargo_brings_a_hint() -> None:
    said = "error: failed to sync\n  transport 'ssh' not allowed"
    answer = {"status": "failed", "reason": "error: failed to sync", "said": said}

    with pytest.raises(UnusableCrates) as raised:
        read_fetched(json.dumps(answer).encode())

    assert str(raised.value) == "error: failed to sync"
    assert "by https alone" in raised.value.hint


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"status": "surveyed"}', b"\xff"])
def test_an_answer_that_means_nothing_is_refused(answer: bytes) -> None:
    with pytest.raises(UnusableCrates, match="no usable result"):
        read_survey(answer)

"""Where sources come from is told in one way, by a provider, and mistakes are led to their line."""

from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import BaseModel

from builder.domain.releases import Pin
from builder.overrides.checking import Checked, read_settings
from builder.overrides.merging import in_force
from builder.overrides.plugins import Plugin
from builder.overrides.problems import Problem
from builder.overrides.reading import read_overrides
from builder.overrides.schema import PackageSettings
from builder.overrides.source_schema import PypiSdist

NAME = canonicalize_name("some-pkg")


def checked(folder: Path, text: str) -> Checked[PackageSettings]:
    found = read(folder, text)
    assert isinstance(found, Checked), found
    return found


def problem(folder: Path, text: str) -> Problem:
    found = read(folder, text)
    assert isinstance(found, tuple)
    (one,) = found
    return one


def read(folder: Path, text: str) -> Checked[PackageSettings] | tuple[Problem, ...]:
    file = folder / "some_pkg.yaml"
    file.write_text(text)
    return read_settings(file, PackageSettings)


@pytest.mark.parametrize(
    "text",
    [
        "{provider: pypi-sdist}",
        "{provider: pypi-sdist, index_url: 'https://index.example/simple', min_release_age: 3}",
        "{provider: pypi-prebuilt, index_url: 'https://index.example/simple'}",
        "{provider: pypi-download, download_url: 'https://a.example/{version}.tgz'}",
        (
            "{provider: pypi-download, download_url: 'https://a.example/{version}.tgz', "
            "download_kind: tarball}"
        ),
        "{provider: pypi-git, clone_url: 'https://git.example/a.git', tag: 'v{version}'}",
        (
            "{provider: pypi-git, clone_url: 'ssh://git@git.example/a', tag: '{version}', "
            "build_sdist: tarball}"
        ),
        "{provider: github-tag-git, project_url: 'https://git.example/o/r'}",
        (
            "{provider: github-tag-download, project_url: 'https://git.example/o/r', "
            "matcher: 'rel-(.*)'}"
        ),
        "{provider: gitlab-tag-git, project_url: 'https://git.example/g/o/r'}",
        "{provider: gitlab-tag-download, project_url: 'https://git.example/o/r'}",
        "{provider: git, clone_url: 'https://git.example/a', ref: main, version: '1.0'}",
        "{provider: versionmap-git, clone_url: 'https://git.example/a', versionmap: {1.10: abc}}",
        "{provider: url, url: 'https://a.example/${version}', versions: {1.0: }}",
        "{provider: not-available, reason: it needs a card}",
        "{provider: hook-sdist}",
        "{provider: hook-prebuilt}",
    ],
)
def test_every_provider_is_read_for_a_package_and_for_a_variant(text: str, tmp_path: Path) -> None:
    of_package = checked(tmp_path, f"source: {text}").settings.source
    of_variant = checked(tmp_path, f"variants: {{cpu: {{source: {text}}}}}")

    assert isinstance(of_package, BaseModel)
    assert in_force(of_variant, ("cpu",), None).settings.source == of_package
    assert in_force(of_variant, ("rocm",), None).settings.source is None


def test_what_a_variant_says_takes_the_place_of_all_that_the_package_says(tmp_path: Path) -> None:
    text = (
        "source: {provider: pypi-sdist, index_url: 'https://index.example', min_release_age: 9}\n"
        "variants: {cpu: {source: {provider: pypi-sdist}}}\n"
    )

    found = in_force(checked(tmp_path, text), ("cpu",), None)

    assert found.settings.source == PypiSdist(provider="pypi-sdist")
    assert found.origins[("source",)] == ("variants", "cpu", "source")


def test_wheels_of_an_index_are_pre_built(tmp_path: Path) -> None:
    text = "source: {provider: pypi-prebuilt, index_url: 'https://index.example/simple'}"

    found = in_force(checked(tmp_path, text), ("cpu",), None).settings

    assert found.pre_built
    assert found.wheel_server_url == "https://index.example/simple"


def test_what_a_plugin_is_to_say_takes_a_plugin_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("source: {provider: hook-prebuilt}")
    found = read_overrides(tmp_path / "none.yaml", tmp_path, tmp_path / "patches", "cpu")
    name = canonicalize_name("a")
    other = replace(found, decisions={name: Plugin("a = a", {"environment": str})})
    right = replace(found, decisions={name: Plugin("a = a", {"releases": str})})

    without = "the settings leave it to a plugin (hook-prebuilt), and none decides its releases"
    assert [one.withheld(name) for one in (found, other, right)] == [without, without, None]
    assert found.pre_built(Pin(name, Version("1"))) is not None
    assert found.pre_built_anywhere(name) == (found.in_force(name).settings,)
    assert right.leads(Pin(name, Version("1")))
    assert not other.leads(Pin(name, Version("1")))


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            "source:\n  provider: pypi-sdst\n",
            "2: source.provider: there is no provider 'pypi-sdst'",
            "did you mean 'pypi-sdist'?",
        ),
        (
            (
                "variants:\n  cpu:\n    source:\n      provider: github-tag-git\n"
                "      project_url: https://a.example/o/r\n      macher: x\n"
            ),
            "6: variants.cpu.source.macher: there is no such field",
            "did you mean 'matcher'?",
        ),
        (
            "source:\n  provider: not-available\n  project: x\n",
            "3: source.project: there is no such field",
            "the fields here are min_release_age, provider, reason",
        ),
    ],
)
def test_a_misspelt_word_is_led_to_its_line_and_the_likely_one(
    text: str, said: str, hint: str, tmp_path: Path
) -> None:
    found = problem(tmp_path, text)

    assert str(found) == f"{tmp_path}/some_pkg.yaml:{said}"
    assert found.hint == hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source: {reason: x}", "1: source: does not say its provider"),
        (
            (
                "source:\n  provider: gitlab-tag-git\n  project_url: https://a.example/o/r\n"
                "  matcher_factory: package.module:function\n"
            ),
            "4: source.matcher_factory: names Python code",
        ),
        (
            "source: {provider: hook-sdist}\nresolver_dist:\n  include_wheels: true\n",
            "3: resolver_dist.include_wheels: is of no use with `source`",
        ),
        (
            (
                "variants: {cpu: {source: {provider: hook-sdist}}}\n"
                "versions:\n  <2:\n    download_source: {url: 'https://a.example/'}\n"
            ),
            "4: versions.<2.download_source: is of no use with `source`",
        ),
        (
            (
                "versions:\n  <2:\n    variants:\n      cpu:\n        source: {provider: git, "
                "clone_url: 'https://git.example/a'}\n"
            ),
            "5: versions.<2.variants.cpu.source: is told for all versions of a package together",
        ),
        (
            "pre_built: true\nvariants:\n  cpu:\n    source: {provider: hook-sdist}\n",
            "4: variants.cpu.source: is of no use with pre_built",
        ),
        (
            (
                "source: {provider: github-tag-git, project_url: 'https://a.example/o/r', "
                "matcher: '(a)(b)'}"
            ),
            "1: source.matcher: '(a)(b)' must have one group",
        ),
        (
            (
                "source: {provider: github-tag-git, project_url: 'https://a.example/o/r', "
                "matcher: '(a'}"
            ),
            "1: source.matcher: '(a' is no regular expression",
        ),
        (
            "source: {provider: git, clone_url: 'https://me:secret@git.example/a'}",
            "1: source.clone_url: a login has no place in settings",
        ),
        (
            "source: {provider: git, clone_url: 'http://git.example/a'}",
            "1: source.clone_url: 'git+http://git.example/a' would come in the clear",
        ),
        (
            "source: {provider: git, clone_url: 'https://git.example/a', ref: --upload-pack=x}",
            "1: source.ref: '--upload-pack=x' is no name of a tag",
        ),
        (
            "source: {provider: pypi-git, clone_url: 'https://git.example/a', tag: 'v{0}'}",
            "1: source.tag: 'v{0}': only {version} is known here",
        ),
        (
            "source: {provider: pypi-download, download_url: 'https://a.example/a.tgz'}",
            "1: source.download_url: 'https://a.example/a.tgz' must hold {version}",
        ),
        (
            "download_source: {url: 'https://me:secret@a.example/${version}'}",
            "1: download_source.url: a login has no place in settings",
        ),
        (
            "download_source: {url: 'https://a.example/a.tgz#sha256=00'}",
            "1: download_source.url: 'https://a.example/a.tgz#sha256=00' may end in #sha256=…",
        ),
        (
            "download_source: {destination_filename: '../${version}.tar.gz'}",
            "1: download_source.destination_filename: '../${version}.tar.gz' must be a plain file",
        ),
        (
            "download_source: {destination_filename: 'a-${version}'}",
            "1: download_source.destination_filename: 'a-${version}' must end in one of .tar.gz",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str, tmp_path: Path) -> None:
    found = str(problem(tmp_path, text))

    assert found.startswith(f"{tmp_path}/some_pkg.yaml:{said}"), found
    assert "secret" not in found

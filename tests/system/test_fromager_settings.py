"""A folder of overrides that was written for Fromager means here what it means there.

The folder, `tests/fromager_overrides`, uses every key. Fromager itself reads it and says what it
makes of each, value by value; keys that only later releases have stand in a folder of their own.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from builder.domain.releases import Pin
from builder.overrides.reading import Overrides, read_overrides
from builder.overrides.schema import (
    BuildOptions,
    DownloadSource,
    GitOptions,
    PackageSettings,
    ProjectOverride,
    ResolverDist,
    SettingsFile,
    VariantSettings,
)
from tests.facts import pin

pytestmark = [pytest.mark.engine, pytest.mark.image, pytest.mark.once]

FOLDER = Path(__file__).parent.parent / "fromager_overrides"
VARIANTS = ("cpu", "rocm", "other")
RELEASES = (
    "every-field==1.0",
    "every-field==1.0+local",
    "every-field==1.0.0",
    "every-field==1.0.post1",
    "every-field==2.0",
    "empty-fields==1.0",
    "empty-file==1.0",
    "name-forms==1.0",
    "test-pkg==1.0.1",
    "test-pkg==1.0.2",
    "test-pkg==1.0.2+local.7",
    "test-pkg==1.0.3",
    "test-pkg==1.0.3.0",
    "unheard-of==1.0",
)
SURROUNDINGS = {"CI_NAME": "robot", "PATH": "/env/bin:/bin", "HOME": "/tmp/home"}

# Runs where Fromager is installed, and prints what its settings say.
ASK = """
import json, sys
from pathlib import Path
from packaging.version import Version
from fromager.packagesettings import Settings

folder, question = Path(sys.argv[1]), json.loads(sys.argv[2])


def said(info, settings, version):
    given = {**question["surroundings"], "__version__": str(version)}
    build = info.build_dir(Path("/source")).relative_to("/source")
    return {
        "annotations": dict(info.annotations),
        "build_dir": "" if str(build) == "." else str(build),
        "build_options": settings.build_options.model_dump(),
        "build_tag": (info.build_tag(version) or (0,))[0],
        "config_settings": info.config_settings,
        "download_source": settings.download_source.model_dump(),
        "env": info.get_extra_environ(template_env=given, version=version),
        "git_options": settings.git_options.model_dump(),
        "patches": [str(it.relative_to(folder / "patches")) for it in info.get_patches(version)],
        "pre_built": info.pre_built,
        "project_override": settings.project_override.model_dump(),
        "resolver_dist": settings.resolver_dist.model_dump(),
        "wheel_server_url": info.wheel_server_url,
    }


answer = {}
for variant in question["variants"]:
    read = Settings.from_files(
        settings_file=folder / "settings.yaml",
        settings_dir=folder / "settings",
        patches_dir=folder / "patches",
        variant=variant,
        max_jobs=3,
    )
    for release in question["releases"]:
        name, _, version = release.partition("==")
        info = read.package_build_info(name)
        found = said(info, read.package_setting(name), Version(version))
        answer[f"{variant} {release}"] = found
    answer[f"{variant} overrides"] = sorted(read.list_overrides())
    answer[f"{variant} pre-built"] = sorted(read.list_pre_built())
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def fromagers(installed: Path) -> Mapping[str, Any]:
    """What Fromager makes of the folder, by variant and release."""
    question = {"variants": VARIANTS, "releases": RELEASES, "surroundings": SURROUNDINGS}
    python = str(installed / "bin/python")
    done = subprocess.run(
        [python, "-c", ASK, str(FOLDER / "overrides"), json.dumps(question)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def read(variant: str, folder: str = "overrides") -> Overrides:
    place = FOLDER / folder
    return read_overrides(place / "settings.yaml", place / "settings", place / "patches", variant)


def ours(overrides: Overrides, release: Pin, jobs: Mapping[str, str]) -> dict[str, Any]:
    """What is made of a release here, in Fromager's words."""
    settings = overrides.in_force(release.name, release.version).settings
    own = {**SURROUNDINGS, **jobs}
    resolver = overrides.package(release.name).resolver_dist.model_dump(exclude={"min_release_age"})
    return {
        "annotations": settings.annotations,
        "build_dir": settings.build_dir,
        "build_options": settings.build_options.model_dump(),
        "build_tag": overrides.build_tag(release),
        "config_settings": settings.config_settings,
        "download_source": settings.download_source.model_dump(
            include={"url", "destination_filename"}
        ),
        "env": {**jobs, **overrides.variables(release, own, {})},
        "git_options": settings.git_options.model_dump(),
        "patches": [patch.name for patch in overrides.patches(release).apply],
        "pre_built": settings.pre_built,
        "project_override": settings.project_override.model_dump(),
        "resolver_dist": resolver,
        "wheel_server_url": settings.wheel_server_url,
    }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("release", RELEASES)
def test_a_release_is_told_the_same_by_both(
    variant: str, release: str, fromagers: Mapping[str, Any]
) -> None:
    expected = fromagers[f"{variant} {release}"]
    jobs = {
        name: expected["env"][name]
        for name in ("MAX_JOBS", "MAKEFLAGS", "CMAKE_BUILD_PARALLEL_LEVEL")
    }

    assert ours(read(variant), pin(release), jobs) == expected


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_list_the_same_packages(variant: str, fromagers: Mapping[str, Any]) -> None:
    found = read(variant)

    assert [*found.projects] == fromagers[f"{variant} overrides"]
    pre_built = [name for name in found.projects if found.pre_built_anywhere(name)]
    assert pre_built == fromagers[f"{variant} pre-built"]


def test_patches_are_those_of_the_version_and_of_the_variant_in_order() -> None:
    """As the guide has it; the comparison above would pass were all lists empty."""
    cpu = [patch.path.name for patch in read("cpu").patches(pin("test-pkg==1.0.2")).apply]
    rocm = [patch.path.name for patch in read("rocm").patches(pin("test-pkg==1.0.3")).apply]

    assert cpu == [
        "001-every-version.patch",
        "002-this-version.patch",
        "004-cpu.patch",
        "005-tie.patch",
        "005-tie.patch",
        "006-cpu-of-this-version.patch",
        "010-last.patch",
    ]
    assert rocm == [
        "000-first.patch",
        "001-every-version.patch",
        "003-rocm-of-another.patch",
        "004-rocm.patch",
        "005-tie.patch",
    ]


def test_keys_of_later_releases_mean_what_they_say_there() -> None:
    found = read("cpu", "newer")
    name = canonicalize_name("newer-fields")
    purl = found.package(name).purl

    assert found.min_release_age(name) == 7
    assert purl is not None
    assert (purl.type, purl.namespace, purl.name, purl.version) == (
        "github",
        "owner",
        "project",
        "v1.0",
    )
    assert purl.upstream == "pkg:github/owner/project@v1.0"
    assert found.settings.sbom is not None
    assert found.settings.sbom.purl_type == "generic"
    commands = found.settings.external_commands
    assert commands is not None
    assert (commands.keep_env, commands.delete_env) == (["CI_*", "LICENSE_FILE"], ["*"])


# What Fromager's files cannot say, because it has no such field.
OURS_ALONE = {
    DownloadSource: {"sha256"},
    PackageSettings: {
        *("foreign_binaries", "image", "pre_built", "pre_built_url", "repair", "rust", "source"),
        *("system_packages", "versions", "wheel_server_url"),
    },
    VariantSettings: {
        *("config_settings", "foreign_binaries", "image", "pre_built_url", "repair", "source"),
        "system_packages",
    },
    SettingsFile: {"git", "repair"},
}


def test_the_folder_uses_every_key_that_fromager_has() -> None:
    package = read("cpu").package(canonicalize_name("every-field"))
    newer = read("cpu", "newer").package(canonicalize_name("newer-fields"))
    general = (read("cpu").settings, read("cpu", "newer").settings)

    for table, used in (
        (PackageSettings, package.model_fields_set | newer.model_fields_set),
        (SettingsFile, general[0].model_fields_set | general[1].model_fields_set),
        (VariantSettings, {it for one in package.variants.values() for it in one.model_fields_set}),
        (BuildOptions, package.build_options.model_fields_set),
        (DownloadSource, package.download_source.model_fields_set),
        (GitOptions, package.git_options.model_fields_set),
        (ProjectOverride, package.project_override.model_fields_set),
        (
            ResolverDist,
            package.resolver_dist.model_fields_set | newer.resolver_dist.model_fields_set,
        ),
    ):
        assert used == table.model_fields.keys() - OURS_ALONE.get(table, set()), table

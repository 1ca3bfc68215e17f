"""Settings files are read whole, or refused with the file, the line and the field."""

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from builder.domain.customization import Place
from builder.errors import InputError
from builder.overrides.reading import Overrides, read_overrides
from tests.facts import pin

NAME = canonicalize_name("some-pkg")
RELEASE = pin("some-pkg==1.0")

FULL = """\
annotations: {owner: us}
build_dir: python
build_options:
  cpu_cores_per_job: 4
  memory_per_job_gb: 2.5
  exclusive_build: true
changelog:
  1.10:
    - first
    - second
  "1.1": [other]
config_settings:
  plain: value
  many: [a, b]
env:
  FLAG: true
  NUMBER: 3
  RATIO: 0.5
  TEXT: ${FLAG}-x
download_source:
  url: https://files.example/${canonicalized_name}-${version}.tar.gz
  destination_filename: ${canonicalized_name}-${version}.tar.gz
git_options: {submodules: true, submodule_paths: [vendor/a]}
project_override:
  update_build_requires: ["setuptools<80"]
  remove_build_requires: [ninja]
  requires_external: [openssl]
purl: {type: generic, upstream: "pkg:generic/name@1.0"}
resolver_dist:
  sdist_server_url: https://index.example/simple
  include_wheels: true
  ignore_platform: true
  min_release_age: 0
variants:
  cpu: {env: {VARIANT: cpu}, pre_built: false}
  rocm: {pre_built: true, wheel_server_url: "https://index.example/rocm"}
"""


def overrides(
    folder: Path, package: str = "", general: str = "", variant: str = "cpu"
) -> Overrides:
    (folder / "settings").mkdir(exist_ok=True)
    (folder / "settings/some_pkg.yaml").write_text(package)
    (folder / "settings.yaml").write_text(general)
    return read_overrides(
        folder / "settings.yaml", folder / "settings", folder / "patches", variant
    )


def complaint(folder: Path, package: str = "", general: str = "") -> InputError:
    with pytest.raises(InputError) as caught:
        overrides(folder, package, general)
    return caught.value


def test_nothing_at_all_means_defaults(tmp_path: Path) -> None:
    found = read_overrides(tmp_path / "a.yaml", tmp_path / "b", tmp_path / "c", "cpu")

    assert found.projects == ()
    assert found.build_options(NAME).cpu_cores_per_job == 1
    assert found.build_tag(pin("some-pkg==1.0")) == 0
    assert found.unheeded_plugin(NAME) is None


def test_every_field_is_read(tmp_path: Path) -> None:
    found = overrides(tmp_path, FULL)
    package = found.package(NAME)

    assert found.projects == (NAME,)
    assert found.build_options(NAME).memory_per_job_gb == 2.5
    assert found.build_options(NAME).exclusive_build
    assert found.min_release_age(NAME) == 0
    assert found.sdist_server_url(NAME) == "https://index.example/simple"
    assert package.env == {"FLAG": "1", "NUMBER": "3", "RATIO": "0.5", "TEXT": "${FLAG}-x"}
    assert package.config_settings == {"plain": "value", "many": ["a", "b"]}
    assert package.variants["rocm"].pre_built


def test_fields_without_a_value_are_not_given(tmp_path: Path) -> None:
    found = overrides(tmp_path, "env:\nvariants:\n  cpu:\nresolver_dist:\n", "changelog:\n")

    assert found.package(NAME).variants["cpu"].env == {}


def test_a_build_tag_counts_changes_of_the_variant_and_of_the_version(tmp_path: Path) -> None:
    found = overrides(tmp_path, FULL, "changelog: {cpu: [rebuilt], rocm: [a, b]}")

    assert found.build_tag(pin("some-pkg==1.10")) == 3
    assert found.build_tag(pin("some-pkg==1.10.0")) == 3
    assert found.build_tag(pin("some-pkg==1.10+local")) == 3
    assert found.build_tag(pin("some-pkg==1.1")) == 2
    assert found.build_tag(pin("other==1.0")) == 1


def test_a_field_is_told_with_each_place_that_holds_for_the_variant(tmp_path: Path) -> None:
    special = "variants: {rocm: {image: own, system_packages: [libb-dev]}}"
    text = f"{special}\nsystem_packages: [liba-dev]"
    file = f"{tmp_path}/settings/some_pkg.yaml"
    plain, rocm = overrides(tmp_path, text), overrides(tmp_path, text, variant="rocm")
    release = pin("some-pkg==1.0")

    assert plain.place(release) == Place(None, ("liba-dev",))
    assert plain.places_of(release, "image", "system_packages") == (f"{file}:2: system_packages",)
    assert rocm.place(release) == Place("own", ("liba-dev", "libb-dev"))
    assert rocm.places_of(release, "image", "system_packages") == (
        f"{file}:2: system_packages",
        f"{file}:1: variants.rocm.image",
        f"{file}:1: variants.rocm.system_packages",
    )
    assert plain.places_of(pin("other==1.0"), "image") == ()


def test_a_plugin_that_was_not_loaded_is_told(tmp_path: Path) -> None:
    found = read_overrides(
        tmp_path / "a.yaml", tmp_path, tmp_path, "cpu", {NAME: "some_pkg = plugins.some_pkg"}
    )

    assert found.unheeded_plugin(NAME) == "some_pkg = plugins.some_pkg"


def environment(
    folder: Path, package: str, general: str = "", release: str = "some-pkg==1.0"
) -> dict[str, str]:
    host = {"TOKEN": "secret", "HOME": "/host/home"}
    found = overrides(folder, package, general)
    return dict(found.variables(pin(release), {"HOME": "/tmp/home", "JOBS": "2"}, host))


def test_variables_come_from_the_package_its_versions_and_its_variants(tmp_path: Path) -> None:
    text = (
        "env: {A: $JOBS, V: $__version__, B: ' ${A} '}\n"
        "variants: {cpu: {env: {A: $A-cpu}}, rocm: {env: {A: rocm}}}\n"
        "versions: {'<2': {env: {A: $A-old}, variants: {cpu: {env: {A: $A!}}}}}\n"
    )

    assert environment(tmp_path, text) == {"A": "2-old-cpu!", "V": "1.0", "B": "2"}
    assert environment(tmp_path, text, release="some-pkg==2+x") == {
        "A": "2-cpu",
        "V": "2+x",
        "B": "2",
    }
    assert environment(tmp_path, text, release="other==1") == {}


def test_variables_of_the_host_are_read_where_settings_name_them(tmp_path: Path) -> None:
    text = "env: {A: $TOKEN, B: $HOME}"

    found = environment(tmp_path, text, "external_commands: {keep_env: [TOK*, HOME]}")

    assert found == {"A": "secret", "B": "/tmp/home"}


def test_a_variable_that_comes_to_nothing_is_named_with_its_place(tmp_path: Path) -> None:
    text = "env:\n  A: a\nvariants:\n  cpu:\n    env:\n      B: $TOKEN\n"

    with pytest.raises(InputError) as caught:
        environment(tmp_path, text, "external_commands: {keep_env: [TOK]}")

    assert caught.value.message == (
        f"{tmp_path}/settings/some_pkg.yaml:6: variants.cpu.env.B: "
        "TOKEN means nothing here, for some-pkg==1.0"
    )
    assert "let it in from this host" in caught.value.hint


def test_the_version_of_a_commit_is_unknown_until_its_hook_has_told_it(tmp_path: Path) -> None:
    release = "some-pkg==0+git.0123456789ab"

    with pytest.raises(InputError, match="__version__ means nothing here"):
        environment(tmp_path, "env: {A: $__version__}", release=release)
    assert environment(tmp_path, "env: {A: '${__version__:-0}'}", release=release) == {"A": "0"}


def test_what_is_not_let_in_need_not_be_deleted(tmp_path: Path) -> None:
    kept = overrides(tmp_path, general="external_commands: {keep_env: [CI]}").notes
    deleted = overrides(tmp_path, general="external_commands: {delete_env: ['*']}").notes

    assert kept == ()
    place = f"{tmp_path}/settings.yaml:1: external_commands.delete_env"
    assert deleted == (f"{place}: changes nothing: a build sees only what keep_env names",)


def test_what_changes_no_build_is_a_note(tmp_path: Path) -> None:
    notes = overrides(tmp_path, FULL, "pre_built: {cpu: [a]}\nsbom: {}\n").notes

    assert [note.split(":")[1:3] for note in notes] == [
        ["1", " pre_built"],
        ["2", " sbom"],
    ]


def test_a_deprecated_field_is_a_note_wherever_it_stands(tmp_path: Path) -> None:
    options = "build_options: {build_ext_parallel: true}\n"
    text = f'{options}versions:\n  "<2":\n    {options}'

    notes = overrides(tmp_path, text).notes

    assert [note.split(": ", 2)[1] for note in notes] == [
        "build_options.build_ext_parallel",
        "versions.<2.build_options.build_ext_parallel",
    ]
    assert all("is deprecated and changes nothing" in note for note in notes)


WRONG = {
    "an unknown field": ("build_option: {}", 1, "build_option: there is no such field"),
    "an unknown field without a value": ("nonsense:\n", 1, "nonsense: there is no such field"),
    "an unknown field further in": (
        "variants:\n  cpu:\n    pre_build: true",
        3,
        "variants.cpu.pre_build: there is no such field",
    ),
    "an unknown field of a table": (
        "build_options:\n  exclusive: true",
        2,
        "build_options.exclusive: there is no such field",
    ),
    "a number out of range": (
        "build_options:\n  cpu_cores_per_job: 0",
        2,
        "build_options.cpu_cores_per_job",
    ),
    "a day before the release": (
        "resolver_dist: {min_release_age: -1}",
        1,
        "resolver_dist.min_release_age",
    ),
    "a folder outside": ("build_dir: ../x", 1, "inside the source"),
    "an absolute folder": ("build_dir: /x", 1, "inside the source"),
    "a command in a value": ("env:\n  A: $(id)", 2, "env.A: `$(` would run a command"),
    "a value that is a list": ("env: {A: [1]}", 1, "env.A"),
    "a value that is no template": ("env:\n  A: a\n  B: ${A", 3, "env.B: character 1: write ${"),
    "a default without an end": (
        "variants:\n  cpu:\n    env:\n      B: ${A:-b",
        4,
        "variants.cpu.env.B: the default at character 6 has no closing brace",
    ),
    "a value with a NUL": ('env: {A: "\\0"}', 1, "env.A: no variable can hold a NUL"),
    "a name that no variable has": ("env: {A=B: x}", 1, "'A=B' is no name of a variable"),
    "a version that is none": ("changelog: {nope: [a]}", 1, "'nope' is no version"),
    "changes that are no list": ("changelog: {1.0: a}", 1, "changelog.1.0"),
    "an unknown template": ("download_source: {url: 'x${name}'}", 1, "${name} is not known here"),
    "a broken template": ("download_source: {url: 'x$'}", 1, "is no template"),
    "a requirement that is none": (
        "project_override: {update_build_requires: ['a b']}",
        1,
        "'a b' is no requirement",
    ),
    "a name that is none": ("project_override: {remove_build_requires: ['a<1']}", 1, "'a<1'"),
    "platforms without wheels": ("resolver_dist: {ignore_platform: true}", 1, "include_wheels"),
    "a package URL that is none": ("purl: {upstream: x}", 1, "is no package URL"),
    "a name that is taken": ("annotations: {fromager.x: y}", 1, "are taken"),
    "a field twice": ("env: {}\nbuild_dir: x\nenv: {}", 3, "'env' stands here again, after line 1"),
    "a version twice": ("changelog:\n  1.0: [a]\n  '1.0': [b]", 3, "again, after line 2"),
    "a key that is a list": ("[a]: b", 1, "a key is no plain text"),
    "a list": ("- a", 1, "must hold fields"),
    "a text": ("a", 1, "must hold fields"),
    "no YAML": ("env: {", 1, "is not YAML"),
    "an object": ("env: !!python/object:os.system {}", 1, "is not YAML"),
    "a date that is none": ("env: {A: 2024-13-45}", None, "is not YAML"),
    "an alias of nothing": ("env: *x", 1, "is not YAML"),
    "a thing within itself": ("env: &x {a: *x}", 1, "an alias names what it stands in"),
    "two documents": ("env: {}\n---\nenv: {}", 2, "is not YAML"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_settings_file_is_refused_for(what: str, tmp_path: Path) -> None:
    text, line, words = WRONG[what]

    message = complaint(tmp_path, text).message

    place = "" if line is None else f":{line}"
    assert message.startswith(f"{tmp_path}/settings/some_pkg.yaml{place}: "), message
    assert words in message


WRONG_GENERAL = {
    "an unknown field": ("changelogs: {}", "there is no such field"),
    "a star inside": ("external_commands: {keep_env: ['A*B']}", "'A*B' is no name"),
    "a star that is not alone": ("external_commands: {delete_env: ['*', A]}", "stands alone"),
    "a variable on both lists": ("external_commands: {keep_env: [A], delete_env: [a]}", "both"),
}


@pytest.mark.parametrize("what", WRONG_GENERAL)
def test_the_general_file_is_refused_for(what: str, tmp_path: Path) -> None:
    text, words = WRONG_GENERAL[what]

    assert words in complaint(tmp_path, general=text).message


def test_every_problem_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    error = complaint(tmp_path, "build_option: {}\nenvs: {}\n", "sboms: {}\n")

    assert len(error.message.splitlines()) == 3
    assert "did you mean 'build_options'?" in error.hint
    assert "did you mean 'env'?" in error.hint
    assert "did you mean 'sbom'?" in error.hint


@pytest.mark.parametrize(
    ("general", "own", "policy"),
    [
        ("", "", None),
        ("repair: auto\n", "", "auto"),
        ("repair: auto\n", "repair: off\n", None),
        ("repair: auto\n", "repair: 'off'\n", None),
        ("repair: auto\n", "variants: {cpu: {repair: manylinux_2_28}}\n", "manylinux_2_28"),
        ("repair: off\n", "versions: {'<2': {repair: auto}}\n", "auto"),
        ("", "versions: {'>2': {repair: auto}}\n", None),
    ],
)
def test_what_a_package_says_of_repair_wins(
    general: str, own: str, policy: str | None, tmp_path: Path
) -> None:
    assert overrides(tmp_path, own, general).repair_policy(RELEASE) == policy


@pytest.mark.parametrize("value", ["on", "manylinux2014", "musllinux_1_2", "linux", "1"])
def test_what_no_wheel_can_be_repaired_to_is_refused(value: str, tmp_path: Path) -> None:
    error = complaint(tmp_path, f"repair: {value}\n")

    assert "repair" in error.message


def test_a_hint_lists_the_fields_where_none_is_near(tmp_path: Path) -> None:
    hint = complaint(tmp_path, "variants: {cpu: {zzz: 1}}").hint

    assert hint == (
        "the fields here are annotations, config_settings, env, foreign_binaries, image, "
        "pre_built, pre_built_url, repair, source, system_packages, wheel_server_url"
    )


def test_keys_are_what_stands_in_the_file(tmp_path: Path) -> None:
    found = overrides(tmp_path, "changelog: {1.10: [a]}\nenv: {on: 'x', 1: 'y'}\n")

    assert set(found.package(NAME).env) == {"on", "1"}
    assert set(found.package(NAME).changelog) == {"1.10"}


def test_merged_keys_work_and_give_way(tmp_path: Path) -> None:
    text = "env: &shared {A: a, B: b}\nvariants:\n  cpu:\n    env: {<<: *shared, B: c}\n"

    assert overrides(tmp_path, text).package(NAME).variants["cpu"].env == {"A": "a", "B": "c"}


def test_aliases_cannot_grow_without_bound(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]

    assert "values" in complaint(tmp_path, "\n".join(lines)).message


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "x" * (1 << 20)])
def test_a_file_cannot_be_too_much(text: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, text).status == 2


def test_two_files_for_one_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings/some-pkg.yaml").write_text("")

    assert "is for the same project" in complaint(tmp_path).message


WHEEL_URL = f"https://files.index.example/some_pkg-1.0-py3-none-any.whl#sha256={'a' * 64}"


def test_a_project_is_pre_built_where_its_settings_or_its_variant_say_so(tmp_path: Path) -> None:
    general = overrides(tmp_path, f"pre_built: true\npre_built_url: {WHEEL_URL}\n")
    of_variant = overrides(tmp_path, "variants: {rocm: {pre_built: true}}", variant="rocm")
    of_another = overrides(tmp_path, "variants: {rocm: {pre_built: true}}")

    chosen = general.pre_built(RELEASE)
    assert chosen is not None
    assert chosen.pre_built_url == WHEEL_URL
    assert of_variant.pre_built(RELEASE) is not None
    assert of_another.pre_built(RELEASE) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"pre_built_url: {WHEEL_URL}", "pre_built_url needs pre_built: true"),
        (
            f"pre_built: true\npre_built_url: {WHEEL_URL.replace('.whl', '.zip')}",
            "is no URL of a wheel",
        ),
        (
            f"pre_built: true\npre_built_url: {WHEEL_URL.partition('#')[0]}",
            "must end in #sha256=",
        ),
    ],
    ids=["not wanted", "no wheel", "no digest"],
)
def test_a_pre_built_wheel_is_refused_without(text: str, words: str, tmp_path: Path) -> None:
    assert words in complaint(tmp_path, text).message

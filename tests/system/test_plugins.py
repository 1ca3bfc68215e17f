"""A plugin decides whatever it may about a package, and hooks hear of every package."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once

DECIDES = """
from packaging.version import Version

from builder.plugins.values import Release, SourceFile

FILES = {files!r}


def releases(project, variant, usual):
    assert [str(one.version) for one in usual()] == ["1.0"]
    return [Release(Version("2.0"), SourceFile(FILES["second"], FILES["sha256"]))]


def download_source(package, usual):
    assert usual.filename == "library-2.0.tar.gz"
    return SourceFile(FILES["third"], FILES["sha256"], "library-2.0.tar.gz")


def prepare_source(package, commands):
    commands.write("new/module.txt", f"{package.name} {package.variant}\\n")
    commands.run("sh", "-c", "sed s/library/prepared/ module.txt > said.txt", folder="new")


def build_system_requirements(package, source, usual):
    assert "new/said.txt" in source.files()
    return [*usual, "added-tool"]


def build_backend_requirements(package, source, usual):
    assert [str(one) for one in usual] == ["nobody-has-this"]
    return ["other-tool"]


def install_requirements(package, usual):
    assert [str(one) for one in usual] == ["nobody-has-this-either"]
    return ["runtime>=1"]


def environment(package, source, usual):
    assert usual["HOME"] == "/tmp/home"
    return {"SAID": source.read_text("new/said.txt").strip()}


def build_wheel(package, source, commands):
    commands.run("sh", "-c", 'echo "SAID = \\\\"$SAID\\\\"" > built_by_plugin.py')
    commands.run("python3", "-c", "import added_tool, other_tool")
    commands.build_as_usual()
    commands.run("sh", "-c", "ls $BUILDER_WHEELS")


def wheel_metadata(package, source):
    return {"answer": 42, "files": list(source.files())[-2:]}
"""
GIVES_WHEELS = """
from packaging.version import Version

from builder.plugins.values import Release, SourceFile


def releases(project, variant, usual):
    return [Release(Version("1.0"), SourceFile({url!r}, {sha256!r}))]
"""
HEARS = """
import json
import os


def tell(*words):
    with open(os.environ["HEARD"], "a") as file:
        file.write(json.dumps(words) + "\\n")


def post_build(built):
    assert built.wheel.path.is_file() and built.sdist.path.is_file()
    tell("post_build", built.package.name, str(built.package.version), built.wheel.path.name)


def prebuilt_wheel(taken):
    assert taken.wheel.path.is_file()
    tell("prebuilt_wheel", taken.package.name, taken.wheel.path.name)


def post_bootstrap(finished):
    tell("post_bootstrap", finished.package.name, finished.wheel is not None)
"""
HOOKS = ("post_build", "prebuilt_wheel", "post_bootstrap")
TOOLS = ("one-file", "added-tool", "other-tool")
BUILT = [*TOOLS, "library", "runtime"]


def install(folder: Path, modules: Mapping[str, str], entry_points: str) -> dict[str, str]:
    """A distribution as an installer would leave it; gives the variables that make it found."""
    info = folder / "plugins_of_mine-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins-of-mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return {"PYTHONPATH": str(folder), "HEARD": str(folder / "heard")}


def heard(variables: Mapping[str, str]) -> list[list[object]]:
    """What hooks were told since this was asked last."""
    file = Path(variables["HEARD"])
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [json.loads(line) for line in lines]


def tool(name: str, salt: str) -> Package:
    return Package(name, backend="" if name == "one-file" else "one-file", salt=salt)


@dataclass(frozen=True)
class Unlisted:
    """Files that are only listed as those of another project."""

    second: str
    third: str
    sha256: str
    wheel: str
    wheel_sha256: str


def published(program: Program, salt: str) -> Unlisted:
    """Publishes everything; tells of the files that the plugins are to know."""
    listed = Package("library", salt=salt)
    real = replace(
        listed,
        version="2.0",
        requires=("nobody-has-this-either",),
        hook_requires=("nobody-has-this",),
    )
    program.publish(*(tool(name, salt) for name in TOOLS), Package("runtime", salt=salt), listed)
    foreign = Package("foreign", salt=salt)
    files = program.index.url.replace("/simple/", "/files/")
    second, third, wheel = (
        program.index.publish("elsewhere", name, content)
        for name, content in (
            ("somewhere-2.0.tar.gz", real.sdist()),
            ("another-2.0.tar.gz", real.sdist()),
            (foreign.wheel_filename, foreign.wheel()),
        )
    )
    return Unlisted(
        files + second.filename,
        files + third.filename,
        hashlib.sha256(second.content).hexdigest(),
        files + wheel.filename,
        hashlib.sha256(wheel.content).hexdigest(),
    )


def test_a_plugin_replaces_each_decision_and_hooks_hear_of_each_package(
    program: Program, salt: str, tmp_path: Path
) -> None:
    files = published(program, salt)
    modules = {
        "decides": DECIDES.replace("{files!r}", repr(asdict(files))),
        "gives_wheels": GIVES_WHEELS.format(url=files.wheel, sha256=files.wheel_sha256),
        "hears": HEARS,
    }
    hooks = "".join(f"{name} = hears:{name}\n" for name in HOOKS)
    variables = install(
        tmp_path / "site",
        modules,
        f"[builder.overrides]\nlibrary = decides\nforeign = gives_wheels\n[builder.hooks]\n{hooks}",
    )
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "foreign.yaml").write_text("source: {provider: hook-prebuilt}")
    options = ("--settings-dir", str(settings))

    done = program.run("bootstrap", "library", "foreign", *options, variables=variables)

    assert done.status == 0, done.stderr
    told = heard(variables)
    assert wheel_says(program)
    assert_all_told(told)
    graph = json.loads(program.graph.read_text())
    assert graph["library==2.0"]["download_url"].endswith("/files/another-2.0.tar.gz")
    assert "/files/somewhere-2.0.tar.gz" not in program.index.paths()
    assert "/simple/foreign/" not in program.index.paths()

    again = program.run("bootstrap", "library", "foreign", *options, variables=variables)
    assert again.status == 0, again.stderr
    assert {words[0] for words in heard(variables)} == {"prebuilt_wheel", "post_bootstrap"}

    elsewhere = replace(program, output=tmp_path / "elsewhere")
    lock = str(program.graph)
    locked = elsewhere.run("build-parallel", lock, "--no-cache", *options, variables=variables)
    assert locked.status == 0, locked.stderr
    assert elsewhere.wheels() == program.wheels()
    assert "differs" not in locked.stderr
    assert_all_told(heard(variables))


def assert_all_told(told: list[list[object]]) -> None:
    built = sorted(str(words[1]) for words in told if words[0] == "post_build")
    finished = sorted(str(words[1]) for words in told if words[0] == "post_bootstrap")
    assert built == sorted(BUILT)
    assert finished == sorted([*BUILT, "foreign"])
    assert ["prebuilt_wheel", "foreign", "foreign-1.0-py3-none-any.whl"] in told
    assert ["post_build", "library", "2.0", "library-2.0-0-py3-none-any.whl"] in told
    # A package is told of before whatever is built with it.
    order = [words[1] for words in told if words[0] == "post_bootstrap"]
    assert all(order.index(name) < order.index("library") for name in TOOLS)


def wheel_says(program: Program) -> bool:
    wheel = program.output / "wheels-repo/downloads/library-2.0-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("built_by_plugin.py") == b'SAID = "prepared cpu"\n'
        metadata = archive.read("library-2.0.dist-info/METADATA").decode()
        settings = archive.read("library-2.0.dist-info/fromager-build-settings").decode()
    assert "Requires-Dist: nobody-has-this-either" in metadata
    assert '[metadata-from-plugin]\nanswer = 42\nfiles = ["pyproject.toml", "salt"]' in settings
    return True


FAILS = """
def {decision}(package, {more}commands):
    commands.run("sh", "-c", "echo about to fail; exit 7")
"""


@pytest.mark.parametrize(
    ("decision", "more", "phase"),
    [("prepare_source", "", "prepare"), ("build_wheel", "source, ", "build")],
)
def test_a_command_that_fails_ends_the_build_with_its_words(
    decision: str, more: str, phase: str, program: Program, salt: str, tmp_path: Path
) -> None:
    program.publish(tool("one-file", salt))
    text = FAILS.replace("{decision}", decision).replace("{more}", more)
    entry_points = "[builder.overrides]\none_file = fails\n"
    variables = install(tmp_path / "site", {"fails": text}, entry_points)

    done = program.run("bootstrap", "one-file", variables=variables)

    assert done.status == 100, done.stderr
    assert f"failed: one-file==1.0: {phase}: " in done.stderr
    assert "sh -c 'echo about to fail; exit 7' ended with exit status 7" in done.stderr
    assert "about to fail" in program.log(tool("one-file", salt)).splitlines()


HOOK_FAILS = "def post_build(built):\n    raise OSError('the shelf is full')\n"


def test_a_hook_that_fails_ends_the_run_and_is_owed_its_call(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.publish(tool("one-file", salt))
    entry_points = "[builder.hooks]\npost_build = hears:post_build\n"
    failing = install(tmp_path / "failing", {"hears": HOOK_FAILS}, entry_points)
    working = install(tmp_path / "working", {"hears": HEARS}, entry_points)

    failed = program.run("bootstrap", "one-file", variables=failing)
    done = program.run("bootstrap", "one-file", variables=working)

    assert failed.status == 2, failed.stderr
    assert (
        "error: hook post_build = hears:post_build (builder.hooks, from plugins-of-mine 1.0) "
        "for one-file==1.0 raised OSError: the shelf is full ("
    ) in failed.stderr
    assert done.status == 0, done.stderr
    assert "0 built now" in done.stderr
    assert [words[:2] for words in heard(working)] == [["post_build", "one-file"]]


def test_every_command_that_builds_tells_of_its_wheel(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.publish(tool("one-file", salt))
    hooks = "".join(f"{name} = hears:{name}\n" for name in HOOKS)
    variables = install(tmp_path / "site", {"hears": HEARS}, f"[builder.hooks]\n{hooks}")
    release = ("one-file", "1.0")
    wheel = "one_file-1.0-0-py3-none-any.whl"
    every = [["post_build", *release, wheel], ["post_bootstrap", "one-file", True]]
    planned = ["post_bootstrap", "one-file", False]

    for command, told in {
        ("bootstrap-parallel", "one-file"): [planned, *every],
        ("build-sequence", str(program.build_order), "--force"): every,
        ("build", *release, program.index.url): every,
        ("step", "build-wheel", *release): every,
    }.items():
        done = program.run(*command, "--no-cache", variables=variables)

        assert done.status == 0, done.stderr
        assert heard(variables) == told, command


def test_a_wrong_signature_is_refused_at_the_start_with_the_right_one(
    program: Program, tmp_path: Path
) -> None:
    text = "def update_extra_environ(ctx, req): ...\ndef environment(package): ...\n"
    entry_points = "[builder.overrides]\nlibrary = wrong\n"
    variables = install(tmp_path / "site", {"wrong": text}, entry_points)

    done = program.run("bootstrap", "library", variables=variables)

    assert done.status == 2
    assert done.stderr == (
        "error: entry point library = wrong (builder.overrides, from plugins-of-mine 1.0): "
        "environment(package) has the wrong parameters\n"
        "entry point library = wrong (builder.overrides, from plugins-of-mine 1.0): "
        "update_extra_environ is a function of Fromager's plugins, which nothing calls here\n"
        "hint: write def environment(package: Package, source: Source, "
        "usual: Mapping[str, str]) -> Mapping[str, str]\n"
    )


def test_a_plugin_of_fromager_keeps_its_package_from_being_built(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.publish(tool("one-file", salt))
    entry_points = "[fromager.project_overrides]\none_file = no_such_module\n"
    variables = install(tmp_path / "site", {}, entry_points)

    done: Done = program.run("bootstrap", "one-file", variables=variables)

    assert done.status == 2, done.stderr
    assert "plugin one_file = no_such_module (fromager.project_overrides, from" in done.stderr
    assert "would be passed over" in done.stderr
    assert "write-a-plugin.md" in done.stderr

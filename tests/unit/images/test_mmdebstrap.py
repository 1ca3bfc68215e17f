"""The command of a bootstrap, and the environment that it sees."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import ImageError
from builder.images import mmdebstrap
from builder.images.mmdebstrap import (
    CUSTOMIZE,
    Host,
    bootstrap,
    bootstrap_arguments,
    bootstrap_environment,
    extension_arguments,
    recipe_digest,
    step,
    transport_lines,
)
from builder.images.recipe import DebianBase, ImageRecipe

BASE = DebianBase(
    suite="trixie", components=("main", "contrib"), packages=("python3-dev", "gcc"), mirrors=()
)


def recipe(base: DebianBase, platform: str = "linux/amd64", description: str = "") -> ImageRecipe:
    return ImageRecipe("mine", description, platform, "/usr/bin/python3", base, None)


def test_an_ordinary_user_bootstraps_in_a_user_namespace() -> None:
    arguments = bootstrap_arguments("linux/arm64", BASE, is_root=False)
    shown = [a for a in arguments if not a.startswith(("--customize-hook", "--dpkgopt"))]
    assert " ".join(shown) == (
        "mmdebstrap --verbose --mode=unshare --variant=apt --format=tar"
        " --architectures=arm64 --components=main,contrib --include=gcc,python3-dev trixie -"
    )


def test_root_differs_in_the_mode_alone() -> None:
    ordinary = bootstrap_arguments("linux/amd64", BASE, is_root=False)
    root = bootstrap_arguments("linux/amd64", BASE, is_root=True)
    assert [pair for pair in zip(ordinary, root, strict=True) if pair[0] != pair[1]] == [
        ("--mode=unshare", "--mode=root")
    ]


def test_a_given_mirror_replaces_the_recipes_own() -> None:
    base = DebianBase("trixie", ("main",), (), ("https://own.example/debian",))
    own = bootstrap_arguments("linux/amd64", base, is_root=True)
    given = bootstrap_arguments(
        "linux/amd64", base, is_root=True, mirrors=("https://given.example/debian",)
    )
    assert own[-3:] == ["trixie", "-", "https://own.example/debian"]
    assert given[-3:] == ["trixie", "-", "https://given.example/debian"]


def test_an_image_does_without_files_of_its_packages() -> None:
    base = replace(BASE, without_files=("/usr/lib/*/liba.a", "/opt/b"))
    extra = set(bootstrap_arguments("linux/amd64", base, is_root=True))
    extra -= set(bootstrap_arguments("linux/amd64", BASE, is_root=True))
    assert extra == {
        "--dpkgopt=path-exclude=/usr/lib/*/liba.a",
        "--dpkgopt=path-exclude=/opt/b",
    }
    derived = extension_arguments("linux/amd64", base, ("git",), is_root=True)
    assert extra <= set(derived)


def test_apts_own_proxy_is_passed_on_and_nothing_else() -> None:
    dump = """Acquire "";
Acquire::Check-Valid-Until "false";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::cdrom::mount "/media/cdrom/";
"""
    lines = transport_lines(dump)
    assert lines == (
        'Acquire::http "";',
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::http::Proxy::mirror.example "DIRECT";',
    )
    arguments = bootstrap_arguments("linux/amd64", BASE, is_root=True, transport=lines)
    assert '--aptopt=Acquire::http::Proxy "http://proxy.example:3128";' in arguments


def test_programs_that_may_be_emulated_run_on_a_processor_that_is_quick_to_play(
    tmp_path: Path,
) -> None:
    arm = bootstrap_arguments("linux/arm64", BASE, is_root=True)
    native = bootstrap_arguments("linux/amd64", BASE, is_root=True)

    host = Host(is_root=True, environment={}, scratch=tmp_path).running("linux/arm64")

    assert bootstrap_environment(host.environment, tmp_path)["QEMU_CPU"] == "cortex-a72"
    assert any("env -i QEMU_CPU=cortex-a72 PATH=" in argument for argument in arm)
    assert not any("QEMU" in argument for argument in native)


def test_the_environment_is_made_from_nothing(tmp_path: Path) -> None:
    variables = {
        "HOME": "/home/me",
        "HTTPS_PROXY": "http://proxy.example",
        "no_proxy": "localhost",
        "LD_PRELOAD": "x.so",
        "PERL5LIB": "x",
        "PYTHONPATH": "x",
    }
    assert bootstrap_environment(variables, tmp_path) == {
        "HOME": "/home/me",
        "HTTPS_PROXY": "http://proxy.example",
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": "1700000000",
        "TMPDIR": str(tmp_path),
        "no_proxy": "localhost",
    }


def test_a_closed_scratch_folder_is_not_used_without_privileges(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    host = Host(is_root=False, environment={}, scratch=closed / "scratch")
    assert host.workplace() == Path("/var/tmp")
    assert (closed / "scratch").is_dir()


def test_root_uses_any_scratch_folder(tmp_path: Path) -> None:
    assert Host(is_root=True, environment={}, scratch=tmp_path).workplace() == tmp_path


def test_tmpdir_is_heeded(tmp_path: Path) -> None:
    own = tmp_path / "own"
    host = Host(is_root=True, environment={"TMPDIR": str(own)}, scratch=tmp_path)
    assert host.workplace() == own


def test_the_recipe_digest_covers_what_makes_the_image() -> None:
    digest = recipe_digest(recipe(BASE), BASE)
    other_suite = DebianBase("bookworm", BASE.components, BASE.packages, ())
    other_packages = DebianBase(BASE.suite, BASE.components, (*BASE.packages, "git"), ())
    other_files = replace(BASE, without_files=("/opt/b",))
    other_order = DebianBase(BASE.suite, BASE.components, ("gcc", "python3-dev"), ())
    assert digest == recipe_digest(recipe(BASE, description="words"), BASE)
    assert digest == recipe_digest(recipe(other_order), other_order)
    different = {
        recipe_digest(recipe(BASE, "linux/arm64"), BASE),
        recipe_digest(recipe(other_suite), other_suite),
        recipe_digest(recipe(other_packages), other_packages),
        recipe_digest(recipe(other_files), other_files),
    }
    assert len({digest, *different}) == 5


def test_the_customisation_is_plain_shell() -> None:
    assert "{{" not in CUSTOMIZE
    assert CUSTOMIZE.startswith("set -eu\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("I: running apt-get update...", "running apt-get update..."),
        ("E: mmdebstrap failed to run", "mmdebstrap failed to run"),
        ("Setting up libc6:amd64 (2.41-12) ...", "Setting up libc6:amd64"),
        ("W: Unable to read /tmp/mmdebstrap.apt.conf.x", None),
        ("Reading package lists...", None),
        ("I: running --customize-hook in shell: sh -c 'set -eu", None),
        ("  bash-doc debconf-doc", None),
    ],
)
def test_progress_is_the_lines_worth_showing(line: str, expected: str | None) -> None:
    assert step(line) == expected


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    seen: list[str] = []
    script = "printf 'I: starting\\nE: Unable to locate package nosuch\\n' >&2; exit 3"
    log = tmp_path / "log"
    with pytest.raises(ImageError) as caught:
        bootstrap(["sh", "-c", script], _host(tmp_path), tmp_path / "tar", log, seen.append)
    assert seen == ["starting", "Unable to locate package nosuch"]
    assert "failed with status 3" in caught.value.message
    assert f"log: {log}" in caught.value.message
    assert "check `packages`" in caught.value.hint


def test_a_missing_mmdebstrap_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is not installed") as caught:
        bootstrap(["no-such-tool"], _host(tmp_path), tmp_path / "tar", tmp_path / "log", print)
    assert "apt-get install mmdebstrap" in caught.value.hint


def test_the_bootstrap_is_asked_to_stop_when_the_run_is_interrupted(tmp_path: Path) -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    script = "echo 'I: begun' >&2; exec sleep 60"
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bootstrap(
            ["sh", "-c", script], _host(tmp_path), tmp_path / "tar", tmp_path / "log", interrupt
        )
    assert time.monotonic() - started < 30


def test_too_little_space_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmdebstrap, "_NEEDED_SPACE", 1 << 62)
    with pytest.raises(Exception, match="MiB left") as caught:
        bootstrap(["true"], _host(tmp_path), tmp_path / "tar", tmp_path / "log", print)
    assert type(caught.value).__name__ == "StorageError"


def _host(folder: Path) -> Host:
    return Host(is_root=True, environment={}, scratch=folder)

"""The commands that look at overrides and move them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LISTED = {
    "overrides/settings/some_pkg.yaml": (
        "env: {A: b}\nresolver_dist: {min_release_age: 3}\nvariants: {rocm: {pre_built: true}}\n"
    ),
    "overrides/patches/some_pkg/1.patch": "x",
    "overrides/patches/some_pkg/rocm/1.patch": "x",
    "overrides/patches/some_pkg-1.10/1.patch": "x",
    "overrides/patches/some_pkg-1.9/1.patch": "x",
    "overrides/patches/some_pkg-1.9.0/2.patch": "x",
    "overrides/patches/other-2/1.patch": "x",
}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "builder", *arguments]
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "BUILDER_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_lint_prints_every_problem_and_counts_them(tmp_path: Path) -> None:
    lay(tmp_path, {"overrides/settings/a.yaml": "enf: {}", "overrides/patches/A/1.patch": "x"})

    done = run(tmp_path, "lint")

    assert done.returncode == 1
    assert done.stdout == (
        "overrides/settings/a.yaml:1: enf: there is no such field\n"
        "  hint: did you mean 'env'?\n"
        "overrides/patches/A: 'A' is not how a project is called here\n"
        "  hint: call it a\n"
        "found 2 problems in 2 files\n"
    )


def test_lint_is_content_with_what_is_sound(tmp_path: Path) -> None:
    done = run(lay(tmp_path, LISTED), "lint")

    assert (done.returncode, done.stdout) == (0, "found 0 problems in 7 files\n")


def test_lint_looks_where_it_is_told_to(tmp_path: Path) -> None:
    lay(tmp_path, {"mine/A.yaml": ""})

    done = run(tmp_path, "--settings-dir", "mine", "lint")

    assert done.returncode == 1
    assert "mine/A.yaml" in done.stdout


def test_overrides_are_listed_by_name(tmp_path: Path) -> None:
    done = run(lay(tmp_path, LISTED), "list-overrides")

    assert (done.returncode, done.stdout) == (0, "other\nsome-pkg\n")


def test_details_are_rows_for_versions_with_patches(tmp_path: Path) -> None:
    done = run(lay(tmp_path, LISTED), "list-overrides", "--details", "--format", "csv")

    settings = '"env, resolver_dist, variants"'
    assert done.stdout.splitlines() == [
        "package,version,patches,min_release_age,cpu,rocm,plugin_hooks,settings",
        "other,2,1,,,,,",
        f"some-pkg,,1,3,,pre-built,,{settings}",
        f"some-pkg,1.9,2,3,,pre-built,,{settings}",
        f"some-pkg,1.10,1,3,,pre-built,,{settings}",
    ]


def test_details_as_json_go_to_a_file(tmp_path: Path) -> None:
    lay(tmp_path, LISTED)

    done = run(tmp_path, "list-overrides", "--details", "--format", "json", "-o", "out.json")

    assert (done.returncode, done.stdout) == (0, "")
    first, *_ = json.loads((tmp_path / "out.json").read_text())
    assert first == {
        "package": "other",
        "version": "2",
        "patches": 1,
        "min_release_age": None,
        "cpu": "",
        "rocm": "",
        "plugin_hooks": "",
        "settings": "",
    }


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_nothing_is_listed_where_nothing_is_laid_down(form: str, tmp_path: Path) -> None:
    assert run(tmp_path, "list-overrides").stdout.strip() == ""
    assert run(tmp_path, "list-overrides", "--details", "--format", form).returncode == 0


def test_settings_that_are_wrong_end_the_listing(tmp_path: Path) -> None:
    done = run(lay(tmp_path, {"overrides/settings/a.yaml": "enf: {}"}), "list-overrides")

    assert done.returncode == 2
    assert "error: overrides/settings/a.yaml:1: enf: there is no such field" in done.stderr
    assert "hint: did you mean 'env'?" in done.stderr


OLD = {
    "overrides/settings.yaml": "pre_built: {cpu: [a]}\n",
    "overrides/envs/cpu/b.env": "X=1\n",
}


def test_an_old_layout_is_moved_once(tmp_path: Path) -> None:
    lay(tmp_path, OLD)

    first = run(tmp_path, "migrate-config")
    again = run(tmp_path, "migrate-config")

    assert first.returncode == 0, first.stderr
    assert first.stdout == "overrides/settings/a.yaml\noverrides/settings/b.yaml\n"
    assert (again.returncode, again.stdout) == (0, "")
    assert "overrides/settings/a.yaml: says the same already" in again.stderr


def test_what_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    lay(tmp_path, {**OLD, "new/a.yaml": "build_dir: mine\n"})
    words = ("migrate-config", "--envs-dir", "overrides/envs", "--output-dir", "new")

    refused = run(tmp_path, *words)
    assert refused.returncode == 2
    assert "new/a.yaml: would be replaced" in refused.stderr
    assert not (tmp_path / "new/b.yaml").exists()

    forced = run(tmp_path, *words, "--force")
    assert forced.returncode == 0
    assert "warning: new/a.yaml: was replaced" in forced.stderr
    assert "pre_built: true" in (tmp_path / "new/a.yaml").read_text()


def test_nothing_to_move_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "migrate-config")

    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to move" in done.stderr

"""Commands that look at overrides tell of installed plugins, too."""

import json
import os
import subprocess
import sys
from pathlib import Path

PLUGIN = """
def environment(package, source, usual): return {}
def build_wheel(package, source, commands): ...
def post_build(built): ...
"""
ENTRY_POINTS = """
[builder.overrides]
some_pkg = plugin_of_mine
[builder.hooks]
post_build = plugin_of_mine:post_build
[fromager.project_overrides]
some_pkg = no_such_module
other_pkg = no_such_module
[fromager.hooks]
post_bootstrap = no_such_module:x
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    info = folder / "site/mine-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "site/plugin_of_mine.py").write_text(PLUGIN)
    path = os.pathsep.join([str(folder / "site"), str(Path.cwd())])
    return subprocess.run(
        [sys.executable, "-B", "-m", "builder", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "BUILDER_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_plugins_decide_is_listed(tmp_path: Path) -> None:
    done = run(tmp_path, "list-overrides", "--details", "--format", "json")

    assert done.returncode == 0, done.stderr
    assert {row["package"]: row["plugin_hooks"] for row in json.loads(done.stdout)} == {
        "other-pkg": "other_pkg = no_such_module (fromager.project_overrides, from mine 1.0)",
        "some-pkg": "environment, build_wheel",
    }


def test_lint_names_what_cannot_run_here(tmp_path: Path) -> None:
    done = run(tmp_path, "lint")

    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("entry point")]
    assert problems == [
        f"entry point {place}, from mine 1.0): is written for Fromager, and cannot run here"
        for place in (
            "other_pkg = no_such_module (fromager.project_overrides",
            "post_bootstrap = no_such_module:x (fromager.hooks",
        )
    ]

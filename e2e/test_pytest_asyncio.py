"""A release that fails as it is, with a word that leads to the cause, builds with our patch."""

import subprocess
import sys
from pathlib import Path

IMAGE = "cpu-py311"
OVERRIDES = Path(__file__).parents[1] / "overrides"


def bootstrap(output: Path, patches: Path) -> subprocess.CompletedProcess[str]:
    constraints = output / "constraints.txt"
    constraints.write_text("pytest-asyncio==1.1.0\nsetuptools-scm==9.2.0\n")
    command = [sys.executable, "-m", "builder", "bootstrap", "pytest-asyncio", "-O", str(output)]
    command += ["--image", IMAGE, "-c", str(constraints), "--patches-dir", str(patches)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_pytest_asyncio_needs_its_patch(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "builder", "image", "build", IMAGE], check=True)

    without = bootstrap(tmp_path, tmp_path / "none")
    patched = bootstrap(tmp_path, OVERRIDES / "patches")

    assert without.returncode == 100, without.stderr
    assert "failed: pytest-asyncio==1.1.0: hooks: get_requires_for_build_wheel" in without.stderr
    assert "hint: setup.cfg takes the version from an attribute of a package" in without.stderr
    assert patched.returncode == 0, patched.stderr
    wheels = {path.name for path in (tmp_path / "wheels-repo/downloads").iterdir()}
    assert "pytest_asyncio-1.1.0-0-py3-none-any.whl" in wheels

"""Packages that need libraries our images lack build with the overrides that come with the project.

Each brings its headers by itself, and what is built works where its library is.
"""

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.containers import GIB, BindMount, ContainerSpec, Limits, Tmpfs
from builder.domain.releases import Pin
from builder.engines.discovery import EngineChoice, open_engine
from builder.overrides.reading import read_overrides
from tests.facts import pin

pytestmark = pytest.mark.once

IMAGE = "cpu"
ENGINE: EngineChoice = "docker" if os.environ.get("BUILDER_TEST_ENGINES") == "docker" else "podman"
OVERRIDES = Path(__file__).parents[1] / "overrides"
WANTED = {
    "pycairo==1.29.2": ("cairo", "libcairo.so.2()(64bit)"),
    "mysqlclient==2.3.1": ("MySQLdb", "libmariadb.so.3()(64bit)"),
    "python-ldap==3.4.8": ("ldap", "libldap.so.2()(64bit)"),
}
TOOLS = """
flit-core==4.2.0
meson==1.12.1
meson-python==0.22.1
packaging==26.3
pyasn1==0.6.5
pyasn1-modules==0.4.2
pyproject-metadata==0.12.1
setuptools==84.2.1
wheel==0.48.0
"""
INSTALL = """
set -e
python3 -m venv /build/venv
/build/venv/bin/pip install --quiet --no-index --find-links /wheels "$1"
/build/venv/bin/python -c "import $2"
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all of them are built into, in one run."""
    output = tmp_path_factory.mktemp("hard")
    (output / "constraints.txt").write_text(TOOLS)
    command = [sys.executable, "-m", "builder", "bootstrap", *WANTED, "-O", str(output)]
    command += ["--image", IMAGE, "--engine", ENGINE, "-c", str(output / "constraints.txt")]
    command += ["--settings-dir", str(OVERRIDES / "settings")]
    command += ["--patches-dir", str(OVERRIDES / "patches")]
    subprocess.run([sys.executable, "-m", "builder", "image", "build", IMAGE], check=True)

    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 0, done.stderr
    return output / "wheels-repo/downloads"


@pytest.mark.parametrize("wanted", WANTED)
def test_a_package_builds_with_its_headers_and_works_with_its_library(
    wanted: str, wheels: Path
) -> None:
    module, library = WANTED[wanted]
    release = pin(wanted)
    [wheel] = wheels.glob(f"{release.name.replace('-', '_')}-{release.version}-*.whl")

    assert library in needed(wheel)
    imported(release, module, wheels)


def needed(wheel: Path) -> list[str]:
    """What the wheel says that its extensions are linked against."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [one for one in archive.namelist() if one.endswith("/fromager-elf-requires.txt")]
        return archive.read(name).decode().splitlines()


def imported(release: Pin, module: str, wheels: Path) -> None:
    """Installs and imports a package in a fresh container without a network.

    Its image is the one that the package was built in: that has the library.
    """
    usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "builder"
    cache = Path(os.environ.get("BUILDER_CACHE_DIR", usual))
    settings = Settings(wheels, wheels, wheels, cache, (), dict(os.environ))
    overrides = read_overrides(
        OVERRIDES / "settings.yaml", OVERRIDES / "settings", OVERRIDES / "patches", IMAGE
    )
    packages = overrides.place(release).system_packages
    derived = image_catalogue(settings).extend(IMAGE, packages, print)
    printed: list[bytes] = []
    with open_engine(ENGINE, settings.engine_variables) as engine:
        spec = ContainerSpec(
            name=f"builder-check-{os.getpid()}",
            image=engine.ensure_image(derived.image),
            command=("/bin/sh", "-c", INSTALL, "sh", str(release), module),
            environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/tmp")),
            binds=(BindMount(wheels, PurePosixPath("/wheels")),),
            tmpfs=(Tmpfs(PurePosixPath("/build"), GIB), Tmpfs(PurePosixPath("/tmp"), GIB)),
            limits=Limits(wall_seconds=300),
        )
        ended = engine.run(spec, printed.append, threading.Event())
    assert ended.succeeded, b"".join(printed).decode(errors="replace")
    assert derived.was_there

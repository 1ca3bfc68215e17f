"""What settings say of a build reaches every hook: variables, config settings and the folder."""

import ast
import io
import tarfile
from pathlib import Path

import pytest

from tests.system.conftest import Program
from tests.system.sdists import BACKEND

pytestmark = pytest.mark.once

# Tells in each hook what it was given, where it runs, and what it sees.
TELLING = (
    BACKEND
    + """

_required, _built = get_requires_for_build_wheel, build_wheel
NAMES = ("FLAGS", "PATH", "MAX_JOBS", "MAKEFLAGS", "SCM_VERSION", "FROM_HOST", "TOKEN")


def _tell(hook, config_settings):
    seen = {name: os.environ.get(name) for name in NAMES}
    print("TOLD", [hook, os.getcwd(), config_settings, seen], flush=True)


def get_requires_for_build_wheel(config_settings=None):
    _tell("get_requires", config_settings)
    return _required(config_settings)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    _tell("prepare_metadata", config_settings)
    os.mkdir(os.path.join(metadata_directory, "library-1.0.dist-info"))
    with open(os.path.join(metadata_directory, "library-1.0.dist-info/METADATA"), "w") as file:
        file.write("Metadata-Version: 2.2\\nName: library\\nVersion: 1.0\\n")
    return "library-1.0.dist-info"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _tell("build_wheel", config_settings)
    return _built(wheel_directory, config_settings, metadata_directory)
"""
)
PYPROJECT = """\
[build-system]
requires = []
build-backend = "one_file"
backend-path = ["."]
[project]
name = "library"
version = "1.0"
dynamic = ["dependencies"]
[tool.one-file]
hook-requires = []
says = []
"""
SETTINGS = """\
build_dir: src/python
config_settings:
  plain: value
  many: [one, two]
env:
  FLAGS: -O2 $$ORIGIN
  PATH: /opt/tools/bin:$PATH
  MAX_JOBS: 1
  SCM_VERSION: ${__version__}
  FROM_HOST: ${CI_NAME:-nobody}
variants:
  cpu: {env: {FLAGS: "${FLAGS} ${UNSET:--g:{x}}"}}
  other: {env: {FLAGS: other}}
"""
GENERAL = "external_commands: {keep_env: [CI_*]}\n"
HOST = {"CI_NAME": "robot", "TOKEN": "s3cret"}


def sdist(salt: str) -> bytes:
    """A project that lies in a folder of its source; what is around it cannot be built."""
    files = {
        "salt": salt,
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'nonsense'\n",
        "src/python/pyproject.toml": PYPROJECT,
        "src/python/one_file.py": TELLING,
        "src/python/library.py": "",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"library-1.0/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def laid(folder: Path, settings: str) -> tuple[str, ...]:
    (folder / "settings").mkdir(exist_ok=True)
    (folder / "settings/library.yaml").write_text(settings)
    (folder / "settings.yaml").write_text(GENERAL)
    files = folder / "settings.yaml", folder / "settings"
    return "--settings-file", str(files[0]), "--settings-dir", str(files[1])


def told(program: Program) -> list[list[object]]:
    """What each hook told, from the log of the package."""
    log = (program.output / "work-dir/logs/library-1.0.log").read_text()
    lines = [line for line in log.splitlines() if line.startswith("TOLD ")]
    return [ast.literal_eval(line.removeprefix("TOLD ")) for line in lines]


def test_every_hook_gets_what_the_settings_say(program: Program, salt: str, tmp_path: Path) -> None:
    program.index.publish("library", "library-1.0.tar.gz", sdist(salt))
    where = laid(tmp_path, SETTINGS)

    done = program.run("bootstrap", *where, "-j", "3", "library", variables=HOST)

    assert done.status == 0, done.stderr
    hooks = told(program)
    assert {hook for hook, *_ in hooks} == {"get_requires", "prepare_metadata", "build_wheel"}
    seen = {
        "FLAGS": "-O2 $ORIGIN -g:{x}",
        "PATH": "/opt/tools/bin:/env/bin:/usr/local/bin:/usr/bin:/bin",
        "MAX_JOBS": "1",
        "MAKEFLAGS": "-j3",
        "SCM_VERSION": "1.0",
        "FROM_HOST": "robot",
        "TOKEN": None,
    }
    given = {"plain": "value", "many": ["one", "two"]}
    for _, *what in hooks:
        assert what == ["/build/library-1.0/src/python", given, seen]
    assert "s3cret" not in done.stderr


def test_a_build_from_a_lock_and_one_by_itself_get_the_same(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.index.publish("library", "library-1.0.tar.gz", sdist(salt))
    where = laid(tmp_path, SETTINGS)
    assert program.run("bootstrap", *where, "library", variables=HOST).status == 0
    first = told(program)[-1]
    order = str(program.build_order)
    log = program.output / "work-dir/logs/library-1.0.log"

    for words in (("build-sequence", "--force", order), ("build", "library", "1.0")):
        log.unlink()
        done = program.run(*words, *where, "--no-cache", variables=HOST)
        assert done.status == 0, done.stderr
        assert told(program)[-1] == first
    again = program.run("build-sequence", "--force", order, *where, variables=HOST)
    other = program.run(
        "build-sequence", "--force", order, *where, variables=HOST | {"CI_NAME": "x"}
    )

    assert "0 built now" in again.stderr
    assert "1 built now" in other.stderr


def test_a_variable_that_means_nothing_ends_the_run_before_it_builds(
    program: Program, salt: str, tmp_path: Path
) -> None:
    program.index.publish("library", "library-1.0.tar.gz", sdist(salt))
    where = laid(tmp_path, "env:\n  A: a\n  B: $TOKEN\n")

    done = program.run("bootstrap", *where, "library", variables=HOST)

    assert done.status == 2, done.stderr
    place = f"{tmp_path}/settings/library.yaml:3: env.B"
    assert f"{place}: TOKEN means nothing here, for library==1.0" in done.stderr
    assert "hint: let it in from this host" in done.stderr
    assert "preparing" not in done.stderr
    assert "s3cret" not in done.stderr

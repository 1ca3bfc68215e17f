"""A build environment holds exactly its wheels, and cannot change what others see."""

import base64
import hashlib
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.build.environment import ClashingWheels, assemble
from builder.build.trees import add_bytecode, site_packages, unpack_wheel
from builder.domain.builds import Wheel
from tests.facts import TARGET, wheel

SITE = "lib/python3.13/site-packages"


def tree_of(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def assembled(tmp_path: Path, *trees: Mapping[str, str]) -> Path:
    wheels = [wheel(f"{'abcdef'[number]}==1") for number in range(len(trees))]
    unpacked = {
        one: tree_of(tmp_path / "trees" / str(number), files)
        for number, (one, files) in enumerate(zip(wheels, trees, strict=True))
    }
    (tmp_path / "stored").write_text("wheel")
    assemble(tmp_path / "made", unpacked, dict.fromkeys(wheels, tmp_path / "stored"), TARGET)
    return tmp_path / "made"


def test_files_of_all_wheels_lie_side_by_side(tmp_path: Path) -> None:
    made = assembled(tmp_path, {f"{SITE}/space/a.py": "a"}, {f"{SITE}/space/b.py": "b"})

    names = sorted(path.name for path in (made / "env" / SITE / "space").iterdir())
    assert names == ["a.py", "b.py"]


def test_it_is_a_virtual_environment_of_the_targets_interpreter(tmp_path: Path) -> None:
    made = assembled(tmp_path)

    for name in ("python", "python3", "python3.13"):
        assert str((made / "env/bin" / name).readlink()) == "/usr/bin/python3.13"
    assert "home = /usr/bin\n" in (made / "env/pyvenv.cfg").read_text()
    assert (made / "env" / SITE).is_dir()


def test_the_index_lists_the_wheels_and_no_others(tmp_path: Path) -> None:
    made = assembled(tmp_path, {}, {})

    simple = made / "index/simple"
    assert sorted(path.name for path in simple.iterdir()) == ["a", "b", "index.html"]
    page = (simple / "a/index.html").read_text()
    digest = wheel("a==1").digest.sha256
    assert f'href="../../wheels/a-1-0-py3-none-any.whl#sha256={digest}"' in page
    assert (made / "index/wheels/a-1-0-py3-none-any.whl").read_text() == "wheel"


def test_the_same_file_in_two_wheels_is_no_clash(tmp_path: Path) -> None:
    made = assembled(tmp_path, {f"{SITE}/x.py": "same"}, {f"{SITE}/x.py": "same"})

    assert (made / "env" / SITE / "x.py").read_text() == "same"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({f"{SITE}/x.py": "one"}, {f"{SITE}/x.py": "other"}),
        ({f"{SITE}/x": "file"}, {f"{SITE}/x/y.py": "folder"}),
        ({f"{SITE}/x/y.py": "folder"}, {f"{SITE}/x": "file"}),
    ],
)
def test_two_wheels_that_want_one_path_clash(
    first: Mapping[str, str], second: Mapping[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ClashingWheels, match=r"a-1-0.*b-1-0.*site-packages/x"):
        assembled(tmp_path, first, second)


def test_a_wheel_that_brings_the_environments_own_files_does_not_get_them_overwritten(
    tmp_path: Path,
) -> None:
    made = assembled(tmp_path, {"pyvenv.cfg": "mine", "bin/python": "mine"})

    assert (tmp_path / "trees/0/pyvenv.cfg").read_text() == "mine"
    assert (tmp_path / "trees/0/bin/python").read_text() == "mine"
    assert (made / "env/pyvenv.cfg").read_text() != "mine"
    assert (made / "env/bin/python").is_symlink()


@pytest.mark.parametrize("path", ["bin", "lib", "bin/python/x", "pyvenv.cfg/x"])
def test_a_wheel_that_is_in_the_environments_own_way_clashes(path: str, tmp_path: Path) -> None:
    with pytest.raises(ClashingWheels, match=r"the environment itself and a-1-0"):
        assembled(tmp_path, {path: ""})


def stored_wheel(path: Path, files: Mapping[str, str]) -> Wheel:
    info = "a_b-1.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: a-b\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in everything.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{name},sha256={digest.decode()},{len(text.encode())}\n"
    with zipfile.ZipFile(path, "w") as out:
        for name, text in {**everything, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            out.writestr(entry, text)
    return wheel("a-b==1")


def test_a_wheel_is_unpacked_as_it_would_be_installed(tmp_path: Path) -> None:
    files = {
        "a_b/__init__.py": "",
        "a_b-1.data/scripts/run": "#!python\nprint()\n",
        "a_b-1.data/data/share/x": "x",
        "a_b-1.data/headers/a.h": "h",
        "a_b-1.dist-info/entry_points.txt": "[console_scripts]\nmain = a_b:main\n",
    }
    one = stored_wheel(tmp_path / "stored", files)

    unpack_wheel(one, tmp_path / "stored", TARGET, tmp_path / "tree")

    tree = tmp_path / "tree"
    assert (tree / SITE / "a_b/__init__.py").is_file()
    assert (tree / "share/x").read_text() == "x"
    assert (tree / "include/site/python3.13/a-b/a.h").is_file()
    for script in ("run", "main"):
        assert (tree / "bin" / script).read_text().startswith("#!/env/bin/python")
    assert stat.S_IMODE((tree / "bin/main").stat().st_mode) == 0o755
    assert stat.S_IMODE((tree / "share/x").stat().st_mode) == 0o644


def test_only_bytecode_of_modules_that_are_there_is_taken(tmp_path: Path) -> None:
    site = str(site_packages(TARGET))
    tree = tree_of(tmp_path / "tree", {f"{site}/m.py": "x = 1", f"{site}/data.txt": ""})
    with zipfile.ZipFile(tmp_path / "packed", "w") as out:
        for name in (
            f"0/{site}/m.py",
            f"0/{site}/data.txt",
            "0/../../evil.py",
            "/evil.py",
            "1/m.py",
        ):
            out.writestr(name, b"compiled")

    add_bytecode(tmp_path / "packed", {"0": tree}, TARGET)

    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.pyc")}
    assert made == {f"tree/{site}/__pycache__/m.cpython-313.pyc"}
    assert not list(tmp_path.rglob("evil*"))

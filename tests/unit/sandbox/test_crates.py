"""Crates are held to the lock, file by file, and compiled libraries in them are emptied."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.sandbox.agent import load

SUM = "ab" * 32


@pytest.fixture
def crates(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Imports its neighbours, as in a container."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "builder/sandbox"))
    return load("crates")


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    folder = tmp_path / "vendor"
    lay(folder, "tiny", {"src/lib.rs": "pub fn f() {}", "lib/x.a": "compiled"})
    return folder


def lay(vendor: Path, name: str, files: dict[str, str], package: str | None = SUM) -> Path:
    crate = vendor / name
    crate.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (crate / path).parent.mkdir(parents=True, exist_ok=True)
        (crate / path).write_text(text)
    sums = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    listed = {"files": sums, "package": package}
    (crate / ".cargo-checksum.json").write_text(json.dumps(listed))
    return crate


def link(path: Path, target: Path) -> None:
    """Puts a link to the same content elsewhere in place of a file."""
    path.rename(target.parent / "same")
    path.symlink_to(target.parent / "same")


def locked(name: str, version: str = "1.0.0", checksum: str | None = SUM) -> dict[str, str | None]:
    return {"name": name, "version": version, "checksum": checksum}


def files_of(crate: Path) -> set[str]:
    return set(json.loads((crate / ".cargo-checksum.json").read_text())["files"])


def test_crates_of_the_lock_pass(crates: ModuleType, vendor: Path) -> None:
    lay(vendor, "tiny-0.9.0", {"lib.rs": ""}, "cd" * 32)
    lay(vendor, "mark", {"lib.rs": ""}, None)
    wanted = [locked("tiny"), locked("tiny", "0.9.0", "cd" * 32), locked("mark", "3.0.0", None)]

    assert crates._check(str(vendor), wanted, as_released=True) == []


OFFENCES: dict[str, tuple[Callable[[Path], object], str]] = {
    "another file": (lambda v: (v / "tiny/src/lib.rs").write_text("evil"), "not what was released"),
    "a missing file": (lambda v: (v / "tiny/src/lib.rs").unlink(), "not what was released"),
    "a file more": (lambda v: (v / "tiny/build.rs").write_text("evil"), "has no checksum"),
    "a link more": (lambda v: (v / "tiny/link").symlink_to("src"), "has no checksum"),
    "a link for a file": (
        lambda v: link(v / "tiny/src/lib.rs", v),
        "not what was released",
    ),
    "a crate more": (lambda v: lay(v, "evil", {}, "cd" * 32), "is not what the lock names"),
    "a copy": (lambda v: lay(v, "tiny-1.0.0", {}), "is not what the lock names"),
    "another sum": (lambda v: lay(v, "tiny", {}, "cd" * 32), "is not what the lock names"),
    "another name": (lambda v: (v / "tiny").rename(v / "tinier"), "is not what the lock names"),
    "no sum": (lambda v: lay(v, "tiny", {}, None), "is not what the lock names"),
    "no checksums": (lambda v: (v / "tiny/.cargo-checksum.json").unlink(), "is none"),
    "unusable checksums": (
        lambda v: (v / "tiny/.cargo-checksum.json").write_text('{"files": {"a": 1}}'),
        "unusable checksums",
    ),
    "a way out": (
        lambda v: (v / "tiny/.cargo-checksum.json").write_text(
            json.dumps({"files": {"../x": SUM}, "package": SUM})
        ),
        "not what was released",
    ),
    "a loose file": (lambda v: (v / "loose").touch(), "is none"),
    "nothing": (lambda v: (v / "tiny").rename(v.parent / "gone"), "are not there: tiny 1.0.0"),
}


@pytest.mark.parametrize("what", OFFENCES)
def test_whatever_is_not_as_locked_is_refused(crates: ModuleType, vendor: Path, what: str) -> None:
    change, words = OFFENCES[what]
    change(vendor)

    with pytest.raises(crates.archive.ArchiveRefusedError, match=words):
        crates._check(str(vendor), [locked("tiny")], as_released=True)


def test_what_an_earlier_run_changed_is_told(crates: ModuleType, vendor: Path) -> None:
    (vendor / "tiny/src/lib.rs").write_text("patched")
    (vendor / "tiny/src/more.rs").write_text("new")

    crates.forget_changed(str(vendor.parent))

    assert files_of(vendor / "tiny") == {"lib/x.a"}
    found = crates._check(str(vendor), [locked("tiny")], as_released=False)
    assert found == ["tiny/src/lib.rs", "tiny/src/more.rs"]


def test_checksums_of_crates_that_nobody_changed_stay_as_they_are(
    crates: ModuleType, vendor: Path
) -> None:
    before = (vendor / "tiny/.cargo-checksum.json").read_bytes()

    crates.forget_changed(str(vendor.parent))

    assert (vendor / "tiny/.cargo-checksum.json").read_bytes() == before


def test_compiled_libraries_are_emptied_and_stay(crates: ModuleType, vendor: Path) -> None:
    crate = lay(vendor, "windows", {"lib/a.lib": "compiled", "lib/b.LIB.txt": "text"}, "cd" * 32)

    assert sorted(crates._emptied(str(vendor))) == ["tiny/lib/x.a", "windows/lib/a.lib"]
    assert (crate / "lib/a.lib").read_bytes() == b""
    assert files_of(crate) == {"lib/b.LIB.txt"}
    assert list(crates._emptied(str(vendor))) == []
    wanted = [locked("tiny"), locked("windows", "0.1.0", "cd" * 32)]
    assert crates._check(str(vendor), wanted, as_released=False) == []


def test_crates_are_told_from_a_folder_for_something_else(
    crates: ModuleType, vendor: Path, tmp_path: Path
) -> None:
    assert crates._vendor(str(tmp_path / "none"))["state"] == "none"
    assert crates._vendor(str(vendor)) == {
        "state": "crates",
        "crates": [{"folder": "tiny", "package": SUM, "intact": True}],
    }
    (vendor / "zlib").mkdir()
    assert crates._vendor(str(vendor)) == {"state": "other", "crates": []}

"""What auditwheel says is told in one line, and what it grafted is found again."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.unit.sandbox.agent import load

repair = load("repair")

SAID = {
    "usage: auditwheel [-h]\n"
    'auditwheel: error: cannot repair "/in/x-1-0-cp313-cp313-linux_x86_64.whl" to "p" ABI\n': (
        'cannot repair x-1-0-cp313-cp313-linux_x86_64.whl to "p" ABI'
    ),
    'Traceback (most recent call last):\n  File "x", line 1\n'
    'ValueError: Cannot repair wheel, because required library "libx.so" could not be located\n': (
        'Cannot repair wheel, because required library "libx.so" could not be located'
    ),
    "INFO:auditwheel:Repairing\n": "auditwheel ended with exit status 1",
    "": "auditwheel ended with exit status 1",
}


@pytest.mark.parametrize("stderr", SAID)
def test_the_last_error_is_the_reason(stderr: str) -> None:
    done = subprocess.CompletedProcess(["auditwheel"], 1, "", stderr)

    assert repair._reason(done) == SAID[stderr]


def test_a_grafted_library_is_known_by_the_name_that_auditwheel_gives_it(tmp_path: Path) -> None:
    library = tmp_path / "libown.so.1.2"
    library.write_bytes(b"own")
    grafted = f"pkg.libs/libown-{hashlib.sha256(b'own').hexdigest()[:8]}.so.1.2"
    before, after = tmp_path / "before.whl", tmp_path / "after.whl"
    with zipfile.ZipFile(before, "w") as out:
        out.writestr("pkg/part.so", "part")
    with zipfile.ZipFile(after, "w") as out:
        for name in ("pkg/part.so", grafted, "pkg-1.dist-info/sboms/auditwheel.cdx.json"):
            out.writestr(name, "x")

    external = {"libown.so.1": str(library), "libnone.so": None}
    (found,) = repair._grafted(str(before), str(after), external)

    assert (found["file"], found["soname"]) == (grafted, "libown.so.1")


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"'])
def test_facts_of_another_form_are_none(text: str) -> None:
    assert repair._facts(text) == {}

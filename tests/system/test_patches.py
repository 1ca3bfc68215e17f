"""Sources are patched in containers, and a patch that does not fit is told apart."""

from pathlib import Path

import pytest

from tests.system.conftest import Done, Program
from tests.system.sdists import Package

pytestmark = pytest.mark.once


BACKEND = "one-file"
FITS = """\
A note about why.

--- a/library.py
+++ b/library.py
@@ -0,0 +1,2 @@
+def patched():
+    return 1
"""
NEEDS_THE_FIRST = """\
--- a/library.py
+++ b/library.py
@@ -1,2 +1,2 @@
 def patched():
-    return 1
+    return 2
"""
MISFIT = """\
--- a/salt
+++ b/salt
@@ -1,1 +1,1 @@
-no such salt
+pepper
"""
LEAVES = """\
--- /dev/null
+++ b/../../../tmp/outside
@@ -0,0 +1 @@
+x
"""
LINKS_OUT = """\
diff --git a/outside b/outside
new file mode 120000
index 0000000..1
--- /dev/null
+++ b/outside
@@ -0,0 +1 @@
+/etc
\\ No newline at end of file
"""
PRINTS = "print('MODULE', repr(open('library.py').read()), flush=True)"


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return tmp_path / "patches"


def lay(patches: Path, name: str, text: str) -> None:
    (patches / name).parent.mkdir(parents=True, exist_ok=True)
    (patches / name).write_text(text)


def bootstrap(program: Program, patches: Path) -> Done:
    return program.run("bootstrap", "library", "--patches-dir", str(patches))


def library(salt: str) -> tuple[Package, Package]:
    return Package(BACKEND, backend="", salt=salt), Package("library", salt=salt, payload=PRINTS)


def test_patches_are_applied_in_order_and_a_changed_one_builds_anew(
    program: Program, salt: str, patches: Path
) -> None:
    program.publish(*library(salt))
    lay(patches, "library/001-first.patch", FITS)

    first = bootstrap(program, patches)
    again = bootstrap(program, patches)
    lay(patches, "library-1.0.0/cpu/002-second.patch", NEEDS_THE_FIRST)
    lay(patches, "library/rocm/000-other.patch", MISFIT)
    lay(patches, "library-0.9/003-left.patch", MISFIT)
    second = bootstrap(program, patches)

    assert first.status == 0, first.stderr
    assert "0 built now" in again.stderr
    assert second.status == 0, second.stderr
    assert "1 built now" in second.stderr
    left = "library-0.9/003-left.patch is used by no version that was built: it is for 0.9"
    assert f"warning: {left}" in second.stderr
    log = program.log(library(salt)[1])
    assert "applying 001-001-first.patch" in log
    assert log.index("applying 001-001") < log.index("applying 002-002-second.patch")
    assert "MODULE 'def patched():\\n    return 2\\n'" in log


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MISFIT, "hunk 1 of salt (@@ -1,1 +1,1 @@) does not fit at line 1: its line 1 is "),
        (LEAVES, "leaves the source"),
        (LINKS_OUT, "would link out of the source"),
        ("no patch\n", "it holds no change at all"),
    ],
    ids=["a misfit", "a path that leaves", "a link that leaves", "no patch"],
)
def test_a_patch_that_cannot_be_applied_is_named(
    text: str, words: str, program: Program, salt: str, patches: Path
) -> None:
    program.publish(*library(salt))
    lay(patches, "library/001-first.patch", FITS)
    lay(patches, "library-1.0/002-second.patch", text)

    done = bootstrap(program, patches)

    assert done.status == 100, done.stderr
    assert "failed: library==1.0: patch: " in done.stderr
    assert "patch library-1.0/002-second.patch does not apply: " in done.stderr
    assert words in done.stderr
    assert "library-1.0-0-py3-none-any.whl" not in program.wheels()


def test_patches_of_another_version_are_told(program: Program, salt: str, patches: Path) -> None:
    program.publish(*library(salt))
    lay(patches, "library-0.9/001-old.patch", MISFIT)

    done = bootstrap(program, patches)

    assert done.status == 0, done.stderr
    assert (
        "warning: library==1.0: library-0.9/001-old.patch is not applied: it is for 0.9"
    ) in done.stderr

"""What `patch` prints is told in one sentence, and a patch cannot reach out of its source."""

from pathlib import Path

import pytest

from tests.unit.sandbox.agent import load

patches = load("patches")

SAID = {
    "a hunk": (
        (
            "patching file src/f.c\nHunk #1 succeeded at 3 (offset 1 line).\n"
            "Hunk #2 FAILED at 40.\n1 out of 2 hunks FAILED\n"
        ),
        "hunk 2 of src/f.c does not fit at line 40",
    ),
    "a hunk of another ending": (
        "patching file f\nHunk #1 FAILED at 1 (different line endings).\n1 out of 1 hunk FAILED\n",
        "hunk 1 of f does not fit at line 1",
    ),
    "many hunks": (
        "patching file f\n" + "".join(f"Hunk #{n} FAILED at {n}0.\n" for n in range(1, 6)),
        (
            "hunk 1 of f does not fit at line 10; hunk 2 of f does not fit at line 20; "
            "hunk 3 of f does not fit at line 30; and 2 more"
        ),
    ),
    "what is there already": (
        (
            "patching file f\nReversed (or previously applied) patch detected!  Skipping patch.\n"
            "1 out of 1 hunk ignored\n"
        ),
        "hunk 1 of f is there already, or was made for another version",
    ),
    "a missing file": (
        (
            "can't find file to patch at input line 3\nPerhaps you used the wrong -p or --strip "
            "option?\nThe text leading up to this was:\n----\n|--- a/h\n|+++ b/h\n----\n"
            "No file to patch.  Skipping patch.\n1 out of 1 hunk ignored\n"
        ),
        "the file that its line 3 names is not in the source",
    ),
    "a new file that is there": (
        "The next patch would create the file g,\nwhich already exists!  Skipping patch.\n",
        "it would create g, which is there already or was never there",
    ),
    "a file name with a space": (
        "patching file 'a b'\nHunk #1 FAILED at 1.\n",
        "hunk 1 of a b does not fit at line 1",
    ),
    "a broken patch": (
        "patching file f\npatch: **** malformed patch at line 5: ZZ\n\n",
        "its line 5 is malformed",
    ),
    "no patch": (
        "patch: **** Only garbage was found in the patch input.\n",
        "it holds no change at all",
    ),
    "a binary": (
        "File g: git binary diffs are not supported.\n",
        "g is a binary file, which needs git",
    ),
    "a name outside": (
        "Ignoring potentially dangerous file name ../q\n",
        "../q leaves the source",
    ),
    "anything else": ("hm\nno idea\n\n", "patch ended with exit status 2, and said last: no idea"),
    "nothing": ("", "patch ended with exit status 2, and said last: nothing"),
}


@pytest.mark.parametrize("what", SAID)
def test_patch_is_understood_when_it_complains_of(what: str) -> None:
    output, expected = SAID[what]

    assert patches.explain(output, 2) == expected


LEAVING = {
    "an old name": b"--- a/../../x\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
    "a new name": b"--- a/f\n+++ b/../x\t2020-01-01\n",
    "a second file": b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n--- a/..\n+++ b/..\n",
    "a rename": b"diff --git a/f b/g\nrename from f\nrename to ../g\n",
    "a git header": b"diff --git a/../f b/../f\n",
    "a quoted name": b'--- "a/../x y"\n+++ b/x\n',
    "an index": b"Index: ../x\n",
}


@pytest.mark.parametrize("what", LEAVING)
def test_a_patch_leaves_the_source_by(what: str) -> None:
    assert patches.leaving(LEAVING[what].splitlines()) is not None


@pytest.mark.parametrize(
    "patch",
    [
        b"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n--- a/../x\n+++ b/../x\n c\n",
        b"From: someone\nSubject: see ../x\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
        b"--- /dev/null\n+++ b/a..b/..c\n@@ -0,0 +1 @@\n+../x\n\\ No newline at end of file\n",
    ],
    ids=["in a hunk", "in the text before", "dots in names"],
)
def test_a_patch_stays_inside_though_it_looks_otherwise(patch: bytes) -> None:
    assert patches.leaving(patch.splitlines()) is None


@pytest.mark.parametrize(
    ("target", "stray"),
    [("file", None), ("sub/..", None), ("/etc", "link"), ("../out", "link"), ("missing", None)],
)
def test_a_link_may_not_lead_out(target: str, stray: str | None, tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/file").touch()
    (tmp_path / "tree/link").symlink_to(target)

    assert patches.stray_link(str(tmp_path / "tree")) == stray


TWO_HUNKS = b"""\
Subject: why

diff --git a/src/f.c b/src/f.c
--- a/src/f.c\t2020-01-01
+++ b/src/f.c\t2020-01-01
@@ -1,2 +1,3 @@ int main
 one
-two
+2
+3
@@ -9,2 +10,2 @@
 nine
--- ten
+++ 10
--- /dev/null
+++ b/new
@@ -0,0 +1 @@
+x
"""


def test_hunks_are_told_apart_by_file_and_number() -> None:
    found = patches.hunks(TWO_HUNKS.split(b"\n"))

    assert [(hunk.file, hunk.number, hunk.line, hunk.header) for hunk in found] == [
        ("src/f.c", 1, 6, "@@ -1,2 +1,3 @@ int main"),
        ("src/f.c", 2, 11, "@@ -9,2 +10,2 @@"),
        ("new", 1, 17, "@@ -0,0 +1 @@"),
    ]
    assert [hunk.expected for hunk in found] == [(b"one", b"two"), (b"nine", b"-- ten"), ()]


def explained(said: str, folder: Path) -> str:
    return str(patches.explain(said, 1, TWO_HUNKS.split(b"\n"), str(folder)))


def test_a_hunk_that_does_not_fit_is_shown_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/f.c").write_text("one\nTWO\n")
    said = "patching file src/f.c\nHunk #1 FAILED at 1.\nHunk #2 FAILED at 9.\n"

    assert explained(said, tmp_path) == (
        "hunk 1 of src/f.c (@@ -1,2 +1,3 @@ int main) does not fit at line 1: its line 2 is "
        "'TWO', and should be 'two'; "
        "hunk 2 of src/f.c (@@ -9,2 +10,2 @@) does not fit at line 9"
    )


def test_a_file_that_ends_before_a_hunk_is_told_with_its_length(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/f.c").write_text("one\n")
    said = "patching file src/f.c\nHunk #1 FAILED at 1.\n"

    assert explained(said, tmp_path).endswith(
        "does not fit at line 1, where 'two' should be: the file has 1 lines"
    )


def test_other_line_endings_can_be_seen(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/f.c").write_bytes(b"one\r\ntwo\r\n")
    said = "patching file src/f.c\nHunk #1 FAILED at 1 (different line endings).\n"

    assert explained(said, tmp_path).endswith(": its line 1 is 'one\\r', and should be 'one'")


def test_a_missing_file_is_named_with_its_hunk(tmp_path: Path) -> None:
    said = "can't find file to patch at input line 11\nPerhaps you used the wrong -p\n"

    assert explained(said, tmp_path) == (
        "hunk 2 of src/f.c (@@ -9,2 +10,2 @@): there is no such file"
    )


@pytest.mark.parametrize(
    "patch", [b"", b"@@ -1 +1 @@", b"*** a/f\n--- b/f\n***************\n*** 1 ****"]
)
def test_hunks_of_what_is_no_unified_diff_are_not_guessed(patch: bytes) -> None:
    assert all(hunk.expected == () for hunk in patches.hunks(patch.split(b"\n")))

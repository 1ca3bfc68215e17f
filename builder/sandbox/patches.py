"""Applies patches to an unpacked source, and says which one does not fit, and where."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence

COMMAND = (
    "patch",
    "--strip=1",
    "--forward",
    "--batch",
    # What does not fit is told from the output; neither its rest nor a copy stays in the source.
    "--no-backup-if-mismatch",
    "--reject-file=-",
)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TMPDIR": "/tmp"}  # noqa: S108
MAX_REASONS = 3
MAX_REASON = 300

_HEADER = re.compile(rb"(?:---|\+\+\+|\*\*\*|Index:|rename (?:from|to)|copy (?:from|to)) +(.*)")
_GIT_HEADER = re.compile(rb"diff --git +(.*)")
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE = re.compile(r"(?:patching|checking) (?:file|symbolic link) '?(.*?)'?(?: \(.*\))?")
_REASONS = (
    (re.compile(r"Hunk #(\d+) FAILED at (\d+).*"), "hunk {1} of {file} does not fit at line {2}"),
    (
        re.compile(r"Reversed \(or previously applied\) patch detected!.*"),
        "hunk 1 of {file} is there already, or was made for another version",
    ),
    (
        re.compile(r"can't find file to patch at input line (\d+).*"),
        "the file that its line {1} names is not in the source",
    ),
    (
        re.compile(r"The next patch would (create|delete) the file '?(.*?)'?,"),
        "it would {1} {2}, which is there already or was never there",
    ),
    (re.compile(r"Not deleting file '?(.*?)'? as content differs.*"), "{1} is not what it deletes"),
    (re.compile(r"File '?(.*?)'? is not a regular file.*"), "{1} is no regular file"),
    (re.compile(r"Ignoring potentially dangerous file name '?(.*?)'?"), "{1} leaves the source"),
    (re.compile(r"File '?(.*?)'?: git binary diffs .*"), "{1} is a binary file, which needs git"),
    (re.compile(r".*malformed patch at line (\d+).*"), "its line {1} is malformed"),
    (re.compile(r".*Only garbage was found in the patch input.*"), "it holds no change at all"),
)


class PatchFailedError(Exception):
    """A patch cannot be applied. `number` counts from 0."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


def apply(folder: str, patches: Sequence[str]) -> None:
    """Applies the patches, files below /in, one after the other; stops at the first misfit.

    Raises:
        PatchFailedError: one does not fit, or reaches outside of the folder.
    """
    for number, name in enumerate(patches):
        print(f"applying {name}")
        reason = _apply(folder, os.path.join("/in", name))
        if reason:
            raise PatchFailedError(number, reason)


def explain(output: str, status: int) -> str:
    """What went wrong, from what `patch` printed."""
    reasons = list(dict.fromkeys(_reasons(output)))
    if not reasons:
        said = [line for line in output.splitlines() if line.strip()]
        last = said[-1][:MAX_REASON] if said else "nothing"
        return f"patch ended with exit status {status}, and said last: {last}"
    more = len(reasons) - MAX_REASONS
    return "; ".join(reasons[:MAX_REASONS]) + (f"; and {more} more" if more > 0 else "")


def leaving(patch: Sequence[bytes]) -> str | None:
    """The first file name of a patch that would lead out of the folder; None where none does."""
    for line in _outside_of_hunks(patch):
        found = _HEADER.fullmatch(line) or _GIT_HEADER.fullmatch(line)
        if found is None:
            continue
        for word in re.split(rb'[\s"]', found[1]):
            if b".." in word.split(b"/"):
                return word.decode("utf-8", "replace")
    return None


def stray_link(folder: str) -> str | None:
    """The first symbolic link below a folder that leads out of it; None where none does."""
    root = os.path.realpath(folder)
    for parent, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = os.path.join(parent, name)
            end = os.path.realpath(path)
            if os.path.islink(path) and end != root and not end.startswith(root + "/"):
                return os.path.relpath(path, folder)
    return None


def _apply(folder: str, path: str) -> str:
    with open(path, "rb") as file:
        left = leaving(file.read().splitlines())
    if left is not None:
        return f"{left!r} leaves the source"
    try:
        with open(path, "rb") as file:
            done = subprocess.run(
                COMMAND,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=ENVIRONMENT,
                check=False,
            )
    except FileNotFoundError:
        return "the image has no program named patch; add it to the packages of the image"
    output = done.stdout.decode("utf-8", "replace")
    print(output, end="")
    if done.returncode:
        return explain(output, done.returncode)
    link = stray_link(folder)
    return f"{link!r} would link out of the source" if link is not None else ""


def _reasons(output: str) -> Iterator[str]:
    file = "a file"
    for line in output.splitlines():
        named = _FILE.fullmatch(line)
        if named is not None:
            file = named[1]
        for pattern, text in _REASONS:
            found = pattern.fullmatch(line)
            if found is not None:
                yield text.format(*(found[0], *found.groups()), file=file)[:MAX_REASON]


def _outside_of_hunks(patch: Sequence[bytes]) -> Iterator[bytes]:
    """Headers alone: a line that is taken out may itself look like one."""
    old = new = 0
    for line in patch:
        if old <= 0 and new <= 0:
            found = _HUNK.match(line)
            if found is None:
                yield line
            else:
                old, new = (1 if count is None else int(count) for count in found.groups())
        elif not line.startswith(b"\\"):
            old -= not line.startswith(b"+")
            new -= not line.startswith(b"-")

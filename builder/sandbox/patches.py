"""Applies patches to an unpacked source, and says which one does not fit, and where."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
MAX_REASON = 500
MAX_SHOWN = 80
MAX_FILE = 16 << 20

_HEADER = re.compile(rb"(?:---|\+\+\+|\*\*\*|Index:|rename (?:from|to)|copy (?:from|to)) +(.*)")
_GIT_HEADER = re.compile(rb"diff --git +(.*)")
_NAMED = re.compile(rb'(---|\+\+\+) +"?([^\t"]+)')
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE = re.compile(r"(?:patching|checking) (?:file|symbolic link) '?(.*?)'?(?: \(.*\))?")
_FAILED = re.compile(r"Hunk #(\d+) FAILED at (\d+).*")
_REVERSED = re.compile(r"Reversed \(or previously applied\) patch detected!.*")
_MISSING = re.compile(r"can't find file to patch at input line (\d+).*")
_REASONS = (
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


@dataclass(frozen=True)
class Hunk:
    """One change of a patch.

    Attributes:
        file: the name of the file, without its first folder.
        number: which one of the file's it is, from 1.
        line: where its header stands in the patch, from 1.
        expected: the lines that it needs to find.
    """

    file: str
    number: int
    line: int
    header: str
    expected: tuple[bytes, ...]


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


def explain(output: str, status: int, patch: Sequence[bytes] = (), folder: str = "") -> str:
    """What went wrong, from what `patch` printed, and from what lies in the folder now."""
    reasons = list(dict.fromkeys(_reasons(output, hunks(patch), folder)))
    if not reasons:
        said = [line for line in output.splitlines() if line.strip()]
        last = said[-1][:MAX_REASON] if said else "nothing"
        return f"patch ended with exit status {status}, and said last: {last}"
    more = len(reasons) - MAX_REASONS
    return "; ".join(reasons[:MAX_REASONS]) + (f"; and {more} more" if more > 0 else "")


def hunks(patch: Sequence[bytes]) -> list[Hunk]:
    """The hunks of a unified diff, in order; none of those of another format."""
    found: list[Hunk] = []
    file, number = "a file", 0
    for position, line in enumerate(patch):
        header = _HUNK.match(line)
        named = _NAMED.match(line)
        if found and position < found[-1].line + len(_body(patch, found[-1].line)):
            continue
        if header is not None:
            number += 1
            expected = (one[1:] for one in _body(patch, position + 1) if one[:1] in (b" ", b"-"))
            found.append(Hunk(file, number, position + 1, _shown(line), tuple(expected)))
        elif named is not None and not (named[1] == b"+++" and named[2] == b"/dev/null"):
            file, number = _text(named[2]).partition("/")[2] or _text(named[2]), 0
    return found


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
        lines = file.read().split(b"\n")
    left = leaving([line.removesuffix(b"\r") for line in lines])
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
        return explain(output, done.returncode, lines, folder)
    link = stray_link(folder)
    return f"{link!r} would link out of the source" if link is not None else ""


def _reasons(output: str, every: Sequence[Hunk], folder: str) -> Iterator[str]:
    file = "a file"
    unharmed: set[str] = set()
    for line in output.splitlines():
        named = _FILE.fullmatch(line)
        if named is not None:
            file = named[1]
            unharmed.add(file)
        reason = _about_hunk(line, file, every)
        failed = _FAILED.fullmatch(line)
        if failed is not None and file in unharmed:
            # Where one hunk is left out, the lines of those after it are elsewhere.
            unharmed.discard(file)
            hunk = _hunk(every, file, int(failed[1]))
            reason += _difference(hunk, os.path.join(folder, file), int(failed[2]))
        if reason:
            yield reason[:MAX_REASON]
        for pattern, text in _REASONS:
            found = pattern.fullmatch(line)
            if found is not None:
                yield text.format(*(found[0], *found.groups()))[:MAX_REASON]


def _about_hunk(said: str, file: str, every: Sequence[Hunk]) -> str:
    """A line of `patch` that is about one hunk, with the hunk; empty for any other line."""
    if (found := _FAILED.fullmatch(said)) is not None:
        which = _called(int(found[1]), file, every)
        return f"{which} does not fit at line {found[2]}"
    if _REVERSED.fullmatch(said) is not None:
        return f"{_called(1, file, every)} is there already, or was made for another version"
    if (found := _MISSING.fullmatch(said)) is not None:
        line = int(found[1])
        hunk = next((hunk for hunk in every if hunk.line == line), None)
        if hunk is None:
            return f"the file that its line {line} names is not in the source"
        return f"hunk {hunk.number} of {hunk.file} ({hunk.header}): there is no such file"
    return ""


def _called(number: int, file: str, every: Sequence[Hunk]) -> str:
    hunk = _hunk(every, file, number)
    return f"hunk {number} of {file}" + (f" ({hunk.header})" if hunk is not None else "")


def _hunk(every: Sequence[Hunk], file: str, number: int) -> Hunk | None:
    return next((hunk for hunk in every if (hunk.file, hunk.number) == (file, number)), None)


def _difference(hunk: Hunk | None, path: str, line: int) -> str:
    """The first line that is not what a hunk needs, as the end of a sentence."""
    if hunk is None or os.path.islink(path) or not os.path.isfile(path):
        return ""
    with open(path, "rb") as file:
        lines = file.read(MAX_FILE).split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, expected in enumerate(hunk.expected, line):
        if number > len(lines):
            return f", where {_shown(expected)!r} should be: the file has {len(lines)} lines"
        if lines[number - 1] != expected:
            found = _shown(lines[number - 1])
            return f": its line {number} is {found!r}, and should be {_shown(expected)!r}"
    return ""


def _body(patch: Sequence[bytes], start: int) -> list[bytes]:
    """The lines of the hunk whose header is line `start`, counted from 1."""
    header = _HUNK.match(patch[start - 1])
    if header is None:
        return []
    old, new = (1 if count is None else int(count) for count in header.groups())
    body: list[bytes] = []
    for line in patch[start:]:
        if old <= 0 and new <= 0:
            break
        body.append(line or b" ")
        if not line.startswith(b"\\"):
            old -= not line.startswith(b"+")
            new -= not line.startswith(b"-")
    return body


def _shown(line: bytes) -> str:
    text = _text(line)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


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

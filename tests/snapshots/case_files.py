"""Cases as text: one file holds a command line, what it needs, and all that it says.

    command: builder canonicalize Foo.Bar
    files: tree                 (a folder of tests/snapshots/files to run in a copy of; optional)
    variables: BUILDER_JOBS=2   (optional)
    status: 0
    ===== file notes.txt        (a file of this case's own; optional)
    ...
    ===== stdout
    foo_bar
    ===== stderr
    ===== wrote out.json        (a file that the command wrote; write the line, --update fills it)
    ...

`pytest tests/snapshots --update` writes the status and everything behind it.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "cases"
_SECTION = re.compile(r"^===== (.+)\n", re.MULTILINE)
_NO_LINE_END = "\\ no line end\n"


@dataclass(frozen=True)
class Said:
    """What a command did that the outside can see."""

    status: int
    stdout: str
    stderr: str
    wrote: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Case:
    """A command line, what it finds where it runs, and what it is expected to say."""

    path: Path
    command: str
    files: str
    variables: tuple[tuple[str, str], ...]
    own_files: tuple[tuple[str, str], ...]
    expected: Said | None
    """Nothing for a case that was never run."""
    results: tuple[str, ...]
    """Names of files that the command writes, and that are compared."""

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    @property
    def tested(self) -> tuple[str, ...]:
        """The command that the case is about: its folders below `cases`."""
        return self.path.parent.relative_to(CASES).parts


def read_case(path: Path) -> Case:
    """Reads a case."""
    head, *rest = _SECTION.split(path.read_text())
    headers = dict(_pair(line, ": ") for line in head.splitlines())
    texts = {
        title: body.removesuffix(f"\n{_NO_LINE_END}")
        for title, body in zip(rest[::2], rest[1::2], strict=True)
    }
    wrote = _named(texts, "wrote ")
    expected = None
    if "status" in headers:
        status = int(headers["status"])
        expected = Said(status, texts.get("stdout", ""), texts.get("stderr", ""), wrote)
    return Case(
        path,
        headers["command"],
        headers.get("files", ""),
        tuple(_pair(one, "=") for one in shlex.split(headers.get("variables", ""))),
        _named(texts, "file "),
        expected,
        tuple(name for name, _ in wrote),
    )


def write_case(case: Case, said: Said) -> None:
    """Writes a case with what was said."""
    lines = [f"command: {case.command}"]
    if case.files:
        lines.append(f"files: {case.files}")
    if case.variables:
        shown = shlex.join(f"{name}={value}" for name, value in case.variables)
        lines.append(f"variables: {shown}")
    lines.append(f"status: {said.status}")
    sections = [
        *((f"file {name}", text) for name, text in case.own_files),
        ("stdout", said.stdout),
        ("stderr", said.stderr),
        *((f"wrote {name}", text) for name, text in said.wrote),
    ]
    body = "".join(f"===== {title}\n{_ended(text)}" for title, text in sections)
    case.path.write_text("\n".join(lines) + "\n" + body)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n{_NO_LINE_END}"


def _named(texts: dict[str, str], kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((t.removeprefix(kind), body) for t, body in texts.items() if t.startswith(kind))


def _pair(text: str, mark: str) -> tuple[str, str]:
    name, _, value = text.partition(mark)
    return name, value

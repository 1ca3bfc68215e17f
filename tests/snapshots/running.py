"""Runs whole command lines as a shell would, and makes what they say comparable."""

import io
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path

from builder.cli.main import main
from tests.index_server import IndexServer
from tests.snapshots.case_files import Case, Said

FILES = Path(__file__).parent / "files"
_CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+|,\d{3}(?= ))?(Z|\+00:00)?"), "{time}"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "{day}"),
    (re.compile(r"\[ *\d+\.\d s\]"), "[{seconds}]"),
    (re.compile(r"0x[0-9a-f]{8,}"), "{address}"),
    (re.compile(r"^processors: .*\n(?:  .*\n)*", re.MULTILINE), "{processors}\n"),
)


def say(case: Case, folder: Path, index: IndexServer) -> Said:
    """Runs a case in a new folder."""
    folder.mkdir()
    if case.files:
        shutil.copytree(FILES / case.files, folder, dirs_exist_ok=True)
    for name, text in case.own_files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(text, index))
    words = [_filled(word, index) for word in case.words]
    status, stdout, stderr = _run(words, folder, dict(case.variables))
    wrote = tuple((name, _read(folder / name)) for name in case.results)
    return Said(
        status,
        _comparable(stdout, folder, index),
        _comparable(stderr, folder, index),
        tuple((name, _comparable(text, folder, index)) for name, text in wrote),
    )


def _run(words: list[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    with _standing_in(folder, words, variables), redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), stdout.getvalue(), stderr.getvalue()
    raise AssertionError("main() always ends the process")


@contextmanager
def _standing_in(folder: Path, words: list[str], variables: Mapping[str, str]) -> Iterator[None]:
    before = Path.cwd(), sys.argv, dict(os.environ), signal.getsignal(signal.SIGTERM)
    os.chdir(folder)
    sys.argv = words
    os.environ.clear()
    os.environ.update(
        {"PATH": "/nonexistent", "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "100"}
    )
    os.environ.update(variables)
    try:
        yield
    finally:
        os.chdir(before[0])
        sys.argv = before[1]
        os.environ.clear()
        os.environ.update(before[2])
        signal.signal(signal.SIGTERM, before[3])


def _filled(text: str, index: IndexServer) -> str:
    return text.replace("{index}", index.url).replace("{files}", _files(index))


def _files(index: IndexServer) -> str:
    return f"http://127.0.0.1:{index.port}/files/"


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else "(not there)\n"


def _comparable(text: str, folder: Path, index: IndexServer) -> str:
    text = text.replace(index.url, "{index}").replace(_files(index), "{files}")
    text = text.replace(f"127.0.0.1:{index.port}", "{index-host}")
    text = text.replace(str(folder), "{folder}").replace(
        f"builder {version('builder')}", "{version}"
    )
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text

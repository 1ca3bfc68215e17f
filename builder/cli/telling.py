"""Where everything goes that a run tells: the console, the log file, and the file of errors.

Only this module knows Python's logging. The library tells events, and `Progress` makes lines of
them; what a command has to say beside its data goes through `tell` and `warn`.
"""

import logging
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from builder.errors import BuilderError, InputError
from builder.workflows.logs import harmless

_LOGGER = logging.getLogger("builder")
_TRACEBACKS = logging.getLogger("builder.tracebacks")
_FILE_FORMAT = "%(asctime)s %(levelname)s %(message)s"
_CONSOLE_FORMAT = "%(stamp)s%(message)s"


@dataclass(frozen=True)
class Listening:
    """Who hears what."""

    verbose: bool = False
    tracebacks: bool = False
    """Whether the console shows where in the program an error came from; the log file does."""
    console_format: str | None = None
    log_file: Path | None = None
    error_log_file: Path | None = None


def listen(listening: Listening) -> None:
    """Lets the console and the files that were asked for hear everything from now on.

    Raises:
        InputError: a file cannot be written, or the format is none.
    """
    for old in list(_LOGGER.handlers):
        _LOGGER.removeHandler(old)
        old.close()
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.DEBUG)
    _LOGGER.addHandler(ConsoleHandler(listening))
    if listening.log_file is not None:
        _LOGGER.addHandler(_file_handler("--log-file", listening.log_file, logging.DEBUG))
    if listening.error_log_file is not None:
        errors = _file_handler("--error-log-file", listening.error_log_file, logging.ERROR)
        _LOGGER.addHandler(errors)


def console() -> Console:
    """The console that hears now: what is shown live must share it with the lines above."""
    for handler in _LOGGER.handlers:
        if isinstance(handler, ConsoleHandler):
            return handler.console
    return _console()


def tell(text: str, level: int = logging.INFO, *, stamp: str = "") -> None:
    """Tells whoever listens, line by line, without what could command a terminal.

    Args:
        text: what to tell.
        level: who is to hear it, as Python's logging counts.
        stamp: what the console shows before the first line, where the files have time and level.
    """
    for line in text.splitlines():
        _LOGGER.log(level, "%s", harmless(line), extra={"stamp": stamp})
        stamp = ""


def warn(text: str) -> None:
    """Tells of something that the user should look at, although the command goes on."""
    tell(text, logging.WARNING, stamp="warning: ")


def tell_error(error: BuilderError) -> None:
    """An error as a person reads it: what happened, then what to do."""
    tell(error.message, logging.ERROR, stamp="error: ")
    if error.hint:
        tell(f"hint: {error.hint}", logging.ERROR)
    for line in "".join(traceback.format_exception(error)).splitlines():
        _TRACEBACKS.debug("%s", harmless(line))


def counted(number: int, noun: str) -> str:
    """A number and what is counted: `1 wheel`, `2 wheels`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class ConsoleHandler(logging.Handler):
    """Lines on standard error: standard output is for data."""

    def __init__(self, listening: Listening) -> None:
        super().__init__()
        self.console = _console()
        self._listening = listening
        self.setFormatter(_console_formatter(listening.console_format))

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == _TRACEBACKS.name:
            return self._listening.tracebacks
        return self._listening.verbose or record.levelno >= logging.INFO

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(Text(self.format(record)), soft_wrap=True)


def _console() -> Console:
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def _console_formatter(wanted: str | None) -> logging.Formatter:
    made = logging.makeLogRecord({"msg": "", "stamp": ""})
    try:
        formatter = logging.Formatter(wanted or _CONSOLE_FORMAT, defaults={"stamp": ""})
        formatter.format(made)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"--log-format: {wanted!r} is no format of Python's logging",
            hint="such as '%(asctime)s %(levelname)s %(message)s'",
        ) from error
    return formatter


def _file_handler(option: str, path: Path, level: int) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(f"{option}: cannot write {path}: {error.strerror}") from error
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(_FILE_FORMAT))
    return handler

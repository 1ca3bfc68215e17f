"""Why a package failed, as far as its phase, its container's end and its log tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from builder.domain.builds import Failure, Phase
from builder.domain.containers import Ending
from builder.record.signs import GENERIC, HINTS, SPECIFIC, CauseKind, Sign

_LONGEST_LINE = 2000

_BY_ENDING = {
    Ending.OUT_OF_MEMORY: CauseKind.OUT_OF_MEMORY,
    Ending.TIMED_OUT: CauseKind.TIMEOUT,
    Ending.TOO_MUCH_OUTPUT: CauseKind.TOO_MUCH_OUTPUT,
    Ending.STOPPED: CauseKind.UNKNOWN,
}
_BY_PHASE = {Phase.PATCH: CauseKind.PATCH, Phase.RESOLVE: CauseKind.UNRESOLVABLE}


@dataclass(frozen=True)
class Cause:
    """What stood in the way.

    Attributes:
        evidence: the line that tells, as it was printed.
        hint: what to add where; empty where nothing is known.
    """

    kind: CauseKind
    evidence: str = ""
    hint: str = ""


def cause_of(failure: Failure) -> Cause:
    """The cause of a failure.

    How the container ended and where the package was on its way say more than any line. Of the
    lines, the last one wins that says what exactly was missing or wrong; lines that only sum that
    up count where there is no such line.
    """
    kind = _told_without_lines(failure)
    if kind is not None:
        return _cause(kind, failure.reason, failure)
    lines = [line[:_LONGEST_LINE] for line in (*failure.log_tail, *failure.reason.splitlines())]
    return (
        _last(lines, SPECIFIC, failure)
        or _last(lines, GENERIC, failure)
        or _cause(CauseKind.UNKNOWN, "", failure)
    )


def _told_without_lines(failure: Failure) -> CauseKind | None:
    if failure.blocked_by is not None:
        return CauseKind.UNKNOWN
    if failure.ending is not None and failure.ending.ending in _BY_ENDING:
        return _BY_ENDING[failure.ending.ending]
    return _BY_PHASE.get(failure.phase)


def _last(lines: Sequence[str], signs: Sequence[Sign], failure: Failure) -> Cause | None:
    for line in reversed(lines):
        for sign in signs:
            found = sign.pattern.search(line)
            if found is not None:
                return _cause(sign.kind, line.strip(), failure, sign.hint, found.groupdict())
    return None


def _cause(
    kind: CauseKind,
    evidence: str,
    failure: Failure,
    hint: str = "",
    names: dict[str, str | None] | None = None,
) -> Cause:
    found = {key: value for key, value in (names or {}).items() if value}
    name = found.get("name", "what is missing")
    text = (hint or HINTS[kind]).format(
        name=name,
        project=found.get("project", name),
        from_name=f" from {name}" if "name" in found else "",
        settings=f"overrides/settings/{failure.pin.name.replace('-', '_')}.yaml",
    )
    return Cause(kind, evidence, text)

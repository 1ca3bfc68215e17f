"""The report of test mode: what failed, why, and whether something was put in its place."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from builder.domain.builds import Failure, Phase
from builder.domain.graph import Dependency
from builder.record.causes import cause_of

_KINDS = {
    Phase.RESOLVE: "resolution",
    Phase.FETCH: "bootstrap",
    Phase.PREPARE: "bootstrap",
    Phase.PATCH: "bootstrap",
    Phase.HOOKS: "hook",
    Phase.ENVIRONMENT: "dependency_extraction",
}
"""Fromager's words for the part of its work that failed; all else is `bootstrap`."""


@dataclass(frozen=True)
class Replacement:
    """What became of the search for a wheel to put in place of a failed build.

    Attributes:
        url: of the wheel that serves; empty where none does.
        sha256: of the same.
        why_not: empty where one serves.
    """

    url: str = ""
    sha256: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class ReportedFailure:
    """One release without a wheel of its own."""

    failure: Failure
    chain: tuple[Dependency, ...]
    replacement: Replacement


@dataclass(frozen=True)
class ReportedRequirement:
    """One requirement of the user that nothing satisfies."""

    requirement: str
    name: str
    origin: str
    reason: tuple[str, ...]


def report_name(now: datetime) -> str:
    """What the report is called; sorts by time."""
    return f"test-mode-failures-{now.astimezone(UTC):%Y%m%d-%H%M%S-%f}.json"


def report_json(
    failures: Iterable[ReportedFailure], requirements: Iterable[ReportedRequirement]
) -> str:
    """The report. Fromager's keys come first in each record, ours behind them."""
    records = [_of_requirement(one) for one in requirements]
    records += [_of_failure(one) for one in failures]
    return json.dumps({"failures": records}, indent=2) + "\n"


def _of_requirement(one: ReportedRequirement) -> dict[str, object]:
    return {
        "package": one.name,
        "version": None,
        "exception_type": "Unresolvable",
        "exception_message": "\n".join(one.reason),
        "failure_type": "resolution",
        "phase": Phase.RESOLVE.value,
        "cause": "unresolvable",
        "requirement": one.requirement,
        "asked_by": one.origin,
        "log": None,
        "log_tail": [],
        "chain": [],
        "fallback": {"served": False, "reason": "a requirement that nothing satisfies is left out"},
    }


def _of_failure(one: ReportedFailure) -> dict[str, object]:
    failure = one.failure
    cause = cause_of(failure)
    return {
        "package": failure.pin.name,
        "version": str(failure.pin.version),
        "exception_type": failure.phase.name.title() + "Failure",
        "exception_message": failure.reason,
        "failure_type": _KINDS.get(failure.phase, "bootstrap"),
        "phase": failure.phase.value,
        "cause": cause.kind.value,
        "evidence": cause.evidence,
        "hint": failure.hint or cause.hint,
        "blocked_by": str(failure.blocked_by) if failure.blocked_by is not None else None,
        "log": str(failure.log) if failure.log is not None else None,
        "log_tail": list(failure.log_tail),
        "chain": _chain(one.chain),
        "fallback": _replacement(one.replacement),
    }


def _chain(edges: Sequence[Dependency]) -> list[dict[str, str | None]]:
    return [
        {
            "parent": str(edge.parent) if edge.parent is not None else None,
            "req_type": edge.kind.value,
            "req": edge.requirement,
            "child": str(edge.child),
        }
        for edge in edges
    ]


def _replacement(one: Replacement) -> dict[str, object]:
    if one.why_not or not one.url:
        return {"served": False, "reason": one.why_not}
    return {"served": True, "url": one.url, "sha256": one.sha256}

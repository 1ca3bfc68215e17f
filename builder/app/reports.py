"""Puts what a run says of its failures into the report of test mode."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from packaging.utils import canonicalize_name

from builder.app.settings import Settings
from builder.app.world import full_disk
from builder.domain.builds import Failure
from builder.domain.graph import Dependency
from builder.domain.releases import Pin
from builder.publish.files import publish_text
from builder.record.failures import (
    Replacement,
    ReportedFailure,
    ReportedRequirement,
    report_json,
    report_name,
)
from builder.workflows.locks import LockBuilt
from builder.workflows.packages import ForeignWheel
from builder.workflows.runs import Bootstrapped, Unresolved


@dataclass(frozen=True)
class Report:
    """Everything that did not go well."""

    failures: tuple[ReportedFailure, ...]
    requirements: tuple[ReportedRequirement, ...] = ()


def reported(result: Bootstrapped | LockBuilt) -> Report:
    """What a run has to report."""
    requirements: tuple[Unresolved, ...] = ()
    if isinstance(result, Bootstrapped):
        requirements = result.unresolved
    return Report(
        tuple(
            _failure(one, result.chains, result.replaced, result.not_replaced)
            for one in result.failures
        ),
        tuple(_requirement(one) for one in requirements),
    )


def write_report(settings: Settings, report: Report, now: datetime) -> None:
    """Leaves the report in the work folder, where there is anything to report."""
    if report.failures or report.requirements:
        with full_disk():
            text = report_json(report.failures, report.requirements)
            publish_text(text, settings.work_dir / report_name(now))


def _failure(
    failure: Failure,
    chains: Mapping[Pin, tuple[Dependency, ...]],
    replaced: Mapping[Pin, ForeignWheel],
    not_replaced: Mapping[Pin, str],
) -> ReportedFailure:
    pin = failure.pin
    wheel = replaced.get(pin)
    if wheel is not None:
        digest = wheel.file.digest.sha256 if wheel.file.digest is not None else ""
        replacement = Replacement(wheel.file.url, digest)
    else:
        replacement = Replacement(why_not=not_replaced.get(pin, "nothing was looked for"))
    return ReportedFailure(failure, chains.get(pin, ()), replacement)


def _requirement(one: Unresolved) -> ReportedRequirement:
    requirement = one.asked.requirement
    name = canonicalize_name(requirement.name)
    return ReportedRequirement(str(requirement), name, one.asked.origin, one.reason)

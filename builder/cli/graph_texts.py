"""How answers about graphs read; what came from a graph is upstream's, and made harmless here."""

from collections.abc import Iterable, Iterator, Sequence

from builder.cli.results import table
from builder.domain.graph import GraphNode
from builder.domain.releases import Pin
from builder.graphs.check import Finding
from builder.graphs.duplicates import Demand, Duplicate
from builder.graphs.fit import Fit
from builder.graphs.readiness import BuildOutlook, Readiness
from builder.graphs.why import Reason
from builder.workflows.logs import harmless

_DEEPEST = 40
_MOST_DETAILS = 10


def one_line(text: str) -> str:
    """Upstream's text on one line, without what could command a terminal."""
    return harmless(" ".join(text.split()))


def named(pins: Iterable[Pin | None]) -> str:
    """Releases in a row; None is the request."""
    return ", ".join("the request" if pin is None else one_line(str(pin)) for pin in pins)


def why_lines(node: GraphNode, reasons: Iterable[Reason]) -> Iterator[str]:
    """A package, and below it who needs it, and who needs those."""
    yield f"{node.pin}{_constraint(node.constraint)}"
    for reason in reasons:
        indent = "  " * (1 + min(reason.depth, _DEEPEST))
        edge = reason.edge
        of = "" if edge.parent is None else f" of {edge.parent}"
        more = " (its reasons stand elsewhere here)" if reason.elsewhere else ""
        yield f"{indent}{edge.kind.value}{of}: {one_line(edge.requirement)}{more}"


def why_fields(node: GraphNode, reasons: Iterable[Reason]) -> dict[str, object]:
    """The same as `why_lines`, flat, for JSON."""
    found = [
        {
            "depth": reason.depth,
            "req_type": reason.edge.kind.value,
            "parent": None if reason.edge.parent is None else str(reason.edge.parent),
            "req": reason.edge.requirement,
            "elsewhere": reason.elsewhere,
        }
        for reason in reasons
    ]
    return {"package": str(node.pin), "constraint": node.constraint or None, "reasons": found}


def duplicate_lines(duplicate: Duplicate) -> Iterator[str]:
    """A project, its versions, who wants which, and what would do for all."""
    yield f"{duplicate.name}{_constraint(duplicate.constraint)}"
    for version in duplicate.versions:
        yield f"  {version}"
        for demand in duplicate.demands:
            if demand.version == version:
                yield f"    {_demand(demand)}"
    if duplicate.usable:
        yield f"  {duplicate.usable[-1]} would do for all"
    else:
        yield "  no single version would do for all"


def _demand(demand: Demand) -> str:
    accepted = ", ".join(map(str, demand.accepted)) or "none of them"
    return f"{one_line(demand.requirement)} ({accepted} would do): {named(demand.by)}"


def duplicate_fields(duplicate: Duplicate) -> dict[str, object]:
    """The same as `duplicate_lines`, for JSON."""
    return {
        "package": duplicate.name,
        "constraint": duplicate.constraint or None,
        "versions": [str(version) for version in duplicate.versions],
        "demands": [
            {
                "version": str(demand.version),
                "req": demand.requirement,
                "accepts": [str(version) for version in demand.accepted],
                "by": [None if pin is None else str(pin) for pin in demand.by],
            }
            for demand in duplicate.demands
        ],
        "usable": [str(version) for version in duplicate.usable],
    }


def outlook_lines(outlook: BuildOutlook) -> Iterator[str]:
    """Build dependencies, exclusive builds, and what becomes ready when."""
    yield "build dependencies:"
    for build in sorted(outlook.builds, key=lambda one: one.pin):
        yield f"  {build.pin}: {named(build.needs) or 'none'}"
    alone = [build.pin for build in outlook.builds if build.alone]
    yield f"exclusive builds: {named(alone) or 'none'}"
    yield f"pre-built: {named(outlook.pre_built) or 'none'}"
    depth = -1
    for build in outlook.builds:
        if build.depth > depth:
            depth = build.depth
            yield _heading(depth)
        yield f"  {_when(build)}"
    if outlook.never:
        yield f"never ready, because they wait for each other, or for such: {named(outlook.never)}"


def _heading(depth: int) -> str:
    if not depth:
        return "ready at the start:"
    return f"ready after {depth} build{'s' if depth > 1 else ''} in a row:"


def _when(build: Readiness) -> str:
    after = f", once there is {named(build.after)}" if build.after else ""
    return f"{build.pin}{' alone' if build.alone else ''}{after}"


def outlook_fields(outlook: BuildOutlook) -> dict[str, object]:
    """The same as `outlook_lines`, for JSON."""
    return {
        "builds": [
            {
                "package": str(build.pin),
                "needs": [str(pin) for pin in build.needs],
                "after": [str(pin) for pin in build.after],
                "depth": build.depth,
                "exclusive": build.alone,
            }
            for build in outlook.builds
        ],
        "pre_built": [str(pin) for pin in outlook.pre_built],
        "never": [str(pin) for pin in outlook.never],
    }


def finding_lines(finding: Finding) -> Iterator[str]:
    """What was found; below it what it was found in."""
    level = "error" if finding.problem.is_error else "warning"
    yield f"{level}: {finding.problem.value}: {one_line(finding.message)}"
    shown = finding.details if finding.problem.is_error else finding.details[:_MOST_DETAILS]
    yield from (f"  {one_line(line)}" for line in shown)
    if len(shown) < len(finding.details):
        yield f"  and {len(finding.details) - len(shown)} more, which --json names"


def finding_fields(finding: Finding) -> dict[str, object]:
    """The same as `finding_lines`, for JSON."""
    return {
        "severity": "error" if finding.problem.is_error else "warning",
        "problem": finding.problem.value,
        "packages": [str(pin) for pin in finding.packages],
        "message": finding.message,
        "details": list(finding.details),
    }


def fit_table(fits: Sequence[Fit]) -> str:
    """Every package with every collection, the best one first."""
    rows = [
        (
            str(fit.pin) if not rank else "",
            one_line(overlap.collection),
            str(overlap.new),
            str(overlap.existing),
            str(overlap.total),
            f"{overlap.percent}%",
        )
        for fit in fits
        for rank, overlap in enumerate(fit.overlaps)
    ]
    return table(("package", "collection", "new", "existing", "total", "coverage"), rows)


def fit_fields(fit: Fit) -> dict[str, object]:
    """One package of `fit_table`, for JSON, with Fromager's keys."""
    return {
        "package": fit.pin.name,
        "version": str(fit.pin.version),
        "total_dependencies": fit.overlaps[0].total if fit.overlaps else 0,
        "collections": [
            {
                "collection": overlap.collection,
                "new_packages": overlap.new,
                "existing_packages": overlap.existing,
                "total_dependencies": overlap.total,
                "coverage_pct": overlap.percent,
            }
            for overlap in fit.overlaps
        ],
    }


def _constraint(constraint: str) -> str:
    return f" (constraint: {one_line(constraint)})" if constraint else ""

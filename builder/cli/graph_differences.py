"""How the difference between two graphs reads: in a terminal, in a pull request, as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from builder.cli.graph_texts import one_line
from builder.domain.releases import Pin
from builder.graphs.difference import (
    Difference,
    EnvironmentChange,
    RequirementChange,
    SourceChange,
    WheelChange,
)

_MOST = 8


@dataclass(frozen=True)
class _Section:
    """One kind of change: a heading, and a line for each, as pieces of plain text and of names."""

    heading: str
    lines: Sequence[str]


def difference_text(difference: Difference) -> str:
    """Lines for a terminal; alarms come first."""
    if difference.is_empty:
        return "no difference\n"
    lines: list[str] = []
    if difference.alarms:
        lines.append("ALARM: the version is the same, and the bytes are others")
        lines += [f"  ! {line}" for line in _alarms(difference.alarms)]
    for section in _sections(difference):
        lines.append(f"{section.heading} ({len(section.lines)}):")
        lines += [f"  {line}" for line in section.lines]
    return "\n".join([*lines, ""])


def difference_markdown(difference: Difference) -> str:
    """A comment for a pull request. What came from a graph stands in code spans."""
    if difference.is_empty:
        return "No difference.\n"
    lines: list[str] = []
    if difference.alarms:
        lines += ["> [!CAUTION]", "> **The version is the same, and the bytes are others.**", ">"]
        lines += [f"> - {_code(line)}" for line in _alarms(difference.alarms)]
        lines.append("")
    for section in _sections(difference):
        lines += [f"### {section.heading.capitalize()} ({len(section.lines)})", ""]
        lines += [f"- {_code(line)}" for line in section.lines]
        lines.append("")
    return "\n".join(lines)


def _code(text: str) -> str:
    plain = text.replace("`", "'")
    return f"`{plain}`"


def _alarms(alarms: Iterable[SourceChange]) -> Iterator[str]:
    for alarm in alarms:
        now = "no digest" if alarm.new is None else f"sha256:{alarm.new.sha256}"
        yield f"{alarm.pin}: {alarm.place}: sha256:{alarm.old.sha256} -> {now}"


def _sections(difference: Difference) -> Iterator[_Section]:
    """The sections that are not empty, every line of them harmless."""
    up = [it for it in difference.versions if it.is_up]
    down = [it for it in difference.versions if not it.is_up]
    sections = (
        ("added", [f"+ {pin}" for pin in difference.added]),
        ("removed", [f"- {pin}" for pin in difference.removed]),
        ("newer versions", [f"{it.name} {it.old} -> {it.new}" for it in up]),
        ("older versions", [f"{it.name} {it.old} -> {it.new}" for it in down]),
        ("provenance", [f"{it.pin}: {it.old} -> {it.new}" for it in difference.provenance]),
        (
            "sources from elsewhere, without a digest to compare",
            [f"{it.pin}: {it.old} -> {it.new}" for it in difference.addresses],
        ),
        ("requirements", [_requirement(it) for it in difference.requirements]),
        ("build environments", [_environment(it) for it in difference.environments]),
        ("wheels that came out otherwise", [_wheel(it) for it in difference.wheels]),
    )
    for heading, lines in sections:
        if lines:
            yield _Section(heading, [one_line(line) for line in lines])


def _requirement(change: RequirementChange) -> str:
    asker = "the request" if change.asker is None else str(change.asker)
    sign = "+" if change.is_new else "-"
    return f"{asker}: {sign} {change.requirement} ({change.kind}): {change.leads_to}"


def _environment(change: EnvironmentChange) -> str:
    shown = ", ".join(str(pin) for pin in change.built_with[:_MOST])
    more = len(change.built_with) - _MOST
    whose = f"{shown} and {more} more" if more > 0 else shown
    return f"{change.name} {change.old or 'none'} -> {change.new or 'none'} for {whose}"


def _wheel(change: WheelChange) -> str:
    tools = "the same" if change.same_tools else "other"
    bytes_ = f"sha256:{change.old.sha256} -> sha256:{change.new.sha256}"
    return f"{change.pin}: {bytes_}, by {tools} build tools"


def difference_fields(difference: Difference) -> dict[str, object]:
    """Everything, whole."""
    return {
        "differs": not difference.is_empty,
        "source_digest_changed": [
            {
                "package": str(it.pin),
                "what": it.place,
                "old": it.old.sha256,
                "new": None if it.new is None else it.new.sha256,
            }
            for it in difference.alarms
        ],
        "source_url_changed": [
            {"package": str(it.pin), "old": it.old, "new": it.new} for it in difference.addresses
        ],
        "added": _names(difference.added),
        "removed": _names(difference.removed),
        "version_changed": [
            {
                "package": it.name,
                "old": str(it.old),
                "new": str(it.new),
                "direction": "up" if it.is_up else "down",
            }
            for it in difference.versions
        ],
        "provenance_changed": [
            {"package": str(it.pin), "old": it.old, "new": it.new} for it in difference.provenance
        ],
        "requirements_changed": [
            {
                "package": None if it.asker is None else str(it.asker),
                "req_type": it.kind,
                "req": it.requirement,
                "key": str(it.leads_to),
                "change": "added" if it.is_new else "removed",
            }
            for it in difference.requirements
        ],
        "environments_changed": [
            {
                "package": it.name,
                "old": it.old or None,
                "new": it.new or None,
                "in": _names(it.built_with),
            }
            for it in difference.environments
        ],
        "wheel_digest_changed": [
            {
                "package": str(it.pin),
                "old": it.old.sha256,
                "new": it.new.sha256,
                "same_build_environment": it.same_tools,
            }
            for it in difference.wheels
        ],
    }


def _names(pins: Iterable[Pin]) -> list[str]:
    return [str(pin) for pin in pins]

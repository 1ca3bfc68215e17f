"""Releases of one project as text: for people, for files of requirements, for programs."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from packaging.requirements import Requirement

from builder.app.projects import Resolved
from builder.cli.results import table
from builder.domain.releases import Pin
from builder.resolve.available import Cooldown, Release

_COLUMNS = ("package", "version", "upload_time", "age_days", "cooldown")


def versions_text(releases: Sequence[Release], output_format: str) -> str:
    """Releases in one of the formats of `builder package list-versions`.

    The two plain ones leave out what is too young; the columns of the others are Fromager's.
    """
    usable = [it.pin for it in releases if it.cooldown is not Cooldown.BLOCKED]
    match output_format:
        case "versions":
            return _lines(str(pin.version) for pin in usable)
        case "requirements":
            return _lines(map(str, usable))
        case "json":
            return json.dumps([_row(it) for it in releases], indent=2) + "\n"
        case "csv":
            return _csv(_COLUMNS, [_row(it) for it in releases])
        case _:
            return table(_COLUMNS, [[*_row(it).values()] for it in releases])


def updates_text(pins: Sequence[Pin], output_format: str) -> str:
    """Releases in one of the formats of `builder find-updates`."""
    rows = [{"name": str(pin.name), "version": str(pin.version)} for pin in pins]
    match output_format.lower():
        case "json":
            return json.dumps(rows, indent=2) + "\n"
        case "csv":
            return _csv(("name", "version"), rows)
        case _:
            return _lines(map(str, pins))


def resolved_lines(requirement: Requirement, resolved: Resolved) -> Iterator[str]:
    """What the rules make of a requirement, and what the index has beside that."""
    yield f"requirement: {requirement}"
    if resolved.constraint is not None:
        where = ", ".join(resolved.constraint.origins)
        yield f"constraint:  {resolved.constraint.specifier} ({where})"
    yield f"counting:    {resolved.kinds}"
    yield f"matching:    {', '.join(str(it.pin.version) for it in resolved.matching) or 'none'}"
    chosen = resolved.chosen
    yield f"chosen:      {_told(chosen) if chosen is not None else 'none'}"
    if resolved.newest is not None:
        is_chosen = chosen is not None and chosen.pin == resolved.newest
        yield f"newest:      {resolved.newest}{', which is the chosen one' * is_chosen}"
        for objection in resolved.objections:
            yield f"  not taken: {objection}"


def _told(release: Release) -> str:
    if release.upload_time is None:
        return f"{release.pin} (the index gives no upload time)"
    age = f"{release.age_days} days ago"
    return f"{release.pin} (uploaded {_moment(release.upload_time)} UTC, {age})"


def _row(release: Release) -> dict[str, str]:
    time, age = release.upload_time, release.age_days
    return {
        "package": str(release.pin.name),
        "version": str(release.pin.version),
        "upload_time": "" if time is None else _moment(time),
        "age_days": "" if age is None else str(age),
        "cooldown": release.cooldown.value,
    }


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def _csv(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)

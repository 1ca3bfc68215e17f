"""The summaries that a build from a lock leaves, for machines and for people.

The JSON has Fromager's keys (its `build-sequence-summary.json`), with ours behind them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from builder.domain.releases import Pin


@dataclass(frozen=True)
class Summarized:
    """What became of one release.

    Attributes:
        origin: `built`, `found`, `pre-built` or `replaced`.
        wheel: the path of the wheel.
        identical: whether it is the wheel that the lock knows; None where the lock knows none.
    """

    pin: Pin
    origin: str
    source_url: str
    wheel: str
    sha256: str
    identical: bool | None


def summary_json(packages: Iterable[Summarized]) -> str:
    """One record for each wheel, in the order of their names."""
    records = [
        {
            "name": one.pin.name,
            "version": str(one.pin.version),
            "prebuilt": one.origin in ("pre-built", "replaced"),
            "download_url": one.source_url,
            "wheel_filename": one.wheel,
            "skipped": one.origin == "found",
            "origin": one.origin,
            "wheel_sha256": one.sha256,
            "identical_to_lock": one.identical,
        }
        for one in sorted(packages, key=lambda one: one.pin)
    ]
    return json.dumps(records, indent=2) + "\n"


def summary_markdown(packages: Iterable[Summarized], now: datetime) -> str:
    """The same as tables."""
    known = sorted(packages, key=lambda one: one.pin)
    lines = [f"# Build sequence summary {now.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z", ""]
    lines += _section("New builds", "No new builds", known, ("built",))
    lines += _section("Prebuilt wheels", "No pre-built wheels", known, ("pre-built", "replaced"))
    lines += _section("Skipped existing builds", "No skipped builds", known, ("found",))
    return "\n".join(lines).rstrip() + "\n"


def _section(
    title: str, nothing: str, packages: Sequence[Summarized], origins: tuple[str, ...]
) -> Iterator[str]:
    chosen = [one for one in packages if one.origin in origins]
    if not chosen:
        yield from (nothing, "")
        return
    yield from (f"## {title}", "", "| Name | Version | Wheel | Source URL |", "|---|---|---|---|")
    for one in chosen:
        wheel = one.wheel.rpartition("/")[2]
        differs = " (differs from the lock)" if one.identical is False else ""
        yield f"| {one.pin.name} | {one.pin.version} | {wheel}{differs} | {one.source_url} |"
    platform = sum(not one.wheel.endswith("-any.whl") for one in chosen)
    yield from ("", f"{len(chosen)} in total, {platform} for one platform", "")

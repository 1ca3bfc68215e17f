"""How long a release must have been public before it is used, and how long it may have been."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.domain.releases import Candidate, Pin
from builder.domain.repositories import is_repository

_MOST_SENTENCES = 3
_NO_TIME = (
    "the index gives no upload time for it; ask an index whose JSON pages do (PEP 700), or {way}"
)


@dataclass(frozen=True)
class ReleaseAges:
    """The limits, and the moment that ages are counted to.

    Attributes:
        now: with its time zone; one moment for a whole run.
        minimum: for every project that has none of its own; None or zero for none.
        maximum: None for none.
        own_minimums: of single projects; zero turns the minimum off there.
        exempt: releases that may be as young as they are, because the user named just them.
    """

    now: datetime
    minimum: timedelta | None = None
    maximum: timedelta | None = None
    own_minimums: Mapping[NormalizedName, timedelta] = field(default_factory=dict)
    exempt: frozenset[Pin] = frozenset()

    def minimum_of(self, name: NormalizedName) -> timedelta | None:
        """The minimum that holds for a project; None where there is none."""
        return self.own_minimums.get(name, self.minimum) or None

    def age(self, uploaded: datetime) -> timedelta:
        return self.now - uploaded

    def too_young(self, pin: Pin, uploaded: datetime | None) -> str | None:
        """Why a release may not be used yet; None where it may.

        What has no upload time may not: nobody can tell that it is old enough.
        """
        minimum = self.minimum_of(pin.name)
        if minimum is None or pin in self.exempt:
            return None
        limit = f"only releases that are {_days(minimum)} old may be used"
        if uploaded is None:
            way = f"name {pin} itself, or give {pin.name} a min_release_age of 0"
            return f"{pin} is refused: {limit}, and {_NO_TIME.format(way=way)}"
        if self.age(uploaded) >= minimum:
            return None
        return f"{pin} is too young: it was uploaded at {_moment(uploaded)}, and {limit}"

    def too_old(self, pin: Pin, uploaded: datetime | None) -> str | None:
        """Why a release may not be used any more, or nobody can tell; None where it may."""
        if self.maximum is None:
            return None
        limit = f"no release older than {_days(self.maximum)} may be used"
        if uploaded is None:
            way = f"constrain {pin.name} to {pin}"
            return f"{pin} is refused: {limit}, and {_NO_TIME.format(way=way)}"
        if self.age(uploaded) <= self.maximum:
            return None
        return f"{pin} is too old: it was uploaded at {_moment(uploaded)}, and {limit}"


@dataclass(frozen=True)
class Aged:
    """What the limits leave, in the order it came, and what was said of the first few others."""

    candidates: tuple[Candidate, ...]
    refusals: tuple[str, ...] = ()


def of_right_age(
    candidates: Sequence[Candidate], ages: ReleaseAges, pinned: Collection[Version]
) -> Aged:
    """Leaves out what is too young and what is too old.

    Where everything is too old, nothing is: an old project stays usable. A commit was never
    uploaded, and somebody named its repository on purpose: it has no age.

    Args:
        candidates: of one project, all that would do otherwise.
        ages: the limits.
        pinned: the versions that a constraint names exactly; they may be old.
    """
    young = _said(candidates, ages.too_young)
    grown = [it for it in candidates if it.pin not in young]
    old = _said([it for it in grown if it.pin.version not in pinned], ages.too_old)
    kept = [it for it in grown if it.pin not in old]
    if not kept:
        kept = [it for it in grown if it.sdist.upload_time is not None]
    sentences = (*young.values(), *old.values())
    return Aged(tuple(kept), sentences[:_MOST_SENTENCES])


def exactly_named(requirements: Iterable[Requirement]) -> frozenset[Pin]:
    """The releases that requirements of the user name by `==` and nothing else."""
    pins = set()
    for requirement in requirements:
        specifiers = list(requirement.specifier)
        if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
            continue
        try:
            version = Version(specifiers[0].version)
        except InvalidVersion:
            continue  # `==1.*` names no release
        pins.add(Pin(canonicalize_name(requirement.name), version))
    return frozenset(pins)


def _said(
    candidates: Iterable[Candidate], verdict: Callable[[Pin, datetime | None], str | None]
) -> dict[Pin, str]:
    aging = (it for it in candidates if it.by_settings or not is_repository(it.sdist.url))
    said = ((it.pin, verdict(it.pin, it.sdist.upload_time)) for it in aging)
    return {pin: reason for pin, reason in said if reason is not None}


def _days(length: timedelta) -> str:
    days = f"{length / timedelta(days=1):g}"
    return "1 day" if days == "1" else f"{days} days"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

"""Knowledge as a search sees it: what is wanted, what could be chosen, and what is lacking."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin, ProjectPage
from builder.resolve.offers import Offer, offers_for
from builder.resolve.problem import (
    Asked,
    Knowledge,
    Named,
    Naming,
    Question,
    Refused,
    applies,
)


@dataclass(frozen=True, order=True)
class Identity:
    """A project, once plain and once with each set of extras that somebody asks for."""

    name: NormalizedName
    extras: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """A requirement, who states it, and the candidate that alone will do where that is known."""

    requirement: Requirement
    origin: str
    variant: str
    just: Candidate | None = None

    @property
    def named(self) -> Named | None:
        url = self.requirement.url
        return None if url is None else Named(canonicalize_name(self.requirement.name), url)

    @property
    def identity(self) -> Identity:
        extras = tuple(sorted(canonicalize_name(extra) for extra in self.requirement.extras))
        return Identity(canonicalize_name(self.requirement.name), extras)


@dataclass(frozen=True, eq=False)
class Choice:
    """One version of a project, as each variant has it that wants it."""

    candidates: Mapping[str, Candidate]
    extras: tuple[str, ...]

    @property
    def pin(self) -> Pin:
        return next(iter(self.candidates.values())).pin

    @property
    def identity(self) -> Identity:
        return Identity(self.pin.name, self.extras)

    @property
    def releases(self) -> frozenset[tuple[Pin, str]]:
        return frozenset((one.pin, one.source) for one in self.candidates.values())


class Facts:
    """Knowledge, seen through one question; remembers what was asked for and not known."""

    def __init__(
        self,
        variant: str,
        question: Question,
        knowledge: Knowledge,
        corrections: Mapping[Pin, ReleaseMetadata],
    ) -> None:
        self.variant = variant
        self.target = question.target
        self.constraints = question.constraints
        self._ages = question.ages
        self._preferred = question.preferred
        self._askers: dict[NormalizedName, dict[str, Pin | None]] = {}
        self._pages = knowledge.pages
        self._knowledge = knowledge
        self._corrections = corrections
        self._missing_pages: set[NormalizedName] = set()
        self._missing_metadata: set[tuple[Pin, str]] = set()
        self._unseen: dict[Named, Naming] = {}
        self._refused: set[Wanted] = set()

    def roots(self, asked: Iterable[Asked]) -> tuple[Wanted, ...]:
        """What the request wants on the target."""
        roots = tuple(
            Wanted(one.requirement, one.origin, self.variant)
            for one in asked
            if applies(one.requirement, self.target, frozenset())
        )
        self.remember(roots, None)
        return roots

    def known(self, wanted: Iterable[Wanted], asker: Pin | None) -> list[Wanted]:
        """Only what can be decided now: a project without a page yet is left for the next time.

        So is a source that nobody looked at; one that is refused is told of at the end.
        """
        decidable = []
        for one in wanted:
            name = one.identity.name
            if one.named is not None:
                if one.named not in self._knowledge.named:
                    naming = Naming(one.named, asker, str(one.requirement))
                    self._unseen.setdefault(one.named, naming)
                elif self.just(one) is not None:
                    decidable.append(one)
                else:
                    self._refused.add(one)
            elif name in self._pages:
                decidable.append(one)
            else:
                self._missing_pages.add(name)
        return decidable

    def just(self, wanted: Wanted) -> Candidate | None:
        """The candidate that a requirement leaves no choice but to take, as far as that is known.

        None, too, where it leaves the choice to the index.
        """
        found = self._knowledge.named.get(wanted.named) if wanted.named is not None else wanted.just
        return found if isinstance(found, Candidate) else None

    def offers(self, name: NormalizedName, wanted: Sequence[Wanted]) -> Offer:
        specifiers = [one.requirement.specifier for one in wanted]
        constraint = self.constraints.get(name)
        named = {found.source: found for found in map(self.just, wanted) if found is not None}
        if len(named) > 1:
            both = " and ".join(sorted(named))
            return Offer((), (f"{name} cannot be two things at once, {both}",))
        page = self._pages[name] if not named else ProjectPage(name, tuple(named.values()))
        offer = offers_for(page, specifiers, constraint, self.target, self._ages)
        first = self._preferred.get(name, ())
        if not first:
            return offer
        known = {candidate.pin.version: candidate for candidate in offer.candidates}
        order = dict.fromkeys([v for v in first if v in known] + list(known))
        return Offer(tuple(known[version] for version in order), offer.refusals)

    def requires(self, candidate: Candidate, extras: tuple[str, ...]) -> list[Wanted]:
        pin = candidate.pin
        known = self._knowledge.metadata_of(candidate)
        metadata = self._corrections.get(pin) or known
        if metadata is None:
            self._missing_metadata.add((pin, candidate.source))
            return []
        wanted = [
            Wanted(requirement, str(pin), self.variant)
            for requirement in metadata.requires
            if applies(requirement, self.target, extras)
        ]
        self.remember(wanted, pin)
        return wanted

    def remember(self, wanted: Iterable[Wanted], asker: Pin | None) -> None:
        """Keeps who asked for what, to explain a conflict by."""
        for one in wanted:
            self._askers.setdefault(one.identity.name, {}).setdefault(one.origin, asker)

    def chain(self, wanted: Wanted) -> str:
        """How the request leads to whoever states a requirement: the shortest way, in words."""
        ways: dict[str, tuple[str, ...]] = {wanted.origin: (wanted.origin,)}
        pending = [wanted.origin]
        for origin in pending:
            name = canonicalize_name(origin.partition("==")[0]) if "==" in origin else None
            askers = self._askers.get(name, {}) if name is not None else {}
            if not askers:
                return " -> ".join(ways[origin])
            for asker in sorted(askers):
                if asker not in ways:
                    ways[asker] = (asker, *ways[origin])
                    pending.append(asker)
        return wanted.origin

    def lacking(
        self, chosen: Iterable[Candidate]
    ) -> tuple[tuple[NormalizedName, ...], tuple[Candidate, ...]]:
        """Only what the choice at hand lacks: what was tried and dropped need not be learned.

        Nor need that which may give way to a source that nobody looked at.
        """
        unsure = {named.project for named in self._unseen}
        metadata = {
            one.pin: one
            for one in chosen
            if (one.pin, one.source) in self._missing_metadata and one.pin.name not in unsure
        }
        return tuple(sorted(self._missing_pages)), tuple(metadata[pin] for pin in sorted(metadata))

    @property
    def unseen(self) -> tuple[Naming, ...]:
        """The sources that were come upon and that nobody looked at."""
        return tuple(self._unseen[named] for named in sorted(self._unseen))

    def is_settled(self, wanted: Wanted) -> bool:
        """Whether it is known what a requirement can lead to, and it may."""
        return wanted.named is None or self.just(wanted) is not None

    def answer_to(self, wanted: Wanted) -> Candidate | Refused | None:
        """What became of the source that a requirement names."""
        return self._knowledge.named.get(wanted.named) if wanted.named is not None else None

    def refused(self, names: Collection[NormalizedName]) -> tuple[Wanted, ...]:
        """What names sources of these projects that are not used, as far as anybody came."""
        return tuple(sorted((one for one in self._refused if one.identity.name in names), key=str))

"""Solves a set of requirements and everything behind them, as a whole, from known facts.

Nothing is fetched here. What is not known yet is reported as lacking; the caller learns it and
asks again. The answer depends on what is known alone, never on the order in which it was learned;
a caller that learns just what is lacking, beginning with nothing, always gets the same answer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible
from resolvelib.resolvers import RequirementInformation, Resolution, ResolutionTooDeep

from builder.domain.graph import Dependency, RequirementKind
from builder.domain.images import TargetPython
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, Pin, ProjectPage
from builder.resolve.ages import ReleaseAges
from builder.resolve.constraints import Constraint
from builder.resolve.offers import Offer, offers_for
from builder.resolve.previous import Preferred

MAX_ROUNDS = 100_000
_SHOWN_VERSIONS = 3


@dataclass(frozen=True)
class Asked:
    """A requirement and who stated it: a file and line, or a package."""

    requirement: Requirement
    origin: str


@dataclass(frozen=True)
class Question:
    """What is to be solved.

    Attributes:
        asked: the requirements; markers are evaluated here, those that do not apply are dropped.
        constraints: what each project is limited to, by the user.
        target: whose markers and Python count.
        ages: how old releases must and may be; None for no limits.
        preferred: the versions to try first, where they may be chosen at all.
    """

    asked: tuple[Asked, ...]
    constraints: Mapping[NormalizedName, Constraint]
    target: TargetPython
    ages: ReleaseAges | None = None
    preferred: Preferred = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Named:
    """A source that a requirement names itself, by its URL, and the project that it says it is."""

    project: NormalizedName
    url: str

    def __str__(self) -> str:
        return f"{self.project} @ {self.url}"


@dataclass(frozen=True)
class Refused:
    """Why a source that a requirement names is not used, and what to do about it."""

    reason: str
    hint: str = ""


@dataclass
class Knowledge:
    """What has been learned so far in this run.

    Attributes:
        metadata: of releases that an index has.
        named: what the sources are that requirements name themselves.
        of_sources: the metadata of these, which may be of the same name and version as a release.
    """

    pages: dict[NormalizedName, ProjectPage | NoSuchProject] = field(default_factory=dict)
    metadata: dict[Pin, ReleaseMetadata] = field(default_factory=dict)
    named: dict[Named, Candidate | Refused] = field(default_factory=dict)
    of_sources: dict[tuple[Pin, str], ReleaseMetadata] = field(default_factory=dict)

    def metadata_of(self, candidate: Candidate) -> ReleaseMetadata | None:
        """What is known of a candidate's requirements."""
        if candidate.source:
            return self.of_sources.get((candidate.pin, candidate.source))
        return self.metadata.get(candidate.pin)

    def all_of(self, candidates: Iterable[Candidate]) -> dict[Pin, ReleaseMetadata]:
        """What is known of candidates that are chosen together, of which no two share a pin."""
        known = {one.pin: self.metadata_of(one) for one in candidates}
        return {pin: metadata for pin, metadata in known.items() if metadata is not None}

    def learn(self, candidate: Candidate, metadata: ReleaseMetadata) -> None:
        """Takes in what a candidate requires."""
        if candidate.source:
            self.of_sources[candidate.pin, candidate.source] = metadata
        else:
            self.metadata[candidate.pin] = metadata


@dataclass(frozen=True)
class Solution:
    """A release for every project in the closure, and the edges between them."""

    candidates: tuple[Candidate, ...]
    """In the order of their names."""
    edges: tuple[Dependency, ...]
    """From the top (`parent` None) down; kinds are TOPLEVEL and INSTALL."""

    @property
    def pins(self) -> tuple[Pin, ...]:
        return tuple(candidate.pin for candidate in self.candidates)


@dataclass(frozen=True)
class Naming:
    """Who names a source: a release, or the request, and in which words."""

    named: Named
    parent: Pin | None
    requirement: str


@dataclass(frozen=True)
class Lacking:
    """What must be known before the question can be answered.

    Attributes:
        edges: those known so far: why the metadata is needed.
        named: sources that are named and were not looked at yet.
    """

    pages: tuple[NormalizedName, ...]
    metadata: tuple[Candidate, ...]
    edges: tuple[Dependency, ...]
    named: tuple[Naming, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """There is no answer, whatever else may be learned.

    Attributes:
        reason: one line for each cause.
        hint: where there is a better one than to loosen something.
    """

    reason: tuple[str, ...]
    hint: str = ""


Answer = Solution | Lacking | Conflict


@dataclass(frozen=True)
class Part:
    """One variant's share in what is solved together.

    Attributes:
        question: its requirements, constraints and target.
        knowledge: project pages and metadata learned so far.
        corrections: metadata of built wheels that differs from what was known before the build.
    """

    question: Question
    knowledge: Knowledge
    corrections: Mapping[Pin, ReleaseMetadata] = field(default_factory=dict)


def solve(
    question: Question,
    knowledge: Knowledge,
    corrections: Mapping[Pin, ReleaseMetadata] | None = None,
) -> Answer:
    """Answers a question from what is known.

    Args:
        question: requirements, constraints and target.
        knowledge: project pages and metadata learned so far.
        corrections: metadata of built wheels that differs from what was known before the build.
    """
    answer = solve_together({"": Part(question, knowledge, corrections or {})})
    return answer if isinstance(answer, Conflict) else answer[""]


def solve_together(parts: Mapping[str, Part]) -> Mapping[str, Solution | Lacking] | Conflict:
    """Answers the questions of several variants at once: a project has one version in all of them.

    Where something is lacking for one of them, no solution of another is an answer yet.

    Args:
        parts: by variant; the first one's preferences come first.
    """
    facts = {
        variant: _Facts(variant, part.question, part.knowledge, part.corrections)
        for variant, part in parts.items()
    }
    roots = {variant: one.roots(parts[variant].question.asked) for variant, one in facts.items()}
    known = [it for variant, one in facts.items() for it in one.known(roots[variant], None)]
    try:
        # Not by way of Resolver: where a ring of releases was dropped, it recurses for ever.
        state = Resolution(_Provider(facts), BaseReporter[_Wanted, _Choice, _Identity]()).resolve(
            known, max_rounds=MAX_ROUNDS
        )
    except ResolutionImpossible as impossible:
        # What nobody looked at may be the very thing that fits.
        if any(one.unseen for one in facts.values()):
            return {variant: Lacking((), (), (), one.unseen) for variant, one in facts.items()}
        return _conflict(impossible.causes, facts)
    except ResolutionTooDeep:
        return Conflict((f"no answer after {MAX_ROUNDS} rounds of search",))
    refused: list[_Wanted] = []
    answers = {
        variant: _answer(roots[variant], state.mapping, one, refused)
        for variant, one in facts.items()
    }
    if refused and not any(isinstance(answer, Lacking) for answer in answers.values()):
        return _refusal(refused, facts)
    return answers


def _answer(
    roots: Sequence["_Wanted"],
    mapping: Mapping["_Identity", "_Choice"],
    facts: "_Facts",
    refused: list["_Wanted"],
) -> Solution | Lacking:
    """What the choices mean for one variant."""
    chosen = {
        identity.name: choice.candidates[facts.variant]
        for identity, choice in mapping.items()
        if facts.variant in choice.candidates
    }
    edges = tuple(_walk(roots, chosen, facts, refused))
    reached = tuple(chosen[name] for name in sorted({edge.child.name for edge in edges}))
    pages, metadata = facts.lacking(reached)
    if pages or metadata or facts.unseen:
        return Lacking(pages, metadata, edges, facts.unseen)
    return Solution(reached, edges)


def applies(requirement: Requirement, target: TargetPython, extras: Iterable[str]) -> bool:
    """Whether a requirement's marker holds on the target, for any of the extras or for none.

    A marker that compares what cannot be compared never holds.
    """
    marker = requirement.marker
    if marker is None:
        return True
    return any(_holds(marker, target, extra) for extra in ("", *sorted(extras)))


def _holds(marker: Marker, target: TargetPython, extra: str) -> bool:
    try:
        return marker.evaluate({**target.markers, "extra": extra})
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False


@dataclass(frozen=True, order=True)
class _Identity:
    """A project, once plain and once with each set of extras that somebody asks for."""

    name: NormalizedName
    extras: tuple[str, ...]


@dataclass(frozen=True)
class _Wanted:
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
    def identity(self) -> _Identity:
        extras = tuple(sorted(canonicalize_name(extra) for extra in self.requirement.extras))
        return _Identity(canonicalize_name(self.requirement.name), extras)


@dataclass(frozen=True, eq=False)
class _Choice:
    """One version of a project, as each variant has it that wants it."""

    candidates: Mapping[str, Candidate]
    extras: tuple[str, ...]

    @property
    def pin(self) -> Pin:
        return next(iter(self.candidates.values())).pin

    @property
    def identity(self) -> _Identity:
        return _Identity(self.pin.name, self.extras)

    @property
    def releases(self) -> frozenset[tuple[Pin, str]]:
        return frozenset((one.pin, one.source) for one in self.candidates.values())


class _Facts:
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
        self._refused: set[_Wanted] = set()

    def roots(self, asked: Iterable[Asked]) -> tuple[_Wanted, ...]:
        """What the request wants on the target."""
        roots = tuple(
            _Wanted(one.requirement, one.origin, self.variant)
            for one in asked
            if applies(one.requirement, self.target, frozenset())
        )
        self.remember(roots, None)
        return roots

    def known(self, wanted: Iterable[_Wanted], asker: Pin | None) -> list[_Wanted]:
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

    def just(self, wanted: _Wanted) -> Candidate | None:
        """The candidate that a requirement leaves no choice but to take, as far as that is known.

        None, too, where it leaves the choice to the index.
        """
        found = self._knowledge.named.get(wanted.named) if wanted.named is not None else wanted.just
        return found if isinstance(found, Candidate) else None

    def offers(self, name: NormalizedName, wanted: Sequence[_Wanted]) -> Offer:
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

    def requires(self, candidate: Candidate, extras: tuple[str, ...]) -> list[_Wanted]:
        pin = candidate.pin
        known = self._knowledge.metadata_of(candidate)
        metadata = self._corrections.get(pin) or known
        if metadata is None:
            self._missing_metadata.add((pin, candidate.source))
            return []
        wanted = [
            _Wanted(requirement, str(pin), self.variant)
            for requirement in metadata.requires
            if applies(requirement, self.target, extras)
        ]
        self.remember(wanted, pin)
        return wanted

    def remember(self, wanted: Iterable[_Wanted], asker: Pin | None) -> None:
        """Keeps who asked for what, to explain a conflict by."""
        for one in wanted:
            self._askers.setdefault(one.identity.name, {}).setdefault(one.origin, asker)

    def chain(self, wanted: _Wanted) -> str:
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

    def is_settled(self, wanted: _Wanted) -> bool:
        """Whether it is known what a requirement can lead to, and it may."""
        return wanted.named is None or self.just(wanted) is not None

    def answer_to(self, wanted: _Wanted) -> Candidate | Refused | None:
        """What became of the source that a requirement names."""
        return self._knowledge.named.get(wanted.named) if wanted.named is not None else None

    def refused(self, names: Collection[NormalizedName]) -> tuple[_Wanted, ...]:
        """What names sources of these projects that are not used, as far as anybody came."""
        return tuple(sorted((one for one in self._refused if one.identity.name in names), key=str))


class _Provider(AbstractProvider[_Wanted, _Choice, _Identity]):
    """The policy of the search: the newest version first, the most constrained project first."""

    def __init__(self, facts: Mapping[str, _Facts]) -> None:
        self._facts = facts

    def identify(self, requirement_or_candidate: _Wanted | _Choice) -> _Identity:
        return requirement_or_candidate.identity

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[_Identity],
        resolutions: Mapping[_Identity, _Choice],  # noqa: ARG002 - the library's signature
        candidates: Mapping[_Identity, Iterator[_Choice]],  # noqa: ARG002
        information: Mapping[  # noqa: ARG002
            _Identity, Iterator[RequirementInformation[_Wanted, _Choice]]
        ],
        backtrack_causes: Sequence[RequirementInformation[_Wanted, _Choice]],
    ) -> Iterable[_Identity]:
        """What caused the last step back is decided first: it is where the trouble is."""
        everything = list(identifiers)
        troubled = {cause.requirement.identity for cause in backtrack_causes}
        return [one for one in everything if one in troubled] or everything

    def get_preference(
        self,
        identifier: _Identity,
        resolutions: Mapping[_Identity, _Choice],  # noqa: ARG002 - the library's signature
        candidates: Mapping[_Identity, Iterator[_Choice]],  # noqa: ARG002
        information: Mapping[_Identity, Iterator[RequirementInformation[_Wanted, _Choice]]],
        backtrack_causes: Sequence[  # noqa: ARG002
            RequirementInformation[_Wanted, _Choice]
        ],
    ) -> tuple[bool, bool, _Identity]:
        wanted = [one.requirement for one in information[identifier]]
        specifiers = [one.requirement.specifier for one in wanted]
        pinned = any(spec.operator in ("==", "===") for each in specifiers for spec in each)
        pinned = pinned or any(self._facts[one.variant].just(one) for one in wanted)
        pinned = pinned or any(identifier.name in it.constraints for it in self._facts.values())
        return (not pinned, not any(specifiers), identifier)

    def find_matches(
        self,
        identifier: _Identity,
        requirements: Mapping[_Identity, Iterator[_Wanted]],
        incompatibilities: Mapping[_Identity, Iterator[_Choice]],
    ) -> list[_Choice]:
        wanted = list(requirements[identifier])
        wanting = {one.variant for one in wanted}
        if identifier.extras:
            plain = _Identity(identifier.name, ())
            wanted.extend(requirements.get(plain, ()))
        bad = frozenset[tuple[Pin, str]]().union(
            *(choice.releases for choice in incompatibilities[identifier])
        )
        offers = {
            variant: facts.offers(identifier.name, _of(variant, wanted))
            for variant, facts in self._facts.items()
            if variant in wanting
        }
        choices = (_Choice(one, identifier.extras) for one in _common(offers))
        return [choice for choice in choices if not choice.releases & bad]

    def is_satisfied_by(self, requirement: _Wanted, candidate: _Choice) -> bool:
        mine = candidate.candidates.get(requirement.variant)
        if mine is None:
            return False  # chosen before this variant wanted it, too
        just = self._facts[requirement.variant].just(requirement)
        if just is not None and just.source != mine.source:
            return False
        return requirement.requirement.specifier.contains(mine.pin.version, prereleases=True)

    def get_dependencies(self, candidate: _Choice) -> list[_Wanted]:
        every: list[_Wanted] = []
        for variant, mine in candidate.candidates.items():
            facts, pin = self._facts[variant], mine.pin
            every.extend(facts.known(facts.requires(mine, candidate.extras), pin))
            if candidate.extras:
                just = mine if mine.source else None
                origin = f"{pin}[{','.join(candidate.extras)}]"
                every.append(_Wanted(_exactly(pin), origin, variant, just))
        return every


def _of(variant: str, wanted: Iterable[_Wanted]) -> list[_Wanted]:
    return [one for one in wanted if one.variant == variant]


def _common(offers: Mapping[str, Offer]) -> Iterator[dict[str, Candidate]]:
    """The versions that every variant could take, the first one's best first."""
    known = {
        variant: {one.pin.version: one for one in offer.candidates}
        for variant, offer in offers.items()
    }
    for version in next(iter(known.values()), {}):
        if all(version in candidates for candidates in known.values()):
            yield {variant: candidates[version] for variant, candidates in known.items()}


def _exactly(pin: Pin) -> Requirement:
    return Requirement(f"{pin.name}=={pin.version}")


def _walk(
    roots: Sequence[_Wanted],
    chosen: Mapping[NormalizedName, Candidate],
    facts: _Facts,
    refused: list[_Wanted],
) -> Iterator[Dependency]:
    """The edges from the top down; what names a source that is not to be had is put aside."""
    pending: list[tuple[Pin | None, _Wanted]] = [(None, root) for root in roots]
    seen: set[_Identity] = set()
    emitted: set[Dependency] = set()
    while pending:
        parent, wanted = pending.pop()
        if not facts.is_settled(wanted):
            refused.append(wanted)
            continue
        identity = wanted.identity
        if identity.name not in chosen:
            continue  # its page is not known yet
        candidate = chosen[identity.name]
        kind = RequirementKind.TOPLEVEL if parent is None else RequirementKind.INSTALL
        edge = Dependency(parent, candidate.pin, kind, str(wanted.requirement))
        if edge not in emitted:
            emitted.add(edge)
            yield edge
        if identity not in seen:
            seen.add(identity)
            needed = facts.requires(candidate, identity.extras)
            pending.extend((candidate.pin, one) for one in needed)


def _conflict(
    causes: Iterable[RequirementInformation[_Wanted, _Choice]], facts: Mapping[str, _Facts]
) -> Conflict:
    """With the sources that may not be used, where one of them might have helped."""
    by_name: dict[NormalizedName, list[_Wanted]] = {}
    for cause in causes:
        by_name.setdefault(cause.requirement.identity.name, []).append(cause.requirement)
    refusal = _refusal([it for one in facts.values() for it in one.refused(by_name)], facts)
    return Conflict((*_explain(by_name, facts), *refusal.reason), refusal.hint)


def _refusal(wanted: Iterable[_Wanted], facts: Mapping[str, _Facts]) -> Conflict:
    """Why sources that are named are not used, with who names them."""
    lines: dict[str, None] = {}
    hints: list[str] = []
    for one in wanted:
        answer = facts[one.variant].answer_to(one)
        if isinstance(answer, Refused):
            lines[f"{facts[one.variant].chain(one)} requires {one.requirement}"] = None
            lines[answer.reason] = None
            hints.append(answer.hint)
    return Conflict(tuple(lines), next(iter(hints), ""))


def _explain(
    by_name: Mapping[NormalizedName, Sequence[_Wanted]], facts: Mapping[str, _Facts]
) -> tuple[str, ...]:
    lines: list[str] = []
    for name in sorted(by_name):
        wanted = by_name[name]
        lines.extend(sorted({_stated(one, facts) for one in wanted}))
        offers = {
            variant: one.offers(name, _of(variant, wanted))
            for variant, one in facts.items()
            if _of(variant, wanted)
        }
        refusals = [line for offer in offers.values() for line in offer.refusals]
        lines.extend(dict.fromkeys(refusals))
        if not refusals and len(offers) > 1 and not any(_common(offers)):
            could = "; ".join(f"{variant} {_shown(offer)}" for variant, offer in offers.items())
            lines.append(f"no release of {name} will do for all variants: {could}")
    return tuple(lines)


def _stated(wanted: _Wanted, facts: Mapping[str, _Facts]) -> str:
    where = f" (variant {wanted.variant})" if len(facts) > 1 else ""
    return f"{facts[wanted.variant].chain(wanted)} requires {wanted.requirement}{where}"


def _shown(offer: Offer) -> str:
    versions = [str(one.pin.version) for one in offer.candidates]
    more = f" and {len(versions) - _SHOWN_VERSIONS} more" if len(versions) > _SHOWN_VERSIONS else ""
    return f"could have {', '.join(versions[:_SHOWN_VERSIONS])}{more}"

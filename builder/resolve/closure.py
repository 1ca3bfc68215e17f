"""Solves a set of requirements and everything behind them, as a whole, from known facts.

Nothing is fetched here. What is not known yet is reported as lacking; the caller learns it and
asks again. The answer depends on what is known alone, never on the order in which it was learned;
a caller that learns just what is lacking, beginning with nothing, always gets the same answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.utils import NormalizedName
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible
from resolvelib.resolvers import RequirementInformation, Resolution, ResolutionTooDeep

from builder.domain.graph import Dependency, RequirementKind
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, Pin
from builder.resolve.facts import Choice, Facts, Identity, Wanted
from builder.resolve.offers import Offer
from builder.resolve.problem import (
    Answer,
    Conflict,
    Knowledge,
    Lacking,
    Part,
    Question,
    Refused,
    Solution,
)

MAX_ROUNDS = 100_000
_SHOWN_VERSIONS = 3


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
        variant: Facts(variant, part.question, part.knowledge, part.corrections)
        for variant, part in parts.items()
    }
    roots = {variant: one.roots(parts[variant].question.asked) for variant, one in facts.items()}
    known = [it for variant, one in facts.items() for it in one.known(roots[variant], None)]
    try:
        # Not by way of Resolver: where a ring of releases was dropped, it recurses for ever.
        state = Resolution(_Provider(facts), BaseReporter[Wanted, Choice, Identity]()).resolve(
            known, max_rounds=MAX_ROUNDS
        )
    except ResolutionImpossible as impossible:
        # What nobody looked at may be the very thing that fits.
        if any(one.unseen for one in facts.values()):
            return {variant: Lacking((), (), (), one.unseen) for variant, one in facts.items()}
        return _conflict(impossible.causes, facts)
    except ResolutionTooDeep:
        return Conflict((f"no answer after {MAX_ROUNDS} rounds of search",))
    refused: list[Wanted] = []
    answers = {
        variant: _answer(roots[variant], state.mapping, one, refused)
        for variant, one in facts.items()
    }
    if refused and not any(isinstance(answer, Lacking) for answer in answers.values()):
        return _refusal(refused, facts)
    return answers


def _answer(
    roots: Sequence[Wanted],
    mapping: Mapping[Identity, Choice],
    facts: Facts,
    refused: list[Wanted],
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


class _Provider(AbstractProvider[Wanted, Choice, Identity]):
    """The policy of the search: the newest version first, the most constrained project first."""

    def __init__(self, facts: Mapping[str, Facts]) -> None:
        self._facts = facts

    def identify(self, requirement_or_candidate: Wanted | Choice) -> Identity:
        return requirement_or_candidate.identity

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[Identity],
        resolutions: Mapping[Identity, Choice],  # noqa: ARG002 - the library's signature
        candidates: Mapping[Identity, Iterator[Choice]],  # noqa: ARG002
        information: Mapping[  # noqa: ARG002
            Identity, Iterator[RequirementInformation[Wanted, Choice]]
        ],
        backtrack_causes: Sequence[RequirementInformation[Wanted, Choice]],
    ) -> Iterable[Identity]:
        """What caused the last step back is decided first: it is where the trouble is."""
        everything = list(identifiers)
        troubled = {cause.requirement.identity for cause in backtrack_causes}
        return [one for one in everything if one in troubled] or everything

    def get_preference(
        self,
        identifier: Identity,
        resolutions: Mapping[Identity, Choice],  # noqa: ARG002 - the library's signature
        candidates: Mapping[Identity, Iterator[Choice]],  # noqa: ARG002
        information: Mapping[Identity, Iterator[RequirementInformation[Wanted, Choice]]],
        backtrack_causes: Sequence[  # noqa: ARG002
            RequirementInformation[Wanted, Choice]
        ],
    ) -> tuple[bool, bool, Identity]:
        wanted = [one.requirement for one in information[identifier]]
        specifiers = [one.requirement.specifier for one in wanted]
        pinned = any(spec.operator in ("==", "===") for each in specifiers for spec in each)
        pinned = pinned or any(self._facts[one.variant].just(one) for one in wanted)
        pinned = pinned or any(identifier.name in it.constraints for it in self._facts.values())
        return (not pinned, not any(specifiers), identifier)

    def find_matches(
        self,
        identifier: Identity,
        requirements: Mapping[Identity, Iterator[Wanted]],
        incompatibilities: Mapping[Identity, Iterator[Choice]],
    ) -> list[Choice]:
        wanted = list(requirements[identifier])
        wanting = {one.variant for one in wanted}
        if identifier.extras:
            plain = Identity(identifier.name, ())
            wanted.extend(requirements.get(plain, ()))
        bad = frozenset[tuple[Pin, str]]().union(
            *(choice.releases for choice in incompatibilities[identifier])
        )
        offers = {
            variant: facts.offers(identifier.name, _of(variant, wanted))
            for variant, facts in self._facts.items()
            if variant in wanting
        }
        choices = (Choice(one, identifier.extras) for one in _common(offers))
        return [choice for choice in choices if not choice.releases & bad]

    def is_satisfied_by(self, requirement: Wanted, candidate: Choice) -> bool:
        mine = candidate.candidates.get(requirement.variant)
        if mine is None:
            return False  # chosen before this variant wanted it, too
        just = self._facts[requirement.variant].just(requirement)
        if just is not None and just.source != mine.source:
            return False
        return requirement.requirement.specifier.contains(mine.pin.version, prereleases=True)

    def get_dependencies(self, candidate: Choice) -> list[Wanted]:
        every: list[Wanted] = []
        for variant, mine in candidate.candidates.items():
            facts, pin = self._facts[variant], mine.pin
            every.extend(facts.known(facts.requires(mine, candidate.extras), pin))
            if candidate.extras:
                just = mine if mine.source else None
                origin = f"{pin}[{','.join(candidate.extras)}]"
                every.append(Wanted(_exactly(pin), origin, variant, just))
        return every


def _of(variant: str, wanted: Iterable[Wanted]) -> list[Wanted]:
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
    roots: Sequence[Wanted],
    chosen: Mapping[NormalizedName, Candidate],
    facts: Facts,
    refused: list[Wanted],
) -> Iterator[Dependency]:
    """The edges from the top down; what names a source that is not to be had is put aside."""
    pending: list[tuple[Pin | None, Wanted]] = [(None, root) for root in roots]
    seen: set[Identity] = set()
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
    causes: Iterable[RequirementInformation[Wanted, Choice]], facts: Mapping[str, Facts]
) -> Conflict:
    """With the sources that may not be used, where one of them might have helped."""
    by_name: dict[NormalizedName, list[Wanted]] = {}
    for cause in causes:
        by_name.setdefault(cause.requirement.identity.name, []).append(cause.requirement)
    refusal = _refusal([it for one in facts.values() for it in one.refused(by_name)], facts)
    return Conflict((*_explain(by_name, facts), *refusal.reason), refusal.hint)


def _refusal(wanted: Iterable[Wanted], facts: Mapping[str, Facts]) -> Conflict:
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
    by_name: Mapping[NormalizedName, Sequence[Wanted]], facts: Mapping[str, Facts]
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


def _stated(wanted: Wanted, facts: Mapping[str, Facts]) -> str:
    where = f" (variant {wanted.variant})" if len(facts) > 1 else ""
    return f"{facts[wanted.variant].chain(wanted)} requires {wanted.requirement}{where}"


def _shown(offer: Offer) -> str:
    versions = [str(one.pin.version) for one in offer.candidates]
    more = f" and {len(versions) - _SHOWN_VERSIONS} more" if len(versions) > _SHOWN_VERSIONS else ""
    return f"could have {', '.join(versions[:_SHOWN_VERSIONS])}{more}"

"""One version of everything that a graph installs, or which projects stand against that."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.graph import Dependency, DependencyGraph
from builder.domain.releases import Pin
from builder.graphs.acceptance import accepts
from builder.graphs.adjacency import Adjacency, adjacency, installed, walked
from builder.graphs.duplicates import demands_on, versions_by_name


@dataclass(frozen=True)
class Agreement:
    """One version for each project, and what there was to choose from where there was a choice."""

    pins: tuple[Pin, ...]
    choices: Mapping[NormalizedName, tuple[Version, ...]]


@dataclass(frozen=True)
class Conflict:
    """The projects of which no version in the graph contents everybody."""

    names: tuple[NormalizedName, ...]


def agree(graph: DependencyGraph) -> Agreement | Conflict:
    """Gives every project that is installed the highest version that all who need it accept.

    Whoever is left out by such a choice has no say any more, and what only those need falls out.
    """
    edges = adjacency(graph)
    closure = installed(edges)
    vote = _Vote(edges, closure)
    vote.run()
    kept = _still_needed(edges, closure - vote.out, vote.decided)
    open_names = sorted({pin.name for pin in kept if pin.name not in vote.decided})
    if open_names:
        return Conflict(tuple(open_names))
    versions = versions_by_name(closure)
    names = {pin.name for pin in kept}
    choices = {name: found for name, found in versions.items() if len(found) > 1 and name in names}
    return Agreement(tuple(sorted(kept)), choices)


def constraints_file(agreement: Agreement) -> str:
    """`name==version` for each, with a comment where the graph has other versions too."""
    return "".join(_lines(agreement))


def _lines(agreement: Agreement) -> Iterator[str]:
    for pin in agreement.pins:
        if pin.name in agreement.choices:
            others = ", ".join(map(str, agreement.choices[pin.name]))
            yield f"# the graph has {pin.name} in several versions: {others}\n"
        yield f"{pin}\n"


def _still_needed(
    edges: Adjacency, candidates: set[Pin], decided: Mapping[NormalizedName, Version]
) -> set[Pin]:
    """What can be come to from the request; where a choice was made, by way of that."""
    by_name: dict[NormalizedName, list[Pin]] = {}
    for pin in candidates:
        by_name.setdefault(pin.name, []).append(pin)

    def further(pin: Pin | None) -> Iterator[Pin | None]:
        for edge in edges.children(pin):
            if edge.kind.is_build:
                continue
            if edge.child.name in decided:
                yield Pin(edge.child.name, decided[edge.child.name])
            else:
                yield from by_name.get(edge.child.name, ())

    start: list[Pin | None] = [None]
    return {pin for pin in walked(start, further) if pin is not None}


@dataclass
class _Ballot:
    """What is still said of one project.

    Attributes:
        voices: how many edges of those who are still in need it.
        accepting: how many of them would accept each version.
    """

    versions: tuple[Version, ...]
    voices: int = 0
    accepting: dict[Version, int] = field(default_factory=dict)

    def count(self, edge: Dependency, by: int) -> None:
        self.voices += by
        if len(self.versions) == 1:
            return
        for version in self.versions:
            if accepts(edge, version):
                self.accepting[version] = self.accepting.get(version, 0) + by

    def winner(self) -> Version | None:
        if len(self.versions) == 1:
            return self.versions[0]
        agreed = [one for one in self.versions if self.accepting.get(one, 0) == self.voices]
        return agreed[-1] if agreed else None


class _Vote:
    """Counts every edge once when it comes in, and once when its parent goes out."""

    def __init__(self, edges: Adjacency, closure: set[Pin]) -> None:
        self._edges = edges
        self._closure = closure
        versions = versions_by_name(closure)
        self._ballots = {name: _Ballot(found) for name, found in versions.items()}
        for pin in closure:
            for edge in demands_on(edges, pin, closure):
                self._ballots[pin.name].count(edge, 1)
        self._waiting = deque(sorted(name for name, found in versions.items() if len(found) > 1))
        self.decided = {name: found[0] for name, found in versions.items() if len(found) == 1}
        self.out: set[Pin] = set()

    def run(self) -> None:
        """Decides whatever can be decided."""
        while self._waiting:
            name = self._waiting.popleft()
            ballot = self._ballots[name]
            if name in self.decided or not ballot.voices:
                continue
            chosen = ballot.winner()
            if chosen is not None:
                self.decided[name] = chosen
                self._leave(Pin(name, other) for other in ballot.versions if other != chosen)

    def _leave(self, pins: Iterable[Pin]) -> None:
        """Takes away the say of these, and of all that nobody else needs."""
        stack = list(pins)
        while stack:
            pin = stack.pop()
            if pin in self.out:
                continue
            self.out.add(pin)
            for name in self._withdraw(pin):
                ballot = self._ballots[name]
                if not ballot.voices:
                    self.decided.pop(name, None)
                    stack.extend(Pin(name, version) for version in ballot.versions)
                elif name not in self.decided:
                    self._waiting.append(name)

    def _withdraw(self, pin: Pin) -> list[NormalizedName]:
        """Takes back what a release said of others; those are returned."""
        changed: dict[NormalizedName, None] = {}
        for edge in self._edges.children(pin):
            if not edge.kind.is_build and edge.child.name != pin.name:
                self._ballots[edge.child.name].count(edge, -1)
                changed[edge.child.name] = None
        return list(changed)

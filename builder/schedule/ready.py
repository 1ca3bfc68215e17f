"""Which of the builds that could start is to start next."""

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

from builder.schedule.budget import Budget, Claim
from builder.schedule.waiting import Orderable, Schedule

Node = TypeVar("Node", bound=Orderable)


class Ready(Generic[Node]):
    """Nodes that wait for a free place, the most urgent first.

    Smaller builds overtake one that does not fit at the moment, but nothing overtakes an exclusive
    one: it would never find the machine empty.
    """

    def __init__(self, schedule: Schedule[Node], budget: Budget) -> None:
        self._schedule = schedule
        self._budget = budget
        self._claims: dict[Node, Claim] = {}
        self._heap: list[tuple[tuple[int, Node], Node]] = []
        self._revision = 0
        self._running: dict[Node, Claim] = {}

    def add(self, node: Node, claim: Claim) -> None:
        self._claims[node] = claim
        heapq.heappush(self._heap, (self._schedule.urgency(node), node))

    def next(self) -> Node | None:
        """Takes out the node that is to start now, and counts it as running; None for nobody."""
        if len(self._running) >= self._budget.workers or not self._heap:
            return None
        self._order_anew()
        return self._first(self._admitted)

    def ended(self, node: Node) -> None:
        """Gives back what a node that ran had claimed."""
        del self._running[node]

    def _admitted(self, claim: Claim) -> bool:
        return self._budget.admits(self._running.values(), claim)

    def _first(self, admitted: Callable[[Claim], bool]) -> Node | None:
        passed = []
        found: Node | None = None
        while self._heap and found is None:
            entry = heapq.heappop(self._heap)
            claim = self._claims[entry[1]]
            if admitted(claim):
                found = entry[1]
                self._running[found] = self._claims.pop(found)
                break
            passed.append(entry)
            if claim.exclusive:
                break
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return found

    def _order_anew(self) -> None:
        """Urgencies change only where chains of waiters grew."""
        if self._revision != self._schedule.revision:
            self._revision = self._schedule.revision
            self._heap = [(self._schedule.urgency(node), node) for _, node in self._heap]
            heapq.heapify(self._heap)

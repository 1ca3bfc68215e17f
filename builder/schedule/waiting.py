"""A pure account of what waits for what. It starts nothing and knows nothing of packages."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Generic, Protocol, TypeVar


class Orderable(Hashable, Protocol):
    """A node: anything that can be told apart and put in a fixed order."""

    def __lt__(self, other: "Orderable", /) -> bool: ...


Node = TypeVar("Node", bound=Orderable)


@dataclass
class _Waiting(Generic[Node]):
    missing: set[Node] = field(default_factory=set)


class Schedule(Generic[Node]):
    """Nodes wait for other nodes; a node may be told to wait again before it is finished.

    Of the nodes that are ready, the one with the longest chain of waiters behind it comes first,
    then the smallest: the order depends on what is known, never on timing alone.
    """

    def __init__(self) -> None:
        self._waiting: dict[Node, _Waiting[Node]] = {}
        self._waiters: dict[Node, set[Node]] = {}
        self._height: dict[Node, int] = {}
        self._ready: set[Node] = set()
        self._over: set[Node] = set()

    def wait(self, node: Node, needs: Iterable[Node]) -> None:
        """Makes `node` wait until every one of `needs` is over; it is ready at once if all are."""
        missing = {need for need in needs if need not in self._over}
        self._ready.discard(node)
        for need in missing:
            self._waiters.setdefault(need, set()).add(node)
        if missing:
            self._waiting[node] = _Waiting(missing)
            self._lift(node, missing)
        else:
            self._ready.add(node)

    def over(self, node: Node) -> None:
        """Says that `node` is finished, well or badly; whoever waits for it need not any longer."""
        self._over.add(node)
        self._ready.discard(node)
        for waiter in self._waiters.pop(node, ()):
            waiting = self._waiting.get(waiter)
            if waiting is None:
                continue
            waiting.missing.discard(node)
            if not waiting.missing:
                del self._waiting[waiter]
                self._ready.add(waiter)

    def take(self) -> Node | None:
        """The most urgent of the ready nodes, which is then no longer ready."""
        if not self._ready:
            return None
        chosen = min(self._ready, key=lambda node: (-self._height.get(node, 0), node))
        self._ready.discard(chosen)
        return chosen

    def needs_of(self, node: Node) -> tuple[Node, ...]:
        """What `node` still waits for."""
        waiting = self._waiting.get(node)
        return tuple(sorted(waiting.missing)) if waiting else ()

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    def cycle(self) -> tuple[Node, ...]:
        """Nodes that wait for one another in a ring, first one repeated at the end; or nothing."""
        needs = {node: sorted(waiting.missing) for node, waiting in sorted(self._waiting.items())}
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            ring: list[Node] = error.args[1]
            # graphlib walks from a need to its waiter; a reader wants "a needs b".
            return tuple(reversed(ring))
        return ()

    def _lift(self, node: Node, needs: Iterable[Node]) -> None:
        stack = [(need, self._height.get(node, 0) + 1) for need in needs]
        while stack:
            lower, height = stack.pop()
            # A ring would lift itself for ever: no chain is longer than the number of nodes.
            if self._height.get(lower, 0) >= min(height, len(self._waiters) + len(self._waiting)):
                continue
            self._height[lower] = height
            waiting = self._waiting.get(lower)
            stack.extend((need, height + 1) for need in (waiting.missing if waiting else ()))

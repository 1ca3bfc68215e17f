"""A pure account of what waits for what. It starts nothing and knows nothing of packages."""

from collections.abc import Hashable, Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any, Generic, Protocol, TypeVar


class Orderable(Hashable, Protocol):
    """A node: anything that can be told apart and put in a fixed order."""

    def __lt__(self, other: Any, /) -> bool: ...  # noqa: ANN401 - as every ordered type has it


Node = TypeVar("Node", bound=Orderable)


class Schedule(Generic[Node]):
    """Nodes wait for other nodes; a node may be told to wait again before it is over.

    Of several nodes, the one with the longest chain of waiters behind it is the most urgent, then
    the smallest: the order depends on what is known, never on timing alone.
    """

    def __init__(self) -> None:
        self._missing: dict[Node, set[Node]] = {}
        self._waiters: dict[Node, set[Node]] = {}
        self._height: dict[Node, int] = {}
        self._over: set[Node] = set()
        self._grown = False
        self._revision = 0

    @property
    def revision(self) -> int:
        """Changes whenever urgencies may have changed."""
        return self._revision

    def wait(self, node: Node, needs: Iterable[Node]) -> bool:
        """Makes `node` wait until all of `needs` are over; says whether it must wait at all."""
        missing = {need for need in needs if need not in self._over}
        for former in self._missing.pop(node, set()) - missing:
            self._waiters[former].discard(node)
        if not missing:
            return False
        for need in missing:
            self._waiters.setdefault(need, set()).add(node)
        self._missing[node] = missing
        self._grown = True
        self._revision += 1
        return True

    def over(self, node: Node) -> tuple[Node, ...]:
        """Says that `node` is finished, well or badly; returns whoever need not wait any longer."""
        self._over.add(node)
        freed = []
        for waiter in self._waiters.pop(node, ()):
            missing = self._missing[waiter]
            missing.discard(node)
            if not missing:
                del self._missing[waiter]
                freed.append(waiter)
        return tuple(sorted(freed, key=self.urgency))

    def urgency(self, node: Node) -> tuple[int, Node]:
        """A sort key: the most urgent node comes first.

        Chains are measured anew only after they grew: as nodes end, they keep their order.
        """
        if self._grown:
            self._measure()
        return (-self._height.get(node, 0), node)

    def missing(self, node: Node) -> tuple[Node, ...]:
        """What `node` still waits for."""
        return tuple(sorted(self._missing.get(node, ())))

    def ring(self) -> tuple[Node, ...]:
        """Nodes that wait for one another in a ring, the first repeated at the end; or nothing.

        Each needs the one after it.
        """
        needs = {node: sorted(self._missing[node]) for node in sorted(self._missing)}
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            found: list[Node] = error.args[1]
            # graphlib walks from a need to whoever waits for it.
            return tuple(reversed(found))
        return ()

    def _measure(self) -> None:
        """Heights from scratch: what nobody waits for has 0, and so has one node of each ring."""
        self._height = {}
        for root in sorted(self._waiters):
            stack = [root]
            while stack:
                node = stack[-1]
                waiters = self._waiters.get(node, set()) - {node}
                unknown = [each for each in waiters if each not in self._height]
                if node not in self._height and unknown:
                    self._height[node] = 0  # entered: a ring ends here
                    stack.extend(unknown)
                    continue
                stack.pop()
                heights = (self._height[each] + 1 for each in waiters)
                self._height[node] = max(heights, default=0)
        self._grown = False

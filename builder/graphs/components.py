"""The strongly connected parts of what needs what: in each, everything needs everything else."""

from collections.abc import Iterable, Iterator, Mapping

from builder.domain.releases import Pin

Needs = Mapping[Pin, Iterable[Pin]]


def components(needs: Needs) -> Iterator[set[Pin]]:
    """Every part, after Tarjan: whatever it needs outside itself comes before it."""
    search = _Tarjan(needs)
    for pin in sorted(needs):
        yield from search.from_node(pin)


def knots(needs: Needs) -> Iterator[set[Pin]]:
    """The parts that hold a ring."""
    for found in components(needs):
        if len(found) > 1 or any(need in found for need in needs[min(found)]):
            yield found


class _Tarjan:
    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._number: dict[Pin, int] = {}
        self._lowest: dict[Pin, int] = {}
        self._open: list[Pin] = []
        self._is_open: set[Pin] = set()

    def from_node(self, start: Pin) -> Iterator[set[Pin]]:
        if start in self._number:
            return
        path = [(start, self._enter(start))]
        while path:
            pin, rest = path[-1]
            need = next(rest, None)
            if need is None:
                path.pop()
                if path:
                    self._lower(path[-1][0], self._lowest[pin])
                if self._lowest[pin] == self._number[pin]:
                    yield self._close(pin)
            elif need not in self._number:
                path.append((need, self._enter(need)))
            elif need in self._is_open:
                self._lower(pin, self._number[need])

    def _enter(self, pin: Pin) -> Iterator[Pin]:
        self._number[pin] = self._lowest[pin] = len(self._number)
        self._open.append(pin)
        self._is_open.add(pin)
        return iter(sorted(self._needs[pin]))

    def _lower(self, pin: Pin, to: int) -> None:
        self._lowest[pin] = min(self._lowest[pin], to)

    def _close(self, pin: Pin) -> set[Pin]:
        found: set[Pin] = set()
        while pin not in found:
            last = self._open.pop()
            self._is_open.remove(last)
            found.add(last)
        return found

"""What an earlier graph chose, so that a new run chooses the same wherever it may."""

from collections.abc import Iterable, Mapping

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.domain.build_needs import build_needs
from builder.domain.graph import DependencyGraph, RequirementKind
from builder.domain.releases import Pin

Preferred = Mapping[NormalizedName, tuple[Version, ...]]
"""For a project, the versions to try before all others, in this order."""


class PreviousChoices:
    """Looks first where the same was chosen for the same purpose, then anywhere in the graph."""

    def __init__(self, graph: DependencyGraph | None) -> None:
        self._graph = graph
        self._needs = build_needs(graph) if graph is not None else {}
        self._anywhere: dict[NormalizedName, list[Version]] = {}
        self._of_project: dict[NormalizedName, list[Pin]] = {}
        self._to_install: list[Pin] = []
        if graph is not None:
            for pin in sorted(graph.nodes, reverse=True):
                self._anywhere.setdefault(pin.name, []).append(pin.version)
                self._of_project.setdefault(pin.name, []).append(pin)
            installed = {edge.child for edge in graph.edges if not edge.kind.is_build}
            asked = [e.child for e in graph.edges if e.kind is RequirementKind.TOPLEVEL]
            self._to_install = [*sorted(set(asked), reverse=True), *sorted(installed, reverse=True)]

    def for_installation(self) -> Preferred:
        """For what the user asked for, and what that needs at run time."""
        return self._first(self._to_install)

    def for_build(self, pin: Pin) -> Preferred:
        """For the build environment of a release: what that release had, else its project."""
        if self._graph is None:
            return {}
        same = sorted(self._of_project.get(pin.name, ()), key=lambda one: one != pin)
        return self._first(part for one in same for part in self._environment(one))

    def _environment(self, pin: Pin) -> Iterable[Pin]:
        if self._graph is None:
            return ()
        recipe = self._graph.nodes[pin].recipe
        if recipe is None:
            return sorted(self._needs[pin])
        return (part.pin for part in recipe.environment)

    def _first(self, pins: Iterable[Pin]) -> Preferred:
        chosen: dict[NormalizedName, list[Version]] = {}
        for pin in pins:
            chosen.setdefault(pin.name, []).append(pin.version)
        return {
            name: tuple(dict.fromkeys([*chosen.get(name, ()), *versions]))
            for name, versions in self._anywhere.items()
        }

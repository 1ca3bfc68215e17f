"""Wires one build from a lock together: a graph, or a build order."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Event

from packaging.requirements import InvalidRequirement, Requirement

from builder.app.documents import read_place
from builder.app.emulation import Timekeeper, write_build_times
from builder.app.locked_world import LockedWorld
from builder.app.overrides import load_overrides
from builder.app.reports import reported, write_report
from builder.app.requested import open_index
from builder.app.settings import Settings
from builder.app.unused_patches import tell_unused_patches
from builder.app.workshop import Notify, open_workshop
from builder.app.world import Place, full_disk
from builder.domain.build_needs import build_needs
from builder.domain.builds import Failure
from builder.domain.events import Noted
from builder.domain.graph import BuiltFor, Dependency, DependencyGraph, GraphNode
from builder.domain.releases import Pin
from builder.errors import InputError
from builder.publish.files import publish_text
from builder.record.files import build_order, build_order_json, graph_json
from builder.record.reading import read_build_order, read_graph
from builder.record.summary import Summarized, summary_json, summary_markdown
from builder.workflows.locked import LockedBuild
from builder.workflows.locks import LockBuilt, LockRequest
from builder.workflows.marking import marked_graph
from builder.workflows.recording import completed_graph

Recorded = Callable[[DependencyGraph], DependencyGraph]
"""A graph with what this run was for."""


@dataclass(frozen=True)
class Strictness:
    """How a build from a lock is to go about it.

    Attributes:
        force: build what is there already, too.
        require_identical: refuse wheels that are not the ones that the lock knows.
        marked: how the names of the records begin that test mode leaves: the graph with what was
            put in place of failed builds, and what that taints; empty for the lock itself.
    """

    force: bool = False
    require_identical: bool = False
    test_mode: bool = False
    fail_fast: bool = False
    marked: str = "test-mode-"


@dataclass(frozen=True)
class Lock:
    """What a file holds to build from.

    Attributes:
        nodes: from the bottom up.
        environments: what edges say, for nodes without a recipe; empty for build orders.
        graph: None for build orders.
    """

    nodes: Mapping[Pin, GraphNode]
    environments: Mapping[Pin, tuple[Pin, ...]]
    graph: DependencyGraph | None


def lock_from_graph(file: str) -> Lock:
    """Reads a graph.json, ours or Fromager's.

    Raises:
        InputError: it is none.
    """
    return lock_of_graph(read_graph(read_place(file), file))


def lock_of_graph(graph: DependencyGraph) -> Lock:
    """A graph as a lock."""
    nodes = {pin: graph.nodes[pin] for pin in build_order(graph)}
    bare = [pin for pin, node in nodes.items() if node.recipe is None and not node.pre_built]
    needs = build_needs(graph)
    return Lock(nodes, {pin: tuple(sorted(needs[pin])) for pin in bare}, graph)


def lock_from_build_order(file: str) -> Lock:
    """Reads a build-order.json, ours or Fromager's.

    Raises:
        InputError: it is none.
    """
    nodes = read_build_order(read_place(file), file)
    return Lock({node.pin: node for node in nodes}, {}, None)


def build_from_lock(
    settings: Settings,
    lock: Lock,
    strictness: Strictness,
    now: datetime,
    notify: Notify,
    stop: Event,
) -> LockBuilt:
    """Builds everything that a lock names, and writes the summaries.

    Raises:
        BuilderError: it could not be done at all; failed builds are in the result instead.
    """
    if not lock.nodes:
        raise InputError("the lock names no release", hint="is this the file of a bootstrap?")
    overrides = load_overrides(settings, notify)
    index = open_index(settings, overrides)
    timekeeper = Timekeeper(notify)
    with open_workshop(settings, stop, timekeeper) as shop:
        place = Place(settings, index, shop, overrides, timekeeper)
        world = LockedWorld(place, force=strictness.force)
        request = LockRequest(
            lock.nodes,
            lock.environments,
            tuple(lock.nodes),
            shop.target,
            shop.sandbox.image,
            shop.sandbox.agent.digest,
            world.budget,
            _extras(lock.graph),
            strictness.require_identical,
            strictness.test_mode,
            strictness.fail_fast,
        )
        if lock.graph is not None:
            _tell_other_target(lock.graph.built_for, world.built_for, notify)
        result = LockedBuild(request, world, world, stop).run()
    if lock.graph is not None:
        result = replace(result, chains=_chains(lock.graph, result.failures))
    write_summaries(settings, lock, result, now)
    with full_disk():
        write_build_times(settings.work_dir, timekeeper.timings)
    tell_unused_patches(overrides, lock.nodes.values(), notify)
    _complete(settings, lock, result, world.recorded, notify)
    if strictness.test_mode:
        write_report(settings, reported(result), now)
        _mark(settings, lock, result, world.recorded, strictness.marked)
    return result


def _tell_other_target(before: BuiltFor | None, now: BuiltFor, notify: Notify) -> None:
    """Warns where wheels can come out otherwise than the lock has them."""
    if before is None or before == now:
        return
    text = f"the lock was made for {_described(before)}, and is built for {_described(now)}"
    notify(Noted(f"{text}: wheels may be others", warning=True))


def _described(target: BuiltFor) -> str:
    image = target.image
    return (
        f"variant {target.variant} on {target.platform} in image {image.name} ({image.identifier})"
    )


def _extras(graph: DependencyGraph | None) -> dict[Pin, tuple[str, ...]]:
    """The extras of each release that some edge of the graph asks for."""
    asked: dict[Pin, set[str]] = {}
    for edge in graph.edges if graph is not None else ():
        with suppress(InvalidRequirement):
            asked.setdefault(edge.child, set()).update(Requirement(edge.requirement).extras)
    return {pin: tuple(sorted(extras)) for pin, extras in asked.items()}


def write_summaries(settings: Settings, lock: Lock, result: LockBuilt, now: datetime) -> None:
    """Leaves build-sequence-summary.json and .md in the work folder."""
    packages = []
    for pin, package in result.packages.items():
        if package.wheel is None:
            continue
        folder, name, digest = "downloads", package.wheel.filename, package.wheel.digest
        if package.foreign is not None:
            file = package.foreign.file
            folder, name, digest = "prebuilt", file.filename, file.digest or digest
        path = (settings.wheels_repo / folder / name).absolute()
        known = lock.nodes[pin].wheel
        packages.append(
            Summarized(
                pin,
                result.origins[pin].value,
                package.source_url,
                str(path),
                digest.sha256,
                known == package.wheel.digest if known is not None else None,
            )
        )
    with full_disk():
        folder_of_records = settings.work_dir
        publish_text(summary_json(packages), folder_of_records / "build-sequence-summary.json")
        publish_text(
            summary_markdown(packages, now), folder_of_records / "build-sequence-summary.md"
        )


def _complete(
    settings: Settings, lock: Lock, result: LockBuilt, recorded: Recorded, notify: Notify
) -> None:
    """A lock that knew no digests gets them; one that knew them stays as it is."""
    if lock.graph is None or result.failures:
        return
    if all(node.source is not None for node in lock.nodes.values()):
        return
    target: Path = settings.work_dir / "graph.json"
    with full_disk():
        completed = completed_graph(lock.graph, result.packages)
        publish_text(graph_json(recorded(completed)), target)
    notify(Noted(f"the lock knew no digests: {target} is the same with all of them"))


def _mark(
    settings: Settings, lock: Lock, result: LockBuilt, recorded: Recorded, prefix: str
) -> None:
    """Leaves the records that a bootstrap in test mode would have left."""
    if lock.graph is None:
        return
    graph = recorded(marked_graph(lock.graph, result.packages, result.replaced))
    with full_disk():
        publish_text(graph_json(graph), settings.work_dir / f"{prefix}graph.json")
        publish_text(build_order_json(graph), settings.work_dir / f"{prefix}build-order.json")


def _chains(
    graph: DependencyGraph, failures: Iterable[Failure]
) -> dict[Pin, tuple[Dependency, ...]]:
    """For each failed package, the shortest way to it from the request."""
    ways: dict[Pin | None, tuple[Dependency, ...]] = {None: ()}
    by_parent: dict[Pin | None, list[Dependency]] = {}
    for edge in graph.edges:
        by_parent.setdefault(edge.parent, []).append(edge)
    pending: list[Pin | None] = [None]
    for parent in pending:
        for edge in by_parent.get(parent, ()):
            if edge.child not in ways:
                ways[edge.child] = (*ways[parent], edge)
                pending.append(edge.child)
    return {failure.pin: ways.get(failure.pin, ()) for failure in failures}

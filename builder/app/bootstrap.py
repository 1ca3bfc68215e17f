"""Wires one bootstrap run together."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event

from packaging.utils import NormalizedName

from builder.app.commits import Commits, held_states
from builder.app.documents import read_place
from builder.app.emulation import Timekeeper, write_build_times
from builder.app.named_sources import NamedSources, Policy
from builder.app.natives import Cast, cast_of
from builder.app.overrides import load_overrides
from builder.app.reports import reported, write_report
from builder.app.repositories import Identification, Identified
from builder.app.requested import Requested, Wanted, open_index, read_requested, release_ages
from builder.app.settings import Settings
from builder.app.sourcing import open_repositories, with_origins
from builder.app.unused_patches import tell_unused_patches
from builder.app.workshop import Notify, Workshop, open_workshops
from builder.app.world import Place, World, full_disk
from builder.domain.graph import DependencyGraph
from builder.domain.releases import Pin
from builder.domain.repositories import AllowedRepositories
from builder.errors import InputError
from builder.indexes.simple import SimpleIndex
from builder.overrides.reading import Overrides
from builder.ports import Index
from builder.publish.files import publish_text
from builder.record.files import (
    build_order_json,
    constraints_text,
    graph_json,
    merged_constraints_text,
)
from builder.record.reading import read_graph
from builder.resolve.ages import exactly_named
from builder.resolve.constraints import merge_constraints
from builder.resolve.previous import PreviousChoices
from builder.resolve.requirements_file import parse_requirement
from builder.workflows.bootstrap import Bootstrap, Native
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.sandbox import Sandbox
from builder.workflows.solving import Rules
from builder.workflows.together import Together


@dataclass(frozen=True)
class Manner:
    """How a bootstrap is to go about it, apart from what is wanted.

    Attributes:
        previous: a graph.json, by path or URL, whose choices are kept where they may be.
        max_release_age: in days.
        seeds: `NAME==VERSION`, each a wheel of the index that cuts a ring of builds.
        same_versions: whether a project has one version in all variants of the run.
        native_pure: whether pure wheels are built natively for a variant that is emulated.
        allow_git: how the URLs of repositories begin that packages may name, beside those that
            the settings allow.
    """

    previous: str | None = None
    same_versions: bool = True
    native_pure: bool = True
    plan_only: bool = False
    skip_constraints: bool = False
    test_mode: bool = False
    every_version: bool = False
    fail_fast: bool = False
    max_release_age: int | None = None
    seeds: tuple[str, ...] = ()
    allow_git: tuple[str, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether what is there is recorded although something failed."""
        return self.test_mode or self.every_version


def bootstrap(
    variants: tuple[Settings, ...],
    wanted: Wanted,
    manner: Manner,
    now: datetime,
    notify: Callable[[str], Notify],
    stop: Event,
) -> Mapping[str, Bootstrapped]:
    """Rebuilds everything that is wanted, and writes the files that describe it.

    Args:
        variants: what the user chose, for each variant; they share all but its name and folders.
        wanted: what is to be rebuilt, for each of them.
        manner: how.
        now: what releases' ages are told from.
        notify: by variant, who hears of it.
        stop: is set when the run ends early.

    Returns:
        How it ended, by variant.

    Raises:
        BuilderError: it could not be done at all; failed builds are in the result instead.
    """
    first = variants[0]
    asked = tuple(settings.variant for settings in variants)
    plan = _Plan(
        read_requested(first, wanted),
        _previous(manner.previous),
        _seeds(manner.seeds),
        manner,
        now,
        stop,
    )
    opened: Callable[[tuple[str, ...]], Index] = functools.cache(SimpleIndex)
    cast = cast_of(variants, native_pure=manner.native_pure, notify=notify(first.variant))
    beginnings = {
        name: _begin(settings, plan.requested, opened, Timekeeper(notify(name)))
        for name, settings in cast.settings.items()
    }
    with (
        open_workshops(cast.settings, stop, lambda name: beginnings[name].notify) as shops,
        ExitStack() as open_now,
    ):
        shares: dict[str, _Share] = {}
        for name in cast.in_order:
            native = _native(cast, name, shares)
            alone = plan if name in asked else replace(plan, requested=_nothing(plan.requested))
            share = _share(alone, beginnings[name], shops[name], native)
            shares[name] = open_now.enter_context(share)
        told = {
            name: _with(shares[name].identified, Bootstrapped(None, (), (), {})) for name in asked
        }
        if not manner.test_mode and any(result.failures for result in told.values()):
            return told
        run = Together(
            {name: shares[name].part for name in cast.settings},
            shares[asked[0]].world.budget,
            stop,
            asked=asked,
            agree=manner.same_versions,
        )
        ended = run.run()
        results = {name: _with(shares[name].identified, ended[name]) for name in asked}
        for name, result in results.items():
            nodes = result.graph.nodes.values() if result.graph is not None else ()
            shares[name].world.settle(nodes)
    return {
        name: _recorded(shares[name], wanted, result, manner, now)
        for name, result in results.items()
    }


def _nothing(requested: Requested) -> Requested:
    """For a variant that only serves another: the same indexes and constraints."""
    return replace(requested, asked=(), repositories=())


def _native(cast: Cast, name: str, shares: Mapping[str, "_Share"]) -> "_Served | None":
    """Who builds pure wheels for a variant."""
    if name not in cast.native:
        return None
    other = cast.native[name]
    share = shares[other]
    return _Served(Native(other, share.part, share.world.built_for.image), share.shop.sandbox)


@dataclass(frozen=True)
class _Served:
    """What another variant does for one whose processor is emulated.

    Attributes:
        sandbox: prepares sources: nothing of them is run for that.
    """

    native: Native
    sandbox: Sandbox


@dataclass(frozen=True)
class _Plan:
    """What is the same for all variants of a run."""

    requested: Requested
    previous: DependencyGraph | None
    seeds: Mapping[NormalizedName, Pin]
    manner: Manner
    now: datetime
    stop: Event


@dataclass(frozen=True)
class _Beginning:
    """What of a variant is known before anything is opened for it."""

    settings: Settings
    overrides: Overrides
    usual: Index
    notify: Timekeeper


@dataclass(frozen=True)
class _Share:
    """A variant's part in a run."""

    beginning: _Beginning
    shop: Workshop
    identified: Identified
    rules: Rules
    world: World
    part: Bootstrap


def _begin(
    settings: Settings,
    requested: Requested,
    opened: Callable[[tuple[str, ...]], Index],
    notify: Timekeeper,
) -> _Beginning:
    overrides = load_overrides(settings, notify)
    usual = open_index(settings, overrides, requested.parsed, opened)
    return _Beginning(settings, overrides, usual, notify)


@contextmanager
def _share(
    plan: _Plan, beginning: _Beginning, shop: Workshop, served: _Served | None
) -> Iterator[_Share]:
    settings, overrides = beginning.settings, beginning.overrides
    requested, manner = plan.requested, plan.manner
    rules = Rules(
        merge_constraints(requested.parsed.constraints, shop.target.markers),
        shop.target,
        release_ages(settings, overrides, requested.asked, manner.max_release_age, plan.now),
        PreviousChoices(plan.previous),
        plan.seeds,
    )
    place = Place(
        settings,
        beginning.usual,
        shop,
        overrides,
        beginning.notify,
        hashes=requested.hashes,
        previous=plan.previous,
        preparing=None if served is None else served.sandbox,
    )
    allowed = AllowedRepositories.parse((*overrides.allowed_repositories, *manner.allow_git))
    commits = Commits(place, open_repositories(settings), held_states(plan.previous))
    policy = Policy(allowed, {}, goes_on=manner.test_mode)
    try:
        identified = Identification(place, commits, policy, rules, plan.stop).run(requested)
        releases = identified.releases
        named = NamedSources(commits, overrides, replace(policy, asked=releases))
        index = commits.on_top_of(beginning.usual, releases)
        world = World(replace(place, index=index, named=named, hashes=identified.hashes))
        request = _request(identified, rules, shop, world, manner)
        native = None if served is None else served.native
        part = Bootstrap(request, world, world, native)
        yield _Share(beginning, shop, identified, rules, world, part)
    finally:
        commits.forget_provisional()


def _recorded(
    share: _Share, wanted: Wanted, result: Bootstrapped, manner: Manner, now: datetime
) -> Bootstrapped:
    """The result as its files say it."""
    settings, overrides = share.beginning.settings, share.beginning.overrides
    if result.graph is not None:
        graph = share.world.recorded(with_origins(result.graph, overrides))
        result = replace(result, graph=graph)
    if result.graph is not None:
        tell_unused_patches(overrides, result.graph.nodes.values(), share.beginning.notify)
    _write_records(settings, wanted, result, share.rules, manner)
    with full_disk():
        write_build_times(settings.work_dir, share.beginning.notify.timings)
    if manner.test_mode:
        write_report(settings, reported(result), now)
    return result


def _with(identified: Identified, result: Bootstrapped) -> Bootstrapped:
    """The result of a run together with what it had to leave out."""
    return replace(
        result,
        failures=(*identified.failures, *result.failures),
        chains={**identified.chains, **result.chains},
        unresolved=(*identified.unresolved, *result.unresolved),
    )


def _request(
    identified: Identified, rules: Rules, shop: Workshop, world: World, manner: Manner
) -> Request:
    return Request(
        asked=identified.asked,
        rules=rules,
        image=shop.sandbox.image,
        sandbox=shop.sandbox.agent.digest,
        budget=world.budget,
        plan_only=manner.plan_only,
        every_version=manner.every_version,
        test_mode=manner.test_mode,
        fail_fast=manner.fail_fast,
    )


def _previous(file: str | None) -> DependencyGraph | None:
    return read_graph(read_place(file), file) if file is not None else None


def _seeds(texts: tuple[str, ...]) -> dict[NormalizedName, Pin]:
    seeds: dict[NormalizedName, Pin] = {}
    for text in texts:
        named = exactly_named([parse_requirement(text, "--seed")])
        if not named:
            raise InputError(f"--seed {text}: a seed is one release", hint="write NAME==VERSION")
        seeds.update({pin.name: pin for pin in named})
    return seeds


def _write_records(
    settings: Settings, wanted: Wanted, result: Bootstrapped, rules: Rules, manner: Manner
) -> None:
    """Whatever describes a run that got somewhere: constraints only where all of it is there."""
    folder, graph = settings.work_dir, result.graph
    with full_disk():
        if wanted.constraint_files:
            text = merged_constraints_text(wanted.constraint_files, _specifiers(rules))
            publish_text(text, folder / "merged-constraints.txt")
        if graph is None or (result.failures and not manner.goes_on):
            return
        publish_text(graph_json(graph), folder / "graph.json")
        publish_text(build_order_json(graph), folder / "build-order.json")
        complete = not result.failures and not result.unresolved
        if complete and not manner.skip_constraints and not manner.every_version:
            constraints = constraints_text(result.install_edges, graph)
            publish_text(constraints, folder / "constraints.txt")


def _specifiers(rules: Rules) -> dict[str, str]:
    return {name: str(constraint.specifier) for name, constraint in rules.constraints.items()}

"""Wires one bootstrap run together."""

from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event

from packaging.utils import NormalizedName

from builder.app.commits import Commits, held_states
from builder.app.documents import read_place
from builder.app.named_sources import NamedSources, Policy
from builder.app.overrides import load_overrides
from builder.app.reports import reported, write_report
from builder.app.repositories import Identification, Identified
from builder.app.requested import Wanted, open_index, read_requested, release_ages
from builder.app.settings import Settings
from builder.app.sourcing import open_repositories, with_origins
from builder.app.unused_patches import tell_unused_patches
from builder.app.workshop import Notify, Workshop, open_workshop
from builder.app.world import Place, World, full_disk
from builder.domain.graph import DependencyGraph
from builder.domain.releases import Pin
from builder.domain.repositories import AllowedRepositories
from builder.errors import InputError
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
from builder.workflows.bootstrap import Bootstrap
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.solving import Rules


@dataclass(frozen=True)
class Manner:
    """How a bootstrap is to go about it, apart from what is wanted.

    Attributes:
        previous: a graph.json, by path or URL, whose choices are kept where they may be.
        max_release_age: in days.
        seeds: `NAME==VERSION`, each a wheel of the index that cuts a ring of builds.
        allow_git: how the URLs of repositories begin that packages may name, beside those that
            the settings allow.
    """

    previous: str | None = None
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
    settings: Settings,
    wanted: Wanted,
    manner: Manner,
    now: datetime,
    notify: Notify,
    stop: Event,
) -> Bootstrapped:
    """Rebuilds everything that is wanted, and writes the files that describe it.

    Raises:
        BuilderError: it could not be done at all; failed builds are in the result instead.
    """
    requested = read_requested(settings, wanted)
    overrides = load_overrides(settings, notify)
    previous = _previous(manner.previous)
    seeds = _seeds(manner.seeds)
    usual = open_index(settings, overrides, requested.parsed)
    allowed = AllowedRepositories.parse((*overrides.allowed_repositories, *manner.allow_git))
    with open_workshop(settings, stop, notify) as shop:
        rules = Rules(
            merge_constraints(requested.parsed.constraints, shop.target.markers),
            shop.target,
            release_ages(settings, overrides, requested.asked, manner.max_release_age, now),
            PreviousChoices(previous),
            seeds,
        )
        place = Place(
            settings,
            usual,
            shop,
            overrides,
            notify,
            hashes=requested.hashes,
            previous=previous,
        )
        commits = Commits(place, open_repositories(settings), held_states(previous))
        policy = Policy(allowed, {}, goes_on=manner.test_mode)
        try:
            identified = Identification(place, commits, policy, rules, stop).run(requested)
            if identified.failures and not manner.test_mode:
                return Bootstrapped(None, (), identified.failures, identified.chains)
            releases = identified.releases
            named = NamedSources(commits, overrides, replace(policy, asked=releases))
            index = commits.on_top_of(usual, releases)
            place = replace(place, index=index, named=named, hashes=identified.hashes)
            world = World(place)
            request = _request(identified, rules, shop, world, manner)
            result = _with(identified, Bootstrap(request, world, world, stop).run())
            world.settle(result.graph.nodes.values() if result.graph is not None else ())
        finally:
            commits.forget_provisional()
    if result.graph is not None:
        result = replace(result, graph=with_origins(result.graph, overrides))
    if result.graph is not None:
        tell_unused_patches(overrides, result.graph.nodes.values(), notify)
    _write_records(settings, wanted, result, rules, manner)
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

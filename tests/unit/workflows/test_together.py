"""Several variants in one run agree on versions, and share what is the same for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Event

import pytest

from builder.domain.builds import Goal, Phase
from builder.domain.graph import BuiltIn, DependencyGraph
from builder.domain.images import TargetPython
from builder.domain.targets import target_python
from builder.errors import ImpossibleError
from builder.workflows.bootstrap import Bootstrap, Native
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.solving import Rules
from builder.workflows.together import Together
from tests.facts import DESCRIPTION, MARKERS, TARGET, pin
from tests.fakes.world import FakeWorld, Known, Package
from tests.unit.workflows.test_bootstrap import TREE, request

ARM = target_python(
    DESCRIPTION.model_copy(
        update={"platform": "linux-aarch64", "markers": {**MARKERS, "platform_machine": "arm"}}
    )
)
TARGETS = {"cpu": TARGET, "arm": ARM}
IMAGE = BuiltIn("cpu", "sha256:cpu")


def on(target: TargetPython, wanted: Request) -> Request:
    rules = Rules(wanted.rules.constraints, target)
    return replace(wanted, rules=rules, image=target.markers["platform_machine"])


def run(
    worlds: Mapping[str, FakeWorld], wanted: Request, *, agree: bool = True
) -> Mapping[str, Bootstrapped]:
    parts = {
        variant: Bootstrap(on(TARGETS[variant], wanted), world, world)
        for variant, world in worlds.items()
    }
    return Together(parts, wanted.budget, Event(), agree=agree).run()


def both(packages: Iterable[Package]) -> dict[str, FakeWorld]:
    every = tuple(packages)
    return {variant: FakeWorld(every) for variant in TARGETS}


def pins(result: Bootstrapped) -> list[str]:
    return [str(one) for one in graph(result).nodes]


def graph(result: Bootstrapped) -> DependencyGraph:
    assert result.graph is not None
    return result.graph


MACHINES = (
    Package(
        "app==1", ("lib<2; platform_machine == 'arm'", "lib", "only; platform_machine == 's390x'")
    ),
    Package("lib==1"),
    Package("lib==2"),
    Package("only==1"),
)


def test_a_version_that_one_variant_rules_out_is_taken_by_none() -> None:
    results = run(both(MACHINES), request("app"))

    assert pins(results["cpu"]) == ["app==1", "lib==1", "only==1"]
    assert pins(results["arm"]) == ["app==1", "lib==1"]


def test_variants_that_need_not_agree_take_the_newest_each() -> None:
    results = run(both(MACHINES), request("app"), agree=False)

    assert pins(results["cpu"]) == ["app==1", "lib==2", "only==1"]
    assert pins(results["arm"]) == ["app==1", "lib==1"]


def test_what_only_a_hook_of_one_variant_says_counts_for_all() -> None:
    def packages(*requires: str) -> tuple[Package, ...]:
        app = Package("app==1", requires, known=Known.HOOK)
        return (app, Package("lib==1"), Package("lib==2"))

    worlds = {"cpu": FakeWorld(packages("lib")), "arm": FakeWorld(packages("lib<2"))}

    results = run(worlds, request("app"))

    assert pins(results["cpu"]) == pins(results["arm"]) == ["app==1", "lib==1"]


def test_what_a_wheel_of_one_variant_says_otherwise_counts_for_all() -> None:
    def packages(*requires: str) -> tuple[Package, ...]:
        app = Package("app==1", requires, known=Known.INDEX, promised=("lib",))
        return (app, Package("lib==1"), Package("lib==2"))

    worlds = {"cpu": FakeWorld(packages("lib")), "arm": FakeWorld(packages("lib<2"))}

    results = run(worlds, request("app"))

    assert pins(results["cpu"]) == pins(results["arm"]) == ["app==1", "lib==1"]


def test_variants_that_cannot_agree_are_told_apart() -> None:
    packages = (
        Package("app==1", ("lib<2; platform_machine == 'arm'", "lib>1; platform_machine != 'arm'")),
        Package("lib==1"),
        Package("lib==2"),
    )

    with pytest.raises(ImpossibleError) as told:
        run(both(packages), request("app"))

    assert 'app==1 requires lib<2; platform_machine == "arm" (variant arm)' in told.value.message
    assert "cpu could have 2; arm could have 1" in told.value.message
    assert "--own-versions" in told.value.hint


def test_a_variant_that_fails_does_not_stop_another() -> None:
    broken = (*TREE[:3], Package("leaf==1", build=("setuptools<81",), fails=Phase.BUILD))
    sound = (*TREE[:3], Package("leaf==1", build=("setuptools<81",)))
    worlds = {"cpu": FakeWorld(broken), "arm": FakeWorld(sound)}

    results = run(worlds, request("leaf"))

    assert [str(one.pin) for one in results["cpu"].failures] == ["leaf==1"]
    assert pins(results["arm"]) == ["leaf==1", "setuptools==80"]
    assert not results["arm"].failures


def test_each_variant_ends_as_it_would_alone() -> None:
    together = run(both(TREE), request("app"))

    for variant in TARGETS:
        alone = run({variant: FakeWorld(TREE)}, request("app"))[variant]
        assert pins(together[variant]) == pins(alone)
        assert graph(together[variant]).edges == graph(alone).edges


def served(arm: FakeWorld, cpu: FakeWorld, wanted: Request) -> Bootstrapped:
    """A run for arm, whose pure wheels are built for the other processor."""
    native = Bootstrap(on(TARGET, replace(wanted, asked=())), cpu, cpu)
    emulated = Bootstrap(on(ARM, wanted), arm, arm, Native("cpu", native, IMAGE))
    parts = {"arm": emulated, "cpu": native}
    return Together(parts, wanted.budget, Event(), asked=("arm",)).run()["arm"]


def test_pure_wheels_are_built_natively_and_recorded_so() -> None:
    arm, cpu = FakeWorld(TREE), FakeWorld(TREE)

    result = served(arm, cpu, request("app"))

    assert Goal.WHEEL not in {spec.goal for spec in arm.specs}
    assert set(cpu.built_wheels) == set(arm.shared_wheels) == set(graph(result).nodes)
    assert {node.image for node in graph(result).nodes.values()} == {IMAGE}
    alone = run({"arm": FakeWorld(TREE)}, request("app"))["arm"]
    assert graph(result).edges == graph(alone).edges
    recipes = [
        {str(pin): node.recipe.system for pin, node in graph(it).nodes.items() if node.recipe}
        for it in (result, alone)
    ]
    assert recipes[0] == recipes[1]


def test_a_wheel_that_settings_make_another_one_is_built_under_emulation() -> None:
    arm, cpu = FakeWorld(TREE, settings="other"), FakeWorld(TREE)

    result = served(arm, cpu, request("leaf"))

    assert set(arm.built_wheels) == set(graph(result).nodes)
    assert not arm.shared_wheels


@pytest.mark.parametrize(
    ("variant", "asks", "shared"),
    [("arm", False, True), ("arm", True, False), ("cpu", True, True)],
)
def test_a_source_that_asks_for_its_variant_is_built_in_each(
    variant: str,
    *,
    asks: bool,
    shared: bool,
) -> None:
    arm, cpu = FakeWorld(TREE, variant=variant, asks_for_variant=asks), FakeWorld(TREE)

    served(arm, cpu, request("leaf"))

    assert bool(arm.shared_wheels) is shared


def test_what_fails_natively_is_built_under_emulation() -> None:
    broken = (*TREE[:3], Package("leaf==1", build=("setuptools<81",), fails=Phase.BUILD))
    sound = (*TREE[:3], Package("leaf==1", build=("setuptools<81",)))
    arm, cpu = FakeWorld(sound), FakeWorld(broken)

    result = served(arm, cpu, request("leaf"))

    assert arm.built_wheels == [pin("leaf==1")]
    assert not result.failures


def test_another_python_shares_nothing() -> None:
    arm, cpu = FakeWorld(TREE), FakeWorld(TREE)
    wanted = request("leaf")
    older = target_python(DESCRIPTION.model_copy(update={"cache_tag": "cpython-312"}))
    native = Bootstrap(on(older, replace(wanted, asked=())), cpu, cpu)
    emulated = Bootstrap(on(ARM, wanted), arm, arm, Native("cpu", native, IMAGE))

    Together({"arm": emulated, "cpu": native}, wanted.budget, Event(), asked=("arm",)).run()

    assert not cpu.built_wheels
    assert arm.built_wheels

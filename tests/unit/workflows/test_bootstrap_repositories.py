"""A bootstrap with a release that is a commit: what may stand in for it, and what it is called."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from builder.domain.builds import Phase
from builder.domain.digests import Digest
from builder.domain.graph import DependencyGraph
from builder.domain.metadata import ReleaseMetadata
from builder.domain.releases import Candidate, NoSuchProject, ProjectPage
from builder.domain.repositories import GitReference
from builder.errors import ImpossibleError
from builder.indexes.with_repositories import IndexWithRepositories, packed_file
from builder.resolve.problem import Asked
from builder.schedule.budget import Budget
from builder.stores.files import FileStore
from builder.workflows.agent import Agent
from builder.workflows.locks import LockBuilt
from builder.workflows.runs import Bootstrapped, Request
from builder.workflows.sandbox import Room, Sandbox
from builder.workflows.solving import Rules
from builder.workflows.sources import SourceFolders, Sources
from tests.facts import TARGET, pin, wheel
from tests.fakes.engine import FakeEngine, Stage
from tests.fakes.index import FakeIndex
from tests.fakes.repositories import FakeRepositories
from tests.fakes.world import FakeWorld, Known, Package, alone, bootstrapped
from tests.unit.workflows.test_locked import LockWorld, build, lock_request, without_recipes

COMMIT = GitReference("https://git.example/lib", "1" * 40)
PROVISIONAL = pin(f"lib==0+git.{'1' * 12}")


@dataclass
class _World(FakeWorld):
    from_repositories: frozenset[str] = field(default_factory=frozenset)

    def page(self, name: NormalizedName) -> ProjectPage | NoSuchProject:
        page = super().page(name)
        if name not in self.from_repositories or isinstance(page, NoSuchProject):
            return page
        changed = tuple(
            replace(one, sdist=packed_file(one.pin, COMMIT, one.sdist.digest))
            for one in page.candidates
        )
        return replace(page, candidates=changed)


def request(*asked: str) -> Request:
    return Request(
        asked=tuple(Asked(Requirement(one), "the command line") for one in asked),
        rules=Rules({}, TARGET),
        image="sha256:image",
        sandbox=Digest.of_bytes(b"agent"),
        budget=Budget(1, 1, 64.0),
    )


def candidate(digest: Digest | None = None) -> Candidate:
    file = packed_file(PROVISIONAL, COMMIT, digest or Digest("0" * 64))
    return Candidate(PROVISIONAL, file, (), SpecifierSet(), None, COMMIT.url)


def metadata(packages: Iterable[Package]) -> ReleaseMetadata | Bootstrapped:
    world = _World(packages)
    bootstrap = alone(request(), world)
    return bootstrap.metadata(candidate(), f"lib @ {COMMIT}")


def test_a_wheel_from_a_server_does_not_stand_in_for_a_commit() -> None:
    cached = {pin("app==1"): wheel("app==1"), pin("lib==2"): wheel("lib==2")}
    packages = (Package("app==1", ("lib",)), Package("lib==2"))
    named = {str(COMMIT): "lib==2"}
    world = _World(
        packages, cached_wheels=cached, from_repositories=frozenset({"lib"}), commits=named
    )

    result = bootstrapped(request("app", f"lib @ {COMMIT}"), world)

    assert world.built_wheels == [pin("lib==2")]
    assert result.graph is not None
    assert result.graph.nodes[pin("lib==2")].source_url == str(COMMIT)


def test_the_hook_of_a_commit_is_asked_with_what_its_build_needs() -> None:
    tool = Package("tool==1")
    found = metadata((tool, Package(str(PROVISIONAL), build=("tool",), known=Known.HOOK)))

    assert isinstance(found, ReleaseMetadata)
    assert found.pin == PROVISIONAL


def test_a_hook_that_fails_is_told_with_the_line_that_leads_to_it() -> None:
    broken = Package(str(PROVISIONAL), known=Known.HOOK, fails=Phase.HOOKS)
    tool = Package("tool==1", fails=Phase.BUILD)
    waiting = Package(str(PROVISIONAL), build=("tool",), known=Known.HOOK)

    alone, with_tool = metadata((broken,)), metadata((tool, waiting))

    assert isinstance(alone, Bootstrapped)
    assert [failure.pin for failure in alone.failures] == [PROVISIONAL]
    assert [e.requirement for e in alone.chains[PROVISIONAL]] == [f"lib @ {COMMIT}"]
    assert isinstance(with_tool, Bootstrapped)
    assert [e.child for e in with_tool.chains[tool.pin]] == [PROVISIONAL, tool.pin]


def test_backends_are_told_a_release_and_nothing_provisional(tmp_path: Path) -> None:
    told: list[object] = []

    def prepare(stage: Stage) -> int:
        told.append(json.loads((stage.folder("/in") / "task.json").read_text())["stub"])
        answer = {"status": "prepared", "pyproject": None, "pkg_info": None, "has_setup": True}
        stage.write("/out/result.json", json.dumps(answer).encode())
        stage.write("/out/source.tar.gz", b"")
        return 0

    agent = Agent(tmp_path, Digest.of_bytes(b"agent"))
    room = Room("sha256:0", "python3", tmp_path / "scratch", {"builder.run": "1"})
    sources = Sources(
        IndexWithRepositories(FakeIndex(), FakeRepositories({}), {}),
        FileStore(tmp_path / "store"),
        Sandbox(FakeEngine(prepare), agent, room, Event()),
        SourceFolders(tmp_path / "down", tmp_path / "built", tmp_path / "logs"),
        {},
        lambda _event: None,
    )
    for release in (PROVISIONAL, pin("lib==2.0")):
        file = packed_file(release, COMMIT)
        digest = Digest.of_bytes(f"{file.filename.removesuffix('.tar.gz')} of {COMMIT}".encode())
        sources.source(replace(candidate(), pin=release, sdist=replace(file, digest=digest)))

    assert told == [None, {"name": "lib", "version": "2.0"}]


URL = "git+https://git.example/lib@v2"
LIB = f"lib @ {URL}"


def run(world: FakeWorld, wanted: Request) -> Bootstrapped:
    return bootstrapped(wanted, world)


def built(result: Bootstrapped) -> dict[str, str]:
    assert result.graph is not None, result.failures
    return {str(one): node.source_url for one, node in result.graph.nodes.items()}


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("plan_only", [True, False])
def test_a_repository_that_a_package_names_is_built(workers: int, *, plan_only: bool) -> None:
    packages = (Package("app==1", (LIB,)), Package("lib==2", ("below",)), Package("below==1"))
    wanted = replace(request("app"), budget=Budget(workers, 1, 64.0), plan_only=plan_only)

    result = run(FakeWorld(packages, commits={URL: "lib==2"}), wanted)

    assert built(result)["lib==2"] == URL
    assert result.graph is not None
    assert [e.requirement for e in result.graph.edges if e.child == pin("lib==2")] == [LIB]
    assert result.graph.nodes[pin("lib==2")].requires == ("below",)


@pytest.mark.parametrize("as_hook", [False, True])
def test_a_repository_may_be_what_a_build_needs(*, as_hook: bool) -> None:
    app = Package("app==1", hook=(LIB,)) if as_hook else Package("app==1", build=(LIB,))
    packages = (app, Package("lib==2"), Package("lib==3"))

    result = run(FakeWorld(packages, commits={URL: "lib==2"}), request("app", "lib"))

    assert set(built(result)) == {"app==1", "lib==2", "lib==3"}
    assert built(result)["lib==2"] == URL


def test_a_repository_that_may_not_be_named_is_told_with_who_names_it() -> None:
    world = FakeWorld((Package("top==1", ("app",)), Package("app==1", (LIB,))))

    with pytest.raises(ImpossibleError) as caught:
        run(world, request("top"))
    needed = run(FakeWorld((Package("app==1", build=(LIB,)),)), request("app"))

    assert f"the command line -> top==1 -> app==1 requires {LIB}" in str(caught.value)
    assert caught.value.hint == "allow it"
    (failure,) = needed.failures
    assert failure.pin == pin("app==1")
    assert f"app==1 requires {LIB}; {LIB} may not be used" in failure.reason
    assert failure.hint == "allow it"


def test_in_test_mode_whatever_leads_to_such_a_repository_is_unresolved() -> None:
    world = FakeWorld((Package("app==1", (LIB,)), Package("other==1")))

    result = run(world, replace(request("app", "other"), test_mode=True))

    assert set(built(result)) == {"other==1"}
    ((one),) = result.unresolved
    assert str(one.asked.requirement) == "app"
    assert f"{LIB} may not be used" in one.reason


def test_hooks_tell_what_a_named_repository_holds() -> None:
    of = f"lib==0+git.{'1' * 12}"
    packages = (
        Package("tool==1"),
        Package("app==1", (LIB,)),
        Package(of, build=("tool",), known=Known.HOOK, told="lib==2.dev3"),
        Package("lib==2.dev3", build=("tool",)),
    )

    result = run(FakeWorld(packages, commits={URL: of}), request("app"))

    assert set(built(result)) == {"app==1", "lib==2.dev3", "tool==1"}
    assert built(result)["lib==2.dev3"] == URL


def test_hooks_that_cannot_tell_are_told_with_the_chain_to_the_repository() -> None:
    of = f"lib==0+git.{'1' * 12}"
    broken = Package(of, known=Known.HOOK, fails=Phase.HOOKS)

    result = run(FakeWorld((Package("app==1", (LIB,)), broken), commits={URL: of}), request("app"))

    assert result.graph is None
    assert [str(failure.pin) for failure in result.failures] == [of]
    assert [e.requirement for e in result.chains[pin(of)]] == ["app", LIB]


@pytest.mark.parametrize("workers", [1, 4])
def test_one_version_from_two_places_is_impossible(workers: int) -> None:
    packages = (Package("app==1", (LIB,)), Package("tool==1", build=("lib<3",)), Package("lib==2"))
    wanted = replace(request("app", "tool"), budget=Budget(workers, 1, 64.0))

    with pytest.raises(ImpossibleError) as caught:
        run(FakeWorld(packages, commits={URL: "lib==2"}), wanted)

    assert "lib==2 cannot be two things at once" in str(caught.value)
    assert f"app==1 -> {LIB}" in str(caught.value)
    assert "ask for lib @ git+… yourself" in caught.value.hint


def test_a_repository_whose_build_needs_itself_is_a_ring() -> None:
    of = f"lib==0+git.{'1' * 12}"
    packages = (Package("app==1", (LIB,)), Package(of, build=("app",), known=Known.HOOK))

    with pytest.raises(ImpossibleError, match="in a ring") as caught:
        run(FakeWorld(packages, commits={URL: of}), request("app"))

    assert LIB in str(caught.value)


def test_every_version_follows_repositories_too() -> None:
    packages = (
        Package("app==1", ("lib>=1",)),
        Package("app==2", (LIB,)),
        Package("lib==1"),
        Package("lib==2.5"),
    )
    wanted = replace(request("app"), every_version=True)
    world = FakeWorld(packages, commits={URL: "lib==2.5"})
    clashing = FakeWorld(packages, commits={})

    with pytest.raises(ImpossibleError, match="two things"):
        run(world, wanted)
    with pytest.raises(ImpossibleError, match="may not be used"):
        run(clashing, wanted)
    alone = run(world, replace(wanted, asked=request("app>1").asked))

    assert built(alone)["lib==2.5"] == URL


LOCKED = f"{URL[:-3]}@{'2' * 40}"


def locked(source_url: str, *, recipes: bool) -> LockBuilt:
    """A build from a lock in which `lib` comes from a place."""
    packages = (Package("app==1", build=(LIB,)), Package("lib==2"))
    world = FakeWorld(packages, commits={URL: "lib==2"})
    graph = run(world, replace(request("app"), plan_only=True)).graph
    assert graph is not None
    nodes = {of: replace(node, source_url=source_url) for of, node in graph.nodes.items()}
    graph = DependencyGraph(nodes, graph.edges)
    wanted = lock_request(graph if recipes else without_recipes(graph))
    return build(LockWorld(packages), replace(wanted, environments={}))


@pytest.mark.parametrize("recipes", [True, False])
def test_a_lock_holds_what_is_named(*, recipes: bool) -> None:
    result = locked(LOCKED, recipes=recipes)

    assert result.failures == ()
    assert set(map(str, result.packages)) == {"app==1", "lib==2"}


def test_a_lock_that_holds_something_else_of_that_name_is_no_place_to_build_from() -> None:
    result = locked("https://files.index.example/lib-2.tar.gz", recipes=False)

    (failure,) = result.failures
    assert failure.pin == pin("app==1")
    assert f"{LIB} is not in the lock before app==1" in failure.reason
    assert failure.hint == "make the lock anew, by `builder bootstrap --sdist-only`"

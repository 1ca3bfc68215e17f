"""Files of Fromager's are read here and ours by Fromager, each by the other's own commands.

Both discover the same small tree from the same index, and both really build what the other found.
Fromager runs its builds on this host: the packages are made here, and do no harm.
What is only read is read once, and what is built here is built on each engine.

One command is not compared: `build-order as-csv` of this Fromager fails on its own files, too.
"""

import csv
import io
import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.domain.digests import Digest
from tests.index_server import IndexServer, index_server
from tests.system import fromager as theirs
from tests.system.conftest import ENGINES, Program
from tests.system.fromager import Fromager
from tests.system.sdists import Package
from tests.system.test_locks import wheel_server

pytestmark = [pytest.mark.engine, pytest.mark.image, pytest.mark.once]

WHEELS = [
    "application-1.0-0-py3-none-any.whl",
    "library-2.0-0-py3-none-any.whl",
    "one_file-1.0-0-py3-none-any.whl",
    "plug_in-1.0-0-py3-none-any.whl",
    "plug_in_base-1.0-0-py3-none-any.whl",
    "speedup-1.0-0-py3-none-any.whl",
]
BOUGHT = "bought-1.0-py3-none-any.whl"
NODE_FIELDS = ("download_url", "pre_built", "version", "canonicalized_name", "constraint")
ENTRY_FIELDS = (
    "req",
    "constraint",
    "dist",
    "version",
    "prebuilt",
    "source_url",
    "source_url_type",
)

Edge = tuple[str, str, str]
Graph = dict[str, tuple[tuple[object, ...], frozenset[Edge]]]


@dataclass(frozen=True)
class Discovered:
    """What a program left of a discovery."""

    graph: Path
    build_order: Path
    constraints: Path


def a_tree(salt: str) -> tuple[Package, ...]:
    """Packages that have among them every kind of requirement; `bought` is not built."""
    return (
        Package("one-file", backend="", salt=salt),
        Package("plug-in-base", salt=salt),
        Package("plug-in", salt=salt, requires=("plug-in-base",)),
        Package("speedup", salt=salt),
        Package("speedup", "2.0", salt=salt),
        Package("library", salt=salt),
        Package("library", "2.0", salt=salt, dynamic=True, requires=('speedup; extra == "fast"',)),
        Package(
            "application",
            salt=salt,
            requires=("library[fast]>=1", "bought", 'absent; python_version < "3"'),
            hook_requires=("plug-in",),
        ),
        Package("cautious", salt=salt, requires=("library<2",)),
    )


@pytest.fixture(scope="module")
def published() -> Iterator[IndexServer]:
    """The index that has the tree, for all tests."""
    salt = secrets.token_hex(8)
    with index_server() as index:
        for package in a_tree(salt):
            index.publish(package.name, package.filename, package.sdist())
        bought = Package("bought", salt=salt)
        index.publish(bought.name, bought.wheel_filename, bought.wheel())
        yield index


@pytest.fixture(scope="module")
def settings(published: IndexServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of the packages, for both: one is pre-built, all come from the index."""
    folder = tmp_path_factory.mktemp("overrides") / "settings"
    folder.mkdir()
    for package in a_tree(""):
        name = package.name.replace("-", "_")
        text = f"resolver_dist:\n  sdist_server_url: {published.url}\n"
        (folder / f"{name}.yaml").write_text(text)
    pre_built = f"pre_built: true\n    wheel_server_url: {published.url}"
    (folder / "bought.yaml").write_text(f"variants:\n  cpu:\n    {pre_built}\n")
    return folder


@pytest.fixture(scope="module")
def limits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limits") / "constraints.txt"
    path.write_text("speedup<2\n")
    return path


@pytest.fixture(scope="module")
def fromager(installed: Path, settings: Path) -> Fromager:
    return Fromager(installed, settings)


def discovered_by(fromager: Fromager, limits: Path, folder: Path, *requirements: str) -> Discovered:
    fromager.run(folder, "-c", str(limits), "bootstrap", "--sdist-only", *requirements)
    return left_in(folder)


def left_in(folder: Path) -> Discovered:
    work = folder / "work-dir"
    return Discovered(work / "graph.json", work / "build-order.json", work / "constraints.txt")


@pytest.fixture(scope="module")
def fromagers(
    fromager: Fromager, limits: Path, tmp_path_factory: pytest.TempPathFactory
) -> Discovered:
    """What Fromager discovered, building what it needed for that."""
    folder = tmp_path_factory.mktemp("fromagers") / "output"
    return discovered_by(fromager, limits, folder, "application")


@pytest.fixture(scope="module")
def fromagers_split(
    fromager: Fromager, limits: Path, tmp_path_factory: pytest.TempPathFactory
) -> Discovered:
    """The same with a project in two versions, which Fromager chooses one by one."""
    folder = tmp_path_factory.mktemp("split") / "output"
    return discovered_by(fromager, limits, folder, "application", "cautious")


@pytest.fixture(scope="module")
def built(
    published: IndexServer,
    settings: Path,
    limits: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    """What was discovered and built here."""
    program = Program(first_engine(), published, tmp_path_factory.mktemp("built") / "output")
    common = ("--settings-dir", str(settings), "-c", str(limits))
    done = program.run("bootstrap", *common, "application")
    assert done.status == 0, done.stderr
    assert program.wheels() == WHEELS
    return program


@pytest.fixture(params=["ours", "Fromager's"])
def graph(request: pytest.FixtureRequest, built: Program, fromagers_split: Discovered) -> Path:
    """A graph of either program's."""
    return built.graph if request.param == "ours" else fromagers_split.graph


@pytest.fixture
def here(published: IndexServer, tmp_path: Path) -> Program:
    return Program(first_engine(), published, tmp_path / "here")


@pytest.fixture
def rebuilder(engine: str, published: IndexServer, tmp_path: Path) -> Program:
    return Program(engine, published, tmp_path / "here")


def first_engine() -> str:
    return str(ENGINES[0].values[0])


def answer(program: Program, settings: Path, *words: str) -> str:
    done = program.run(*words, "--settings-dir", str(settings))
    assert done.status == 0, done.stderr
    return done.stdout


def as_fromager_sees(graph: Path) -> Graph:
    """A graph without whatever Fromager passes over, without order, and each edge once."""
    nodes = json.loads(graph.read_text())
    return {
        key: (
            tuple(node[field] for field in NODE_FIELDS),
            frozenset((edge["key"], edge["req_type"], edge["req"]) for edge in node["edges"]),
        )
        for key, node in nodes.items()
    }


def said_by_wheel(program: Program, settings: Path, wheel: Path) -> dict[str, Any]:
    """What a wheel says of its build, but for fields of settings that make no difference to it."""
    said = json.loads(answer(program, settings, "wheel", "show", "--json", str(wheel)))
    assert isinstance(said, dict)
    del said["settings"]
    return said


def without_sdist_builds(graph: Graph) -> Graph:
    """Without edges of a kind that only Fromager has: it asks the same hook a second time."""
    return {
        key: (fields, frozenset(edge for edge in edges if edge[1] != "build-sdist"))
        for key, (fields, edges) in graph.items()
    }


def entries(build_order: Path) -> list[tuple[object, ...]]:
    order = json.loads(build_order.read_text())
    return sorted(tuple(entry[field] for field in ENTRY_FIELDS) for entry in order)


def summary(folder: Path) -> list[dict[str, Any]]:
    records = json.loads((folder / "work-dir/build-sequence-summary.json").read_text())
    assert isinstance(records, list)
    return records


def last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1] if text else ""


def wheels(folder: Path) -> dict[str, Digest]:
    found = (folder / "wheels-repo/downloads").glob("*.whl")
    return {path.name: Digest.of_file(path) for path in sorted(found)}


def test_both_discover_the_same(built: Program, fromagers: Discovered) -> None:
    ours = left_in(built.output)

    found = as_fromager_sees(fromagers.graph)
    kinds = {kind for _, edges in found.values() for _, kind, _ in edges}
    assert kinds == {"toplevel", "install", "build-system", "build-backend", "build-sdist"}
    assert as_fromager_sees(ours.graph) == without_sdist_builds(found)
    assert entries(ours.build_order) == entries(fromagers.build_order)
    assert ours.constraints.read_text() == fromagers.constraints.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("one-file", "--depth=-1"),
        ("library", "--version=2.0"),
        ("plug-in", "--requirement-type=build-backend"),
    ],
    ids=" ".join,
)
def test_both_say_the_same_reasons(
    words: tuple[str, ...],
    graph: Path,
    here: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    printed = fromager.run(tmp_path, "graph", "why", str(graph), *words)
    told = json.loads(answer(here, settings, "graph", "why", str(graph), *words, "--json"))

    expected = theirs.reasons(printed)
    assert expected
    assert expected == {
        (reason["req_type"], reason["parent"], reason["req"])
        for package in told
        for reason in package["reasons"]
    }


def test_both_make_the_same_constraints(
    graph: Path,
    fromagers_split: Discovered,
    here: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    """But for what nobody needs any more once one of two versions was chosen: we leave it out."""
    needless = {"speedup==1.0"} if graph == fromagers_split.graph else set()

    printed = fromager.run(tmp_path, "graph", "to-constraints", str(graph))
    told = answer(here, settings, "graph", "to-constraints", str(graph))

    expected = theirs.constraints(printed)
    assert len(expected) >= 4
    assert theirs.constraints(told) == [line for line in expected if line not in needless]
    assert needless <= set(expected)


def test_both_explain_the_same_duplicates(
    graph: Path,
    fromagers_split: Discovered,
    here: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    printed = fromager.run(tmp_path, "graph", "explain-duplicates", str(graph))
    told = json.loads(answer(here, settings, "graph", "explain-duplicates", str(graph), "--json"))

    expected = theirs.duplicates(printed)
    assert list(expected) == (["library"] if graph == fromagers_split.graph else [])
    assert expected == {
        one["package"]: (
            set(one["versions"]),
            {(demand["req"], by) for demand in one["demands"] for by in demand["by"]},
            one["usable"][-1] if one["usable"] else None,
        )
        for one in told
    }


@pytest.mark.parametrize("words", [(), ("--install-only",)], ids=["all", "installed"])
def test_both_draw_the_same(
    words: tuple[str, ...],
    graph: Path,
    here: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    printed = fromager.run(tmp_path, "graph", "to-dot", *words, str(graph))
    told = answer(here, settings, "graph", "to-dot", *words, str(graph))

    nodes, arrows = theirs.drawing(printed)
    assert nodes["bought==1.0"][0] == "parallelogram"
    assert ("application==1.0", "library==2.0", False) in arrows
    assert theirs.drawing(told) == (nodes, arrows)


def test_both_cut_out_the_same_part(
    graph: Path, here: Program, settings: Path, fromager: Fromager, tmp_path: Path
) -> None:
    by_them, by_us = tmp_path / "theirs.json", tmp_path / "ours.json"

    fromager.run(tmp_path, "graph", "subset", str(graph), "library", "-o", str(by_them))
    answer(here, settings, "graph", "subset", str(graph), "library", "-o", str(by_us))

    assert "speedup==1.0" in as_fromager_sees(by_them)
    assert "plug-in==1.0" not in as_fromager_sees(by_them)
    assert as_fromager_sees(by_us) == as_fromager_sees(by_them)


def test_both_see_the_same_builds_ready_at_the_same_time(
    graph: Path, here: Program, settings: Path, fromager: Fromager, tmp_path: Path
) -> None:
    printed = fromager.run(tmp_path, "graph", "build-graph", str(graph))
    told = json.loads(answer(here, settings, "graph", "build-graph", str(graph), "--json"))

    needed, in_rounds = theirs.rounds(printed)
    assert needed == {pin for build in told["builds"] for pin in build["needs"]}
    assert told["pre_built"] == ["bought==1.0"]
    assert [one - {"bought==1.0"} for one in in_rounds] == [
        {build["package"] for build in told["builds"] if build["depth"] == depth}
        for depth in range(len(in_rounds))
    ]


def test_both_turn_an_old_graph_into_the_same(
    graph: Path, here: Program, settings: Path, fromager: Fromager, tmp_path: Path
) -> None:
    nodes = json.loads(graph.read_text())
    old = {
        key: [(edge["req_type"], *edge["key"].split("=="), edge["req"]) for edge in node["edges"]]
        for key, node in nodes.items()
    }
    by_them, by_us, written = (tmp_path / name for name in ("theirs.json", "ours.json", "old.json"))
    written.write_text(json.dumps(old))

    fromager.run(tmp_path, "graph", "migrate-graph", str(written), "-o", str(by_them))
    answer(here, settings, "graph", "migrate-graph", str(written), "-o", str(by_us))

    assert len(as_fromager_sees(by_them)) == len(nodes)
    assert as_fromager_sees(by_us) == as_fromager_sees(by_them)


def test_both_keep_the_same_requirements(
    graph: Path, here: Program, settings: Path, fromager: Fromager, tmp_path: Path
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("application\nspeedup\nbought\nlibrary==2.0\n")

    printed = fromager.run(tmp_path, "minimize", str(requirements), str(graph))
    told = answer(here, settings, "minimize", str(requirements), str(graph))

    assert printed.split() == ["application", "library==2.0"]
    assert told.split() == printed.split()


def test_both_compare_build_orders_alike(
    built: Program,
    fromagers_split: Discovered,
    here: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    """Of two versions in one file Fromager tells the last, and we tell both."""
    files = [str(built.build_order), str(fromagers_split.build_order)]

    printed = fromager.run(tmp_path, "build-order", "summary", *files)
    told = answer(here, settings, "build-order", "summary", *files)
    listed = answer(here, settings, "build-order", "as-csv", files[1])

    expected = list(csv.reader(io.StringIO(printed)))[1:]
    found = list(csv.reader(io.StringIO(told)))[1:]
    assert [row[0] for row in expected if row[-1] == "False"] == ["library"]
    assert [[row[0].replace("-", "_"), *map(last_word, row[1:])] for row in found] == expected
    assert len(list(csv.reader(io.StringIO(listed)))) == 1 + len(
        entries(fromagers_split.build_order)
    )


def test_fromager_counts_our_wheels_as_built(
    built: Program, published: IndexServer, fromager: Fromager, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built.output, folder, symlinks=True)
    before = wheels(folder)
    asked = len(published.seen)

    fromager.run(folder, "build-sequence", str(built.build_order))

    records = summary(folder)
    order = json.loads(built.build_order.read_text())
    assert [record["name"] for record in records] == [entry["dist"] for entry in order]
    assert {record["skipped"] for record in records} == {True}
    assert [path for path in published.paths()[asked:] if path.endswith(".tar.gz")] == []
    after = wheels(folder)
    assert {name: after[name] for name in before} == before


def test_fromager_takes_wheels_from_our_server(
    built: Program, fromager: Fromager, tmp_path: Path
) -> None:
    folder = tmp_path / "borrower"

    with wheel_server(built) as url:
        fromager.run(folder, "build-sequence", "-c", url, str(built.build_order))

    assert {record["skipped"] for record in summary(folder) if not record["prebuilt"]} == {True}
    assert sorted(wheels(folder)) == sorted([*WHEELS, BOUGHT])
    lent = wheels(built.output)
    assert {name: digest for name, digest in wheels(folder).items() if name in lent} == lent


def test_fromager_takes_build_requirements_from_our_wheels(
    built: Program,
    published: IndexServer,
    fromagers: Discovered,
    fromager: Fromager,
    limits: Path,
    tmp_path: Path,
) -> None:
    asked = len(published.seen)

    with wheel_server(built) as url:
        fromager.run(tmp_path, "-c", str(limits), "bootstrap", "-c", url, "application")

    assert as_fromager_sees(left_in(tmp_path).graph) == as_fromager_sees(fromagers.graph)
    assert [path for path in published.paths()[asked:] if path.endswith(".tar.gz")] == []


@pytest.mark.parametrize("command", ["build-sequence", "build-parallel"])
def test_fromager_builds_what_was_discovered_here(
    command: str,
    built: Program,
    here: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    """And its wheels say of their builds what ours say."""
    folder = tmp_path / "anew"
    file = built.build_order if command == "build-sequence" else built.graph

    fromager.run(folder, command, str(file))

    assert sorted(wheels(folder)) == sorted([*WHEELS, BOUGHT])
    assert [record["name"] for record in summary(folder) if record["prebuilt"]] == ["bought"]
    assert {record["skipped"] for record in summary(folder) if not record["prebuilt"]} == {False}
    by_us = said_by_wheel(here, settings, built.output / "wheels-repo/downloads" / WHEELS[0])
    assert said_by_wheel(here, settings, folder / "wheels-repo/downloads" / WHEELS[0]) == by_us
    assert by_us["build_backend_requires"] == ["plug-in"]


def test_fromager_fetches_the_sources_of_our_build_order(
    built: Program, published: IndexServer, fromager: Fromager, tmp_path: Path
) -> None:
    fromager.run(tmp_path, "download-sequence", str(built.build_order), published.url)

    there, here = (it / "sdists-repo/downloads" for it in (tmp_path, built.output))
    fetched = {path.name: path.read_bytes() for path in there.iterdir()}
    assert fetched == {path.name: path.read_bytes() for path in here.iterdir()}
    assert len(fetched) == len(WHEELS)


def test_fromager_keeps_to_the_versions_of_our_graph(
    built: Program, fromager: Fromager, tmp_path: Path
) -> None:
    fromager.run(tmp_path, "bootstrap", "--sdist-only", "-p", str(built.graph), "application")

    assert "speedup==1.0" in left_in(tmp_path).constraints.read_text().split()


def test_versions_of_fromagers_graph_are_kept_here(
    fromagers: Discovered, here: Program, settings: Path
) -> None:
    keeping = ("-p", str(fromagers.graph), "--settings-dir", str(settings))

    done = here.run("bootstrap", "--sdist-only", *keeping, "application")

    assert done.status == 0, done.stderr
    assert "speedup==1.0" in left_in(here.output).constraints.read_text().split()


def test_a_graph_of_fromagers_is_sound_and_lacks_digests(
    fromagers: Discovered, here: Program, settings: Path
) -> None:
    found = json.loads(answer(here, settings, "graph", "check", str(fromagers.graph), "--json"))

    assert {finding["severity"] for finding in found} == {"warning"}
    assert {finding["problem"] for finding in found} == {
        "no recorded build environment",
        "no source digest",
        "pre-built",
    }


def test_a_graph_of_fromagers_is_built_and_completed_here(
    fromagers: Discovered,
    published: IndexServer,
    rebuilder: Program,
    settings: Path,
    fromager: Fromager,
    tmp_path: Path,
) -> None:
    common = ("--settings-dir", str(settings))

    done = rebuilder.run("build-parallel", "--no-cache", str(fromagers.graph), *common)
    assert done.status == 0, done.stderr
    completed = rebuilder.graph.read_bytes()
    again = rebuilder.run("build-parallel", "--no-cache", str(rebuilder.graph), *common)

    assert rebuilder.wheels() == WHEELS
    assert as_fromager_sees(rebuilder.graph) == as_fromager_sees(fromagers.graph)
    for key, node in json.loads(completed).items():
        if not key:
            continue
        source = published.content("/files/" + node["download_url"].rpartition("/")[2])
        assert source is not None
        assert node["source_sha256"] == Digest.of_bytes(source[1]).sha256
        assert (
            node["pre_built"]
            or node["wheel_sha256"] == wheels(rebuilder.output)[node["wheel"]].sha256
        )
        assert node["pre_built"] or "build_environment" in node
    assert again.status == 0, again.stderr
    assert again.begun == []
    assert rebuilder.graph.read_bytes() == completed
    fromager.run(tmp_path, "graph", "subset", str(rebuilder.graph), "bought")


def test_a_build_order_of_fromagers_is_built_here(
    fromagers_split: Discovered, rebuilder: Program, settings: Path
) -> None:
    order = ("build-sequence", str(fromagers_split.build_order), "--settings-dir", str(settings))

    done = rebuilder.run(*order)

    assert done.status == 0, done.stderr
    assert rebuilder.wheels() == sorted(
        [*WHEELS, "cautious-1.0-0-py3-none-any.whl", "library-1.0-0-py3-none-any.whl"]
    )
    records = summary(rebuilder.output)
    assert {record["prebuilt"] for record in records} == {True, False}
    for record in records:
        assert Digest.of_file(Path(record["wheel_filename"])).sha256 == record["wheel_sha256"]

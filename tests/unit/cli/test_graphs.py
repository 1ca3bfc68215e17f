"""What the commands about graphs say, and what they leave alone."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from builder.domain.graph import Dependency
from builder.errors import ExitStatus, ImpossibleError, InputError
from builder.record.files import build_order_json, graph_json
from tests.graphs import edge, graph, node

BAD = "lib>=1 \x1b[31m\nforged: line `"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *edges: Dependency, **nodes: str) -> str:
    """A graph.json; `app="x"` makes the source of app==1 of x."""
    made = [node(f"{name}==1", source=source) for name, source in nodes.items()]
    path.write_text(graph_json(graph(*edges, nodes=made)))
    return path.name


def run(*words: str) -> Result:
    # With colors, click lets escapes through as it does on a terminal.
    return CliRunner().invoke(cli, words, standalone_mode=False, color=True)


CONFLICT = (
    edge("", "app==1"),
    edge("app==1", "lib==1", "install", "lib<2"),
    edge("", "lib==2", "toplevel", "lib>=2"),
)


def test_text_from_a_graph_commands_no_terminal_and_forges_no_line(folder: Path) -> None:
    file = write(folder / "g.json", edge("", "app==1"), edge("app==1", "lib==1", "install", BAD))

    for words in (["why", file, "lib"], ["check", file], ["to-dot", file]):
        said = run("graph", *words).stdout
        assert "\x1b" not in said
        assert not any(line.startswith("forged") for line in said.splitlines())


def test_text_from_a_graph_stays_inside_its_code_span(folder: Path) -> None:
    old = write(folder / "old.json", edge("", "app==1"))
    new = write(folder / "new.json", edge("", "app==1"), edge("app==1", "lib==1", "install", BAD))

    said = run("graph", "diff", old, new, "--format", "markdown").stdout

    (line,) = (line for line in said.splitlines() if "forged" in line)
    assert line.startswith("- `app==1: + lib>=1 ")
    assert line.count("`") == 2


def test_another_source_under_the_same_version_stands_above_everything(folder: Path) -> None:
    old = write(folder / "old.json", edge("", "app==1"), app="one")
    new = write(folder / "new.json", edge("", "app==1"), edge("", "lib==1"), app="two")

    text = run("graph", "diff", old, new).stdout
    markdown = run("graph", "diff", old, new, "--format=markdown").stdout
    fields = json.loads(run("graph", "diff", old, new, "--json").stdout)

    assert text.startswith("ALARM: the version is the same, and the bytes are others\n  ! app==1")
    assert markdown.startswith("> [!CAUTION]\n")
    assert [one["package"] for one in fields["source_digest_changed"]] == ["app==1"]
    assert fields["added"] == ["lib==1"]


def test_only_the_exit_code_that_was_asked_for_says_that_graphs_differ(folder: Path) -> None:
    old = write(folder / "old.json", edge("", "app==1"))
    new = write(folder / "new.json", edge("", "app==2"))

    assert run("graph", "diff", old, new).return_value == 0
    assert run("graph", "diff", old, new, "--exit-code").return_value == 1
    assert run("graph", "diff", old, old, "--exit-code").return_value == 0


def test_a_conflict_leaves_the_file_alone(folder: Path) -> None:
    file = write(folder / "g.json", *CONFLICT)
    output = folder / "constraints.txt"
    output.write_text("before\n")

    result = run("graph", "to-constraints", file, "-o", str(output))

    assert isinstance(result.exception, ImpossibleError)
    assert output.read_text() == "before\n"
    assert result.stdout == ""
    assert "no single version would do for all" in result.stderr
    assert "install of app==1: lib<2" in result.stderr


def test_a_check_says_by_its_status_whether_anything_stands_against_a_build(folder: Path) -> None:
    bad = write(folder / "bad.json", *CONFLICT)
    good = write(folder / "good.json", edge("", "app==1"))

    found = run("graph", "check", bad, "--json")

    assert found.return_value == ExitStatus.IMPOSSIBLE
    assert {one["severity"] for one in json.loads(found.stdout)} == {"error", "warning"}
    assert run("graph", "check", good).return_value == ExitStatus.OK


def test_a_long_list_of_warnings_is_cut_for_people_and_whole_for_programs(folder: Path) -> None:
    file = write(folder / "g.json", *(edge("", f"p{number}==1") for number in range(30)))

    text = run("graph", "check", file).stdout
    fields = json.loads(run("graph", "check", file, "--json").stdout)

    assert "  and 20 more, which --json names" in text
    assert [len(one["packages"]) for one in fields] == [30]


def test_settings_say_which_builds_run_alone_and_how_nodes_are_drawn(folder: Path) -> None:
    settings = folder / "overrides" / "settings"
    settings.mkdir(parents=True)
    (settings / "app.yaml").write_text("build_options:\n  exclusive_build: true\n")
    patch = folder / "overrides" / "patches" / "lib-1" / "1.patch"
    patch.parent.mkdir(parents=True)
    patch.write_text("--- a\n+++ b\n")
    file = write(folder / "g.json", edge("", "app==1"), edge("", "lib==1"))

    order = run("graph", "build-graph", file).stdout
    drawn = run("graph", "to-dot", file).stdout

    assert "exclusive builds: app==1\n" in order
    assert '[label="app==1" shape=box]' in drawn
    assert '[label="lib==1" shape=note]' in drawn


def test_a_subset_goes_into_a_file_that_can_be_asked_again(folder: Path) -> None:
    file = write(folder / "g.json", *CONFLICT)

    run("graph", "subset", file, "lib", "--version", "1", "-o", "part.json")

    assert run("graph", "why", "part.json", "lib").stdout == "lib==1\n  install of app==1: lib<2\n"


def test_collections_that_cannot_be_told_apart_are_refused(folder: Path) -> None:
    file = write(folder / "one.json", edge("", "app==1"))

    result = run("graph", "find-best-fit", file, "one.json", "./one.json")

    assert isinstance(result.exception, InputError)
    assert "would both be called one" in result.exception.message


def test_a_collection_is_called_like_the_folder_around_its_work_dir(folder: Path) -> None:
    (folder / "cuda" / "work-dir").mkdir(parents=True)
    write(folder / "cuda" / "work-dir" / "graph.json", edge("", "app==1"))
    file = write(folder / "new.json", edge("", "app==1"))

    result = run("graph", "find-best-fit", file, "cuda/work-dir/graph.json", "--json")

    assert json.loads(result.stdout)[0]["collections"][0]["collection"] == "cuda"


@pytest.mark.parametrize(
    "words",
    [
        ["why", "missing.json", "x"],
        ["explain-duplicates", "missing.json"],
        ["subset", "missing.json", "x"],
        ["to-dot", "missing.json"],
        ["to-constraints", "missing.json"],
        ["build-graph", "missing.json"],
        ["migrate-graph", "missing.json"],
        ["find-best-fit", "missing.json", "x.json"],
        ["diff", "missing.json", "x.json"],
        ["check", "missing.json"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.usefixtures("folder")
def test_a_missing_file_is_named_by(words: list[str]) -> None:
    result = run("graph", *words)

    assert isinstance(result.exception, InputError)
    assert "missing.json" in result.exception.message
    assert result.exception.hint


def test_a_build_order_becomes_a_table(folder: Path) -> None:
    made = graph(
        edge("", "app==1", "toplevel", 'app; "x" in os_name'),
        edge("app==1", "tool==2", "build-system"),
        nodes=[node("tool==2", pre_built=True)],
    )
    (folder / "order.json").write_text(build_order_json(made))

    assert run("build-order", "as-csv", "order.json").stdout == (
        "dist,version,req,type,prebuilt,order\n"
        "tool,2,tool,prebuilt,True,1\n"
        'app,1,"app; ""x"" in os_name",sdist,False,2\n'
    )


def test_build_orders_are_compared_side_by_side(folder: Path) -> None:
    for name, tops in {"cpu": ["app==1", "lib==1"], "cuda": ["app==2", "lib==1"]}.items():
        (folder / name).mkdir()
        made = graph(*(edge("", top) for top in tops))
        (folder / name / "build-order.json").write_text(build_order_json(made))

    run("build-order", "summary", "cpu/build-order.json", "cuda/build-order.json", "-o", "s.csv")

    assert (folder / "s.csv").read_text() == (
        "dist,cpu,cuda,Same Version\napp,1,2,False\nlib,1,1,True\n"
    )


def test_requirements_that_others_bring_are_dropped_and_hashes_stay(folder: Path) -> None:
    digits = "0" * 64
    (folder / "r.txt").write_text(f"lib>=1\napp --hash=sha256:{digits}  # why\n")
    file = write(
        folder / "g.json",
        edge("", "app==1"),
        edge("", "lib==1"),
        edge("app==1", "lib==1", "install"),
    )

    result = run("minimize", "r.txt", file)

    assert result.stdout == f"app --hash=sha256:{digits}\n"
    assert "dropped 1 of 2 requirements: lib" in result.stderr


def test_statistics_are_a_table_of_markdown(folder: Path) -> None:
    (folder / "r.txt").write_text("app\n")
    file = write(folder / "g.json", edge("", "app==1"), edge("", "lib==1"))

    said = run("stats", "r.txt", file).stdout

    assert "| Packages                   |     2 | 100.0% |" in said
    assert said.splitlines()[1].startswith("|-")


def test_names_are_told_as_files_of_overrides_are_called() -> None:
    assert run("canonicalize", "Foo.Bar-baz", "x").stdout == "foo_bar_baz\nx\n"

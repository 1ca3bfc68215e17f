"""Where the graphs of several variants lie, and what each variant is called there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.app.variant_graphs import VariantPlace, named_places, places_below, read_graphs
from builder.errors import InputError
from builder.record.files import graph_json
from tests.graphs import edge, graph


@pytest.fixture
def output(tmp_path: Path) -> Callable[[str], Path]:
    """Writes what a run for one variant leaves, and gives its folder."""

    def write(name: str) -> Path:
        folder = tmp_path / name
        (folder / "work-dir").mkdir(parents=True)
        made = graph(edge("", "app==1"))
        (folder / "work-dir/graph.json").write_text(graph_json(made))
        return folder

    return write


def test_a_run_for_several_variants_is_found_by_its_folders(
    tmp_path: Path, output: Callable[[str], Path]
) -> None:
    output("cuda"), output("cpu")
    (tmp_path / "notes").mkdir()

    assert [one.name for one in places_below(tmp_path)] == ["cpu", "cuda"]


def test_records_that_were_put_elsewhere_are_found_there(
    tmp_path: Path, output: Callable[[str], Path]
) -> None:
    (tmp_path / "records").mkdir()
    (output("other") / "work-dir").rename(tmp_path / "records/cpu")
    (tmp_path / "records/logs").mkdir()

    assert places_below(tmp_path, tmp_path / "records") == (
        VariantPlace("cpu", str(tmp_path / "records/cpu/graph.json")),
    )


def test_a_variant_whose_run_left_no_graph_is_not_passed_over(
    tmp_path: Path, output: Callable[[str], Path]
) -> None:
    output("cpu")
    (tmp_path / "cuda/work-dir").mkdir(parents=True)

    with pytest.raises(InputError, match=r"there is no graph\.json in .*cuda"):
        places_below(tmp_path)


def test_places_are_called_as_the_user_says_or_like_their_folders(
    tmp_path: Path, output: Callable[[str], Path]
) -> None:
    folder = output("cpu-v1.2")
    file = folder / "work-dir/graph.json"
    other = tmp_path / "other.json"
    other.write_bytes(file.read_bytes())

    places = named_places([str(folder), f"mine={folder}", f"again={file}", str(other)])

    assert places == (
        VariantPlace("cpu-v1.2", str(file)),
        VariantPlace("mine", str(file)),
        VariantPlace("again", str(file)),
        VariantPlace("other", str(other)),
    )
    assert named_places([str(file)]) == (VariantPlace("cpu-v1.2", str(file)),)


def test_a_folder_of_records_serves_as_well(output: Callable[[str], Path]) -> None:
    folder = output("cpu")

    (place,) = named_places([str(folder / "work-dir")])

    assert place == VariantPlace("cpu", str(folder / "work-dir/graph.json"))


def test_a_url_may_have_equals_signs() -> None:
    url = "https://files.index.example/cuda/work-dir/graph.json?raw=1"

    assert named_places([f"cuda={url}"]) == (VariantPlace("cuda", url),)
    assert named_places([url])[0].place == url


def test_a_path_that_is_there_is_no_name(
    tmp_path: Path, output: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    output("python=3.13")
    monkeypatch.chdir(tmp_path)

    (place,) = named_places(["python=3.13"])

    assert place.name == "python=3.13"


def test_two_of_one_name_are_refused(output: Callable[[str], Path]) -> None:
    folder = output("cpu")

    with pytest.raises(InputError, match="would both be called cpu") as caught:
        named_places([str(folder), str(folder)])

    assert f"cpu-2={folder}" in caught.value.hint


def test_one_variant_has_nothing_to_be_compared_with(output: Callable[[str], Path]) -> None:
    places = named_places([str(output("cpu"))])

    with pytest.raises(InputError, match="only cpu is named: there must be two to compare"):
        read_graphs(places, "is named")
    with pytest.raises(InputError, match="no graph of a variant is below here"):
        read_graphs((), "is below here")


def test_graphs_are_read_in_the_order_in_which_they_are_named(
    output: Callable[[str], Path],
) -> None:
    places = named_places([str(output("b")), str(output("a"))])

    assert list(read_graphs(places, "is named")) == ["b", "a"]

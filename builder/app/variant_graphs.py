"""Where the graphs of several variants lie, and what each variant is called there."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.app.documents import read_place
from builder.domain.graph import DependencyGraph
from builder.errors import InputError
from builder.record.reading import read_graph

_NAMED = re.compile(r"(?P<name>[\w.+-]+)=(?P<place>.+)", re.DOTALL)
_RECORDS = "work-dir"
_GRAPH = "graph.json"
_TELL_NOTHING = ("graph", _RECORDS)
"""What the file and the folder of every graph are called."""
_HINT = "name them: `builder variants compare cpu=path/graph.json cuda=path/of/an/output-folder`"


@dataclass(frozen=True)
class VariantPlace:
    """The graph of one variant.

    Attributes:
        place: a path, or a URL.
    """

    name: str
    place: str


def named_places(words: Sequence[str]) -> tuple[VariantPlace, ...]:
    """Graphs as a user names them: `NAME=PLACE`, or a place that is called like its folder.

    A place is a graph's path or URL, or the folder that a run wrote its outputs to.

    Raises:
        InputError: a folder holds no graph, or two places would be called the same.
    """
    return _distinct(map(_named_place, words))


def places_below(folder: Path, records: Path | None = None) -> tuple[VariantPlace, ...]:
    """The graphs that a run for several variants left, each in a folder called like its variant.

    Args:
        folder: what the run wrote its outputs to.
        records: where its records are, if they are elsewhere.

    Raises:
        InputError: a variant's records hold no graph.
    """
    if records is not None:
        return tuple(_place_in(graph.parent) for graph in sorted(records.glob(f"*/{_GRAPH}")))
    return tuple(_place_in(one.parent) for one in sorted(folder.glob(f"*/{_RECORDS}")))


def graph_in(folder: Path) -> str:
    """The graph that a run left in its output folder, or in that of its records.

    Raises:
        InputError: there is none.
    """
    folders = (folder,) if folder.name == _RECORDS else (folder, folder / _RECORDS)
    for path in (one / _GRAPH for one in reversed(folders)):
        if path.is_file():
            return str(path)
    raise InputError(
        f"there is no {_GRAPH} in {', nor in '.join(map(str, folders))}",
        hint="the bootstrap that writes it failed, or this is another folder than its -O",
    )


def read_graphs(places: Sequence[VariantPlace], where: str) -> Mapping[str, DependencyGraph]:
    """Reads the graphs of at least two variants.

    Args:
        places: where they are.
        where: what was looked through for them, for messages.

    Raises:
        InputError: there are less than two, or one cannot be read.
        IndexUnreachableError: a URL does not answer.
    """
    if len(places) < 2:
        found = f"only {places[0].name}" if places else "no graph of a variant"
        raise InputError(f"{found} {where}: there must be two to compare", hint=_HINT)
    return {one.name: read_graph(read_place(one.place), one.place) for one in places}


def _named_place(word: str) -> VariantPlace:
    named = _NAMED.fullmatch(word)
    if named is None or Path(word).exists():
        return VariantPlace(_name_of(word), _graph_at(word))
    return VariantPlace(named["name"], _graph_at(named["place"]))


def _place_in(folder: Path) -> VariantPlace:
    return VariantPlace(folder.name, graph_in(folder))


def _graph_at(place: str) -> str:
    if "://" in place or not Path(place).is_dir():
        return place
    return graph_in(Path(place))


def _name_of(place: str) -> str:
    path = Path(place).absolute()
    own = path.name if path.is_dir() else path.stem
    names = (own, *(folder.name for folder in path.parents))
    return next((name for name in names if name not in ("", *_TELL_NOTHING)), place)


def _distinct(places: Iterable[VariantPlace]) -> tuple[VariantPlace, ...]:
    found: dict[str, VariantPlace] = {}
    for one in places:
        before = found.setdefault(one.name, one)
        if before is not one:
            raise InputError(
                f"{before.place} and {one.place} would both be called {one.name}",
                hint=f"give one of them a name: {one.name}-2={one.place}",
            )
    return tuple(found.values())

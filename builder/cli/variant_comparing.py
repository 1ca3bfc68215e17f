"""`builder variants compare`: what differs between the graphs of several variants."""

import json
from pathlib import Path

import click

from builder.app.variant_graphs import (
    VariantPlace,
    graph_in,
    named_places,
    places_below,
    read_graphs,
)
from builder.cli.options import Given, given
from builder.cli.variant_table import variant_fields, variant_lines
from builder.errors import ExitStatus
from builder.graphs.variants import compare


@click.command("compare")
@click.argument("places", nargs=-1, metavar="[[NAME=]GRAPH...]")
@click.option("--all", "everything", is_flag=True, help="Show the identical releases, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with everything.")
@click.pass_context
def compare_command(
    click_context: click.Context, places: tuple[str, ...], *, everything: bool, as_json: bool
) -> ExitStatus:
    """Say whether variants have the same versions, and in what their wheels differ.

    A GRAPH is the path or URL of a graph.json, or the folder that a run wrote its outputs to; it
    is called like that folder, or NAME. Without any, what a run with several variants left below -O
    (or -t) is compared: of all variants, or of those that --variant names.

    Says 0 where the versions agree, and 3 where they do not.
    """
    graphs = read_graphs(*_asked(given(click_context), places))
    found = compare(graphs)
    if as_json:
        click.echo(json.dumps(variant_fields(found), indent=2))
    else:
        click.echo("\n".join(variant_lines(found, everything=everything)))
    return ExitStatus.OK if found.agrees else ExitStatus.IMPOSSIBLE


def _asked(shared: Given, places: tuple[str, ...]) -> tuple[tuple[VariantPlace, ...], str]:
    """The graphs that are meant, and where they were looked for."""
    if places:
        return named_places(places), "is named"
    if len(set(shared.values.get("variant") or ())) > 1:
        folders = [(one.variant, one.work_dir) for one in shared.settings_of_variants()]
        return tuple(VariantPlace(name, graph_in(folder)) for name, folder in folders), "is named"
    folder: Path = shared.values.get("output_dir") or Path()
    records: Path | None = shared.values.get("work_dir")
    return places_below(folder, records), f"is below {records or folder}"

"""`builder download-sequence`: sources, and wheels, of a build order."""

import os

import click

from builder.app.downloads import Downloads, download_sequence
from builder.cli.notes import tell_note
from builder.cli.options import given
from builder.cli.telling import counted, tell


@click.command("download-sequence")
@click.argument("build_order_file", metavar="BUILD_ORDER_FILE")
@click.argument("index_url", metavar="SDIST_SERVER_URL")
@click.option(
    "-w", "--include-wheels", is_flag=True, help="Wheels, too: pre-built and finished ones."
)
@click.option("--ignore-missing-sdists", is_flag=True, help="Pass over sources that cannot be had.")
@click.option(
    "--num-threads",
    type=click.IntRange(min=1),
    help="Downloads at once. Default: one for each processor.",
)
@click.pass_context
def download_sequence_command(
    click_context: click.Context,
    *,
    build_order_file: str,
    index_url: str,
    include_wheels: bool,
    ignore_missing_sdists: bool,
    num_threads: int | None,
) -> None:
    """Download the sources that a build-order.json names.

    SDIST_SERVER_URL is the index that vouches for files whose digest the build order lacks.
    Sources go to sdists-repo/downloads, wheels to wheels-repo. What is there already with the
    right digest is kept.
    """
    threads = num_threads or len(os.sched_getaffinity(0))
    done = download_sequence(
        given(click_context).settings(),
        build_order_file,
        index_url,
        Downloads(include_wheels, ignore_missing_sdists, threads),
        tell_note,
    )
    tell(f"{counted(done.there, 'file')} there now, {done.fetched} of them fetched")

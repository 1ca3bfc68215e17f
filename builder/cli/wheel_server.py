"""`builder wheel-server`: lends out the wheels that are there."""

import logging
from contextlib import closing

import click

from builder.cli.options import given
from builder.cli.telling import tell
from builder.publish.server import WheelServer


@click.command("wheel-server")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port; 0 takes any that is free.",
)
@click.option(
    "-i",
    "--ip",
    "--address",
    "address",
    default="localhost",
    show_default=True,
    help="A name or an address of this machine. There is no login: whoever reaches it may read.",
)
@click.pass_context
def wheel_server_command(click_context: click.Context, port: int, address: str) -> None:
    """Serve the wheels of wheels-repo as a package index, until it is interrupted.

    Wheels that appear while it runs are served, too.
    """
    root = given(click_context).settings().wheels_repo
    with closing(WheelServer(root, address, port, _note)) as server:
        tell(f"serving {root} at {server.url} (stop it with Ctrl-C)")
        try:
            server.serve()
        except KeyboardInterrupt:
            tell("stopped")


def _note(request: str) -> None:
    tell(request, logging.DEBUG)

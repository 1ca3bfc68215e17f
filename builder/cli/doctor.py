"""`builder doctor`: what this host's engines can do, and what mends them where they cannot."""

import dataclasses
import json

import click

from builder.app.workshop import probe_engine
from builder.cli.options import given, shared_options
from builder.errors import BuilderError, ExitStatus


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--probe", "with_probe", is_flag=True, help="Look from inside a container too.")
@shared_options
@click.pass_context
def doctor_command(click_context: click.Context, *, as_json: bool, with_probe: bool) -> ExitStatus:
    """Say which engines work here, what each enforces, and how to mend what it does not."""
    raise NotImplementedError

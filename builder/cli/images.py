"""`builder image`: base images, bootstrapped and locked."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from builder.app.images import (
    ImageSummary,
    build_image,
    derived_summaries,
    image_catalogue,
    summary,
)
from builder.cli.options import given, shared_options
from builder.cli.results import table
from builder.workflows.logs import harmless


@click.group("image")
def image_group() -> None:
    """Bootstrap, list, show, lock and prune base images."""


@image_group.command("build")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Debian mirror to use.")
@click.option(
    "--with",
    "packages",
    multiple=True,
    metavar="PACKAGE",
    help="Derive an image that has this Debian package too, as `system_packages` asks for one.",
)
@click.option("--force", is_flag=True, help="Make it again although it is there.")
@shared_options
@click.pass_context
def build_command(
    click_context: click.Context,
    names: tuple[str, ...],
    mirrors: tuple[str, ...],
    packages: tuple[str, ...],
    *,
    force: bool,
) -> None:
    """Make images: bootstrapped from Debian's packages, without root, or pulled.

    Those of a registry are pulled by the chosen engine, which adds the packages of their recipes.
    """
    settings = given(click_context).settings()
    for name in names:
        for made in build_image(
            settings,
            name,
            packages,
            lambda line: click.echo(line, err=True),
            mirrors=mirrors,
            force=force,
        ):
            click.echo(f"{made.name} {made.config} {made.how}")
            for line in made.replaced:
                click.echo(f"warning: {made.name} has {line}", err=True)


@image_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@shared_options
@click.pass_context
def list_command(click_context: click.Context, *, as_json: bool) -> None:
    """List every image that can be named."""
    catalogue = image_catalogue(given(click_context).settings())
    found = [*(summary(catalogue, name) for name in catalogue.names())]
    found += derived_summaries(catalogue)
    if as_json:
        click.echo(json.dumps([_fields(one, packages=False) for one in found], indent=2))
        return
    headings = ["image", "platform", "ID", "size", "built in", "extends", "description"]
    click.echo(harmless(table(headings, [_row(one) for one in found])))


@image_group.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@shared_options
@click.pass_context
def show_command(click_context: click.Context, name: str, *, as_json: bool) -> None:
    """Show what an image is made of."""
    one = summary(image_catalogue(given(click_context).settings()), name)
    if as_json:
        click.echo(json.dumps(_fields(one, packages=True), indent=2))
        return
    for line in _lines(one):
        click.echo(harmless(line))


@image_group.command("lock")
@click.argument("name")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Default: beside the image's recipe."
)
@shared_options
@click.pass_context
def lock_command(click_context: click.Context, name: str, output: Path | None) -> None:
    """Hold an image to what it is now: its ID and the version of every package."""
    catalogue = image_catalogue(given(click_context).settings())
    click.echo(catalogue.lock(name, output))


@image_group.command("prune")
@click.option(
    "--unused",
    type=click.IntRange(min=0),
    default=14,
    show_default=True,
    metavar="DAYS",
    help="Only images that were not used for so long.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@shared_options
@click.pass_context
def prune_command(click_context: click.Context, *, unused: int, dry_run: bool) -> None:
    """Remove images that no known recipe leads to any more, and derived ones.

    Images that engines have loaded stay with the engines.
    """
    catalogue = image_catalogue(given(click_context).settings())
    since = (datetime.now(UTC) - timedelta(days=unused)).timestamp()
    for state in catalogue.prune(since, dry_run=dry_run):
        click.echo(f"{'would remove' if dry_run else 'removed'} {state.name} {state.folder}")


def _row(one: ImageSummary) -> list[str]:
    return [
        one.name,
        f"{one.platform}, emulated" if one.emulated else one.platform,
        one.config[:19] or _absent(one),
        _size(one) if one.built else "",
        f"{one.seconds:.0f} s" if one.built else "",
        one.extends,
        one.description,
    ]


def _lines(one: ImageSummary) -> Iterator[str]:
    yield f"name         {one.name}"
    yield f"description  {one.description}"
    yield f"platform     {one.platform}"
    yield f"runs         {one.runs}"
    if one.extends:
        yield f"extends      {one.extends}"
    yield f"origin       {one.origin}"
    if one.components:
        yield f"components   {', '.join(one.components)}"
    for mirror in one.mirrors:
        yield f"mirror       {mirror}"
    if one.asked:
        yield f"asks for     {', '.join(one.asked)}"
    for file in one.without_files:
        yield f"leaves out   {file}"
    yield f"python       {one.python}"
    for name, value in one.environment.items():
        yield f"environment  {name}={value}"
    for folder in one.path:
        yield f"path         {folder}"
    yield f"ID           {one.config or _absent(one)}"
    if one.built:
        yield f"size         {_size(one)}"
        yield f"built in     {one.seconds:.0f} s"
    for package in one.packages:
        yield f"  {package}"


def _absent(one: ImageSummary) -> str:
    return "pulled when used" if one.pulled else "not built"


def _size(one: ImageSummary) -> str:
    return f"{one.size / 1e9:.2f} GB"


def _fields(one: ImageSummary, *, packages: bool) -> dict[str, object]:
    fields = dataclasses.asdict(one)
    if not packages:
        del fields["packages"]
    return fields

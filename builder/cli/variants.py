"""`builder variants`: what can be built for, and what each name stands for."""

import json
from collections.abc import Iterator

import click

from builder.app.images import ImageSummary
from builder.app.variants import KnownVariant, known_variant, known_variants
from builder.cli.options import given
from builder.cli.results import table
from builder.cli.variant_comparing import compare_command
from builder.workflows.logs import harmless


@click.group("variants")
def variants_group() -> None:
    """Say what `--variant NAME` stands for."""


@variants_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_command(click_context: click.Context, *, as_json: bool) -> None:
    """List every variant that an image, the file of variants or settings name."""
    found = known_variants(given(click_context).settings())
    if as_json:
        click.echo(json.dumps([_fields(one) for one in found], indent=2))
        return
    rows = [
        [
            one.variant.name,
            one.image,
            _platform(one.found),
            one.state.value,
            ", ".join(one.variant.based_on),
            _description(one),
        ]
        for one in found
    ]
    headings = ["variant", "image", "platform", "state", "based on", "description"]
    click.echo(harmless(table(headings, rows)))


@variants_group.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def show_command(click_context: click.Context, name: str, *, as_json: bool) -> None:
    """Show one variant: its image, whose settings count, and the variables of its builds."""
    found = known_variant(given(click_context).settings(), name)
    if as_json:
        click.echo(json.dumps(_fields(found), indent=2))
        return
    for line in _lines(found):
        click.echo(harmless(line))


def _lines(found: KnownVariant) -> Iterator[str]:
    variant = found.variant
    yield f"variant      {variant.name}{'' if found.defined else ' (no definition)'}"
    if _description(found):
        yield f"description  {_description(found)}"
    yield f"image        {found.image} ({found.state.value})"
    if found.found is not None:
        yield f"platform     {found.found.platform}, {found.found.runs}"
    yield f"settings of  {', '.join(variant.layers)}"
    for name, value in variant.environment:
        yield f"environment  {name}={value}"


def _platform(image: ImageSummary | None) -> str:
    if image is None:
        return ""
    return f"{image.platform}, emulated" if image.emulated else image.platform


def _description(found: KnownVariant) -> str:
    """Its own; without one, that of its image."""
    return found.variant.description or ("" if found.found is None else found.found.description)


def _fields(found: KnownVariant) -> dict[str, object]:
    variant, image = found.variant, found.found
    return {
        "name": variant.name,
        "description": _description(found),
        "defined": found.defined,
        "image": found.image,
        "state": found.state.value,
        "platform": None if image is None else image.platform,
        "emulated": image is not None and image.emulated,
        "layers": list(variant.layers),
        "environment": [list(one) for one in variant.environment],
    }


variants_group.add_command(compare_command)

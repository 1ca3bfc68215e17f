"""`builder settings`: what settings files may say, and what is in force."""

import json
from collections.abc import Iterator

import click

from builder.app.settings_files import (
    ProjectSettings,
    schema_of_all_packages,
    schema_of_package,
    schema_of_variants,
    settings_in_force,
)
from builder.cli.options import given
from builder.cli.results import table
from builder.cli.telling import tell
from builder.workflows.logs import harmless


@click.group("settings")
def settings_group() -> None:
    """Say what settings files may hold, and what holds for a package."""


@settings_group.command("schema")
@click.option("--global", "of_all", is_flag=True, help="That of settings.yaml.")
@click.option("--variants", "of_variants", is_flag=True, help="That of variants.yaml.")
def schema_command(*, of_all: bool, of_variants: bool) -> None:
    """Print a JSON Schema of the settings of a package, for editors."""
    if of_all and of_variants:
        raise click.UsageError("--global and --variants are two different schemas")
    schema = schema_of_package()
    if of_all:
        schema = schema_of_all_packages()
    if of_variants:
        schema = schema_of_variants()
    click.echo(json.dumps(schema, indent=2))


@settings_group.command("show")
@click.argument("name")
@click.option("--version", help="The release. Default: what holds for all releases.")
@click.option(
    "--host-values",
    is_flag=True,
    help="Show what variables of this host hold, and not only their names.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def show_command(
    click_context: click.Context,
    name: str,
    version: str | None,
    *,
    host_values: bool,
    as_json: bool,
) -> None:
    """Show what is in force for a package, and in which file and line each field was set.

    With --version, settings of fitting versions count, and variables are shown with their values.
    """
    settings = given(click_context).settings()
    found = settings_in_force(settings, name, version, with_host_values=host_values)
    if as_json:
        click.echo(json.dumps(_fields(found), indent=2))
    else:
        for line in _lines(found):
            click.echo(harmless(line))
    if found.shown.is_empty:
        tell(f"nothing is laid down for {found.project}: defaults hold")
    if found.version is None and found.versions:
        told = ", ".join(found.versions)
        tell(f"some versions have settings of their own ({told}): --version shows them")
    if found.problem is not None:
        raise found.problem


def _lines(found: ProjectSettings) -> Iterator[str]:
    release = str(found.project) if found.version is None else f"{found.project} {found.version}"
    based_on = f", based on {', '.join(found.based_on)}" if found.based_on else ""
    yield f"{release}, variant {found.variant}{based_on}"
    if found.shown.build_tag is not None:
        yield f"build tag: {found.shown.build_tag}"
    if found.shown.plugin:
        yield f"plugin: {found.shown.plugin}"
    if found.shown.fields:
        yield ""
        rows = [[it.name, _text(it.value), str(it.place)] for it in found.shown.fields]
        yield table(["field", "value", "from"], rows)
    if found.shown.variables:
        yield ""
        rows = [[it.name, _text(it.template), str(it.place)] for it in found.shown.variables]
        yield table(["variable", "template", "from"], rows)
    if found.values:
        yield ""
        yield table(["variable", "value"], [[name, _text(it)] for name, it in found.values.items()])
    if found.shown.patches:
        yield ""
        yield from ("patches", *found.shown.patches)


def _fields(found: ProjectSettings) -> dict[str, object]:
    return {
        "package": found.project,
        "version": None if found.version is None else str(found.version),
        "variant": found.variant,
        "based_on": list(found.based_on),
        "build_tag": found.shown.build_tag,
        "plugin": found.shown.plugin,
        "fields": [
            {
                "name": one.name,
                "value": one.value,
                "file": one.place.file,
                "line": one.place.line,
            }
            for one in found.shown.fields
        ],
        "env": [
            {
                "name": one.name,
                "template": one.template,
                "file": one.place.file,
                "line": one.place.line,
            }
            for one in found.shown.variables
        ],
        "values": dict(found.values),
        "patches": list(found.shown.patches),
    }


def _text(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and value == value.strip() and value:
        return value
    return json.dumps(value, ensure_ascii=False)

"""`builder lint`, `list-overrides` and `migrate-config`: the overrides, looked at and moved."""

import csv
import io
import json
from pathlib import Path

import click

from builder.app.overrides import (
    check_overrides,
    listed_overrides,
    migrate_overrides,
)
from builder.cli.options import given
from builder.cli.plugged import OpenCommandTree
from builder.cli.results import deliver, table
from builder.cli.telling import tell, warn
from builder.workflows.logs import harmless

_PATH = click.Path(path_type=Path)


@click.command("lint")
@click.pass_context
def lint_command(click_context: click.Context) -> int:
    """Check the names and contents of overrides: settings, variants, patches and plugins.

    Plugins, hooks and commands are loaded, which runs their modules. Prints every problem with its
    file; the exit status is 1 where there is any.
    """
    checkup = check_overrides(given(click_context).settings_without_variants())
    for problem in checkup.problems:
        click.echo(harmless(str(problem)))
        if problem.hint:
            click.echo(f"  hint: {harmless(problem.hint)}")
    count = len(checkup.problems) + _command_problems(click_context)
    click.echo(f"found {count} problem{'s' * (count != 1)} in {checkup.files} files")
    return 1 if count else 0


@click.command("list-overrides")
@click.option("--details", is_flag=True, help="Show what is laid down for each package.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How details are shown.",
)
@click.option("-o", "--output", type=_PATH, help="The file to write. Default: standard output.")
@click.pass_context
def list_overrides_command(
    click_context: click.Context, output_format: str, output: Path | None, *, details: bool
) -> None:
    """List the packages that have settings, patches or a plugin of their own."""
    rows = [row.fields() for row in listed_overrides(given(click_context).settings())]
    if not details:
        deliver("\n".join(dict.fromkeys(str(row["package"]) for row in rows)), output)
        return
    match output_format:
        case "json":
            deliver(json.dumps(rows, indent=2), output)
        case "csv":
            deliver(_csv(rows), output)
        case _:
            cells = [[_cell(value) for value in row.values()] for row in rows]
            deliver(table(list(rows[0]) if rows else ["package"], cells), output)


@click.command("migrate-config")
@click.option(
    "-e",
    "--envs-dir",
    type=_PATH,
    default=Path("overrides/envs"),
    show_default=True,
    help="One folder for each variant, with NAME.env files.",
)
@click.option("--settings-file", type=_PATH, help="Default: that of every command.")
@click.option("--output-dir", type=_PATH, help="Default: the settings folder of every command.")
@click.option("--force", is_flag=True, help="Replace files that are there and say something else.")
@click.pass_context
def migrate_config_command(
    click_context: click.Context,
    envs_dir: Path,
    settings_file: Path | None,
    output_dir: Path | None,
    *,
    force: bool,
) -> None:
    """Turn the overrides of Fromager 0.27 into one settings file for each package.

    Prints the files that were written. Nothing of the old layout is changed.
    """
    settings = given(click_context).settings()
    source = settings_file or settings.settings_file
    written = migrate_overrides(
        envs_dir, source, output_dir or settings.settings_dir, replace=force
    )
    for one in written:
        if not one.unchanged:
            click.echo(one.file)
    for one in written:
        if one.replaced or one.unchanged:
            how = "was replaced" if one.replaced else "says the same already"
            (warn if one.replaced else tell)(f"{one.file}: {how}")
    if not written:
        warn(f"nothing to move: neither {envs_dir} nor {source} has any")


def _command_problems(click_context: click.Context) -> int:
    """Tells of every command of others that cannot be used; how many there are."""
    root = click_context.find_root().command
    errors = tuple(root.errors()) if isinstance(root, OpenCommandTree) else ()
    for error in errors:
        click.echo(harmless(f"entry point {error.message}"))
        click.echo(f"  hint: {harmless(error.hint)}")
    return len(errors)


def _csv(rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0] if rows else ["package"])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else str(value)

"""`builder lint-requirements`: requirements and constraints files, looked over."""

from datetime import UTC, datetime

import click

from builder.app.requirements import Lint, lint_requirements
from builder.cli.notes import tell_note
from builder.cli.options import given
from builder.cli.telling import tell
from builder.workflows.logs import harmless


@click.command("lint-requirements")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--resolve-requirements/--no-resolve-requirements",
    "resolve",
    default=False,
    show_default=True,
    help="Ask the index for a release for each requirement, too.",
)
@click.pass_context
def lint_requirements_command(
    click_context: click.Context, *, files: tuple[str, ...], resolve: bool
) -> int:
    """Check requirements files, and constraints files: those whose name ends in constraints.txt.

    Prints every problem with its file and line; the exit status is 1 where there is any.
    """
    shared = given(click_context)
    lint = Lint(files, shared.constraints, resolve)
    problems = lint_requirements(shared.settings(), lint, datetime.now(UTC), tell_note)
    for problem in problems:
        click.echo(harmless(problem))
    count = len(problems)
    tell(f"found {count} problem{'s' * (count != 1)} in {len(files)} file{'s' * (len(files) != 1)}")
    return 1 if problems else 0

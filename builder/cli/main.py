"""The command line's entry: the group of commands, and what becomes of errors."""

import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from builder.cli.bootstrap import bootstrap_command, bootstrap_parallel_command
from builder.cli.build_orders import build_order_group
from builder.cli.doctor import doctor_command
from builder.cli.downloads import download_sequence_command
from builder.cli.graphs import graph_group
from builder.cli.images import image_group
from builder.cli.locks import build_parallel_command, build_sequence_command
from builder.cli.options import given
from builder.cli.overrides import (
    lint_command,
    list_overrides_command,
    migrate_config_command,
)
from builder.cli.plugged import OpenCommandTree
from builder.cli.projects import (
    find_updates_command,
    list_versions_command,
    package_group,
)
from builder.cli.requirements import lint_requirements_command
from builder.cli.settings import settings_group
from builder.cli.single import build_command, step_group
from builder.cli.telling import Listening, listen, tell, tell_error
from builder.cli.upkeep import canonicalize_command, minimize_command, stats_command
from builder.cli.usage import explained
from builder.cli.variants import variants_group
from builder.cli.wheel_server import wheel_server_command
from builder.cli.wheels import wheel_group
from builder.errors import BuilderError, ExitStatus


@click.group(
    cls=OpenCommandTree,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def cli() -> None:
    """Rebuild Python dependency trees from source, in containers without a network.

    The options below may also stand behind a command's name.
    """


cli.add_command(bootstrap_command)
cli.add_command(bootstrap_parallel_command)
cli.add_command(build_order_group)
cli.add_command(build_command)
cli.add_command(build_parallel_command)
cli.add_command(build_sequence_command)
cli.add_command(step_group)
cli.add_command(canonicalize_command)
cli.add_command(doctor_command)
cli.add_command(download_sequence_command)
cli.add_command(find_updates_command)
cli.add_command(graph_group)
cli.add_command(image_group)
cli.add_command(lint_command)
cli.add_command(lint_requirements_command)
cli.add_command(list_overrides_command)
cli.add_command(list_versions_command)
cli.add_command(migrate_config_command)
cli.add_command(minimize_command)
cli.add_command(package_group)
cli.add_command(settings_group)
cli.add_command(stats_command)
cli.add_command(variants_group)
cli.add_command(wheel_group)
cli.add_command(wheel_server_command)


def main() -> None:
    """Runs the command line and ends the process."""
    signal.signal(signal.SIGTERM, _interrupt)
    listen(Listening())
    try:
        status = cli.main(prog_name="builder", standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(ExitStatus.USAGE)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            with suppress(BuilderError):  # what is told below matters more than where else
                listen(given(error.ctx).listening)
        tell_error(explained(error))
        sys.exit(error.exit_code)
    except BuilderError as error:
        tell_error(error)
        sys.exit(error.status)
    except (KeyboardInterrupt, click.Abort):
        tell("stopped: the same command goes on where this one was")
        sys.exit(ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        sys.exit(ExitStatus.OK)
    sys.exit(status or ExitStatus.OK)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt

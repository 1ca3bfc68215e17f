"""What is said at the end of a run."""

import shlex
from collections.abc import Iterator, Sequence

from builder.app.settings import Settings
from builder.cli.progress import Tally
from builder.domain.builds import Failure, Phase
from builder.domain.containers import Ending
from builder.domain.events import Stage
from builder.domain.graph import Dependency
from builder.errors import ExitStatus
from builder.workflows.bootstrap import Bootstrapped
from builder.workflows.logs import harmless


def failure_lines(
    failure: Failure, chain: Sequence[Dependency], settings: Settings, constraints: Sequence[str]
) -> Iterator[str]:
    """Everything that is known about one failed package."""
    yield f"failed: {failure.pin}: {failure.phase.value}: {harmless(failure.reason)}"
    for depth, edge in enumerate(chain):
        asker = str(edge.parent) if edge.parent is not None else "you asked"
        yield f"  {'  ' * depth}{asker} -> {edge.requirement} ({edge.kind.value})"
    if failure.log_tail:
        yield "  the last lines of its log:"
        yield from (f"    | {line}" for line in failure.log_tail)
    if failure.hint:
        yield f"  hint: {harmless(failure.hint)}"
    if failure.log is not None:
        yield f"  log: {failure.log}"
    yield f"  repeat: {_repeat(failure, settings, constraints)}"


def summary_lines(tally: Tally, seconds: float, settings: Settings) -> Iterator[str]:
    """How it went, in numbers, and where everything is."""
    built = tally.count(Stage.BUILT)
    reused = len(tally.reused)
    counted = f"{built - reused} built now and {reused} from the store"
    yield f"{built} wheels, {counted}, in {seconds:.0f} s"
    yield f"wheels:  {settings.wheels_repo / 'downloads'}"
    yield f"index:   {settings.wheels_repo / 'simple'}"
    yield f"records: {settings.work_dir / 'graph.json'}"


def status_of(result: Bootstrapped) -> ExitStatus:
    """What the exit status says: whose fault it is, the most telling first."""
    causes = [failure for failure in result.failures if failure.blocked_by is None]
    if not causes:
        return ExitStatus.OK
    endings = {failure.ending.ending for failure in causes if failure.ending is not None}
    if Ending.TIMED_OUT in endings:
        return ExitStatus.BUILD_TIMED_OUT
    if all(failure.phase is Phase.RESOLVE for failure in causes):
        return ExitStatus.IMPOSSIBLE
    return ExitStatus.BUILD_FAILED


def _repeat(failure: Failure, settings: Settings, constraints: Sequence[str]) -> str:
    words = ["builder", "bootstrap", str(failure.pin), "--image", settings.image_name]
    for file in constraints:
        words += ["-c", file]
    words += ["-O", str(settings.work_dir.parent)]
    return shlex.join(words)

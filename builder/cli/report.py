"""What is said at the end of a run."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from builder.app.settings import Settings
from builder.cli.progress import Tally
from builder.cli.telling import counted
from builder.domain.builds import Failure, Phase
from builder.domain.containers import Ending
from builder.domain.emulation import Timings
from builder.domain.events import Stage
from builder.domain.graph import Dependency
from builder.domain.releases import Pin
from builder.errors import ExitStatus
from builder.graphs.acceptance import as_requirement
from builder.record.causes import cause_of
from builder.resolve.requirements_text import shown as without_login
from builder.workflows.locks import LockBuilt
from builder.workflows.logs import SHOWN_LINES, harmless
from builder.workflows.runs import Bootstrapped, Unresolved


@dataclass(frozen=True)
class Outcome:
    """What a run of either kind ended with.

    Attributes:
        repeat: the words of the command that repeats the run.
        by_package: whether the command takes a package behind its name, to repeat that one alone.
        lenient: whether releases may fail without the run having failed.
    """

    failures: tuple[Failure, ...]
    chains: Mapping[Pin, tuple[Dependency, ...]]
    repeat: tuple[str, ...]
    by_package: bool = True
    unresolved: tuple[Unresolved, ...] = ()
    replaced: frozenset[Pin] = field(default=frozenset())
    lenient: bool = False


def of_bootstrap(result: Bootstrapped, repeat: tuple[str, ...], *, lenient: bool) -> Outcome:
    """A bootstrap's outcome."""
    return Outcome(
        result.failures,
        result.chains,
        repeat,
        unresolved=result.unresolved,
        replaced=frozenset(result.replaced),
        lenient=lenient and result.graph is not None,
    )


def of_lock(result: LockBuilt, repeat: tuple[str, ...]) -> Outcome:
    """The outcome of a build from a lock."""
    return Outcome(
        result.failures,
        result.chains,
        repeat,
        by_package=False,
        replaced=frozenset(result.replaced),
    )


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Everything that went wrong, the causes in full."""
    for one in outcome.unresolved:
        yield f"left out: {one.asked.requirement} ({one.asked.origin})"
        yield from (f"  {harmless(line)}" for line in one.reason)
    causes = [failure for failure in outcome.failures if failure.blocked_by is None]
    for failure in causes:
        yield from _failure_lines(failure, outcome)
    if causes:
        blocked = len(outcome.failures) - len(causes)
        yield f"{len(causes)} failed, {blocked} could not start because of them"
    if outcome.replaced:
        names = ", ".join(str(pin) for pin in sorted(outcome.replaced))
        yield f"wheels of the index are in place of {len(outcome.replaced)} of them: {names}"


def _failure_lines(failure: Failure, outcome: Outcome) -> Iterator[str]:
    cause = cause_of(failure)
    yield f"failed: {failure.pin}: {failure.phase.value}: {harmless(failure.reason)}"
    for depth, edge in enumerate(outcome.chains.get(failure.pin, ())):
        asker = str(edge.parent) if edge.parent is not None else "you asked"
        yield f"  {'  ' * depth}{asker} -> {edge.requirement} ({edge.kind.value})"
    if failure.log_tail:
        yield "  the last lines of its log:"
        yield from (f"    | {line}" for line in failure.log_tail[-SHOWN_LINES:])
    hint = failure.hint or cause.hint
    if hint:
        yield f"  hint: {harmless(hint)}"
    if failure.log is not None:
        yield f"  log: {failure.log}"
    package = (_as_asked(failure.pin, outcome),) if outcome.by_package else ()
    yield f"  repeat: {shlex.join([*outcome.repeat[:2], *package, *outcome.repeat[2:]])}"


def _as_asked(pin: Pin, outcome: Outcome) -> str:
    """How to ask for a package alone; a commit is no release that its version would lead to."""
    for edge in outcome.chains.get(pin, ()):
        requirement = as_requirement(edge.requirement)
        if edge.child == pin and requirement is not None and requirement.url is not None:
            return edge.requirement
    return str(pin)


def summary_lines(tally: Tally, seconds: float, settings: Settings) -> Iterator[str]:
    """How it went, in numbers, and where everything is."""
    built = tally.count(Stage.BUILT)
    reused = len(tally.reused)
    planned = tally.count(Stage.PLANNED)
    if planned:
        yield f"{counted(planned, 'release')} planned without a build of their own"
    shared = len(tally.shared)
    parts = f"{built - reused - shared} built now and {reused} from the store"
    yield f"{counted(built, 'wheel')}, {parts}, in {seconds:.0f} s"
    if shared:
        images = ", ".join(sorted(set(tally.shared.values())))
        yield f"{counted(shared, 'pure wheel')} built natively, in image {images}"
    yield from emulation_lines(Timings(tuple(tally.times), tally.factors))
    yield f"wheels:  {settings.wheels_repo / 'downloads'}"
    yield f"index:   {settings.wheels_repo / 'simple'}"
    yield f"records: {settings.work_dir}"


def emulation_lines(timings: Timings) -> Iterator[str]:
    """What was built under emulation, and what that cost."""
    for one in timings.emulated:
        told = f"under emulation ({one.architecture}): {counted(one.builds, 'wheel')}"
        yield f"{told}, whose builds took {one.seconds:.0f} s"
        if one.fixed_work is not None:
            times = f"{one.fixed_work.times:.1f} times"
            yield f"  a fixed piece of work took {times} as long as natively"


def comparison_lines(timings: Timings) -> Iterator[str]:
    """What releases say of emulation that several variants of a run built in both ways."""
    for one in timings.emulated:
        if one.releases is not None:
            releases, factor = one.releases.releases, one.releases.factor
            yield (
                f"{counted(releases, 'release')} built both natively and under emulation"
                f" ({one.architecture}): {factor.native_seconds:.0f} s and"
                f" {factor.emulated_seconds:.0f} s, {factor.times:.1f} times as long"
            )


def status_of(outcome: Outcome) -> ExitStatus:
    """What the exit status says: whose fault it is, the most telling first."""
    causes = [failure for failure in outcome.failures if failure.blocked_by is None]
    if outcome.lenient or not (causes or outcome.unresolved):
        return ExitStatus.OK
    endings = {failure.ending.ending for failure in causes if failure.ending is not None}
    if Ending.TIMED_OUT in endings:
        return ExitStatus.BUILD_TIMED_OUT
    if all(failure.phase is Phase.RESOLVE for failure in causes):
        return ExitStatus.IMPOSSIBLE
    return ExitStatus.BUILD_FAILED


def repeating(
    command: str, settings: Settings, constraints: Sequence[str], *places: str
) -> tuple[str, ...]:
    """The words that repeat a command on the same folders, in the same manner.

    No login is among them: whoever repeats it has it from a variable or a netrc file.
    """
    words = ["builder", command, *places]
    for option, value, usual in (
        ("--variant", settings.variant, Settings.variant),
        ("--image", settings.image, Settings.image),
        ("--engine", settings.engine, Settings.engine),
        ("--settings-file", settings.settings_file, Settings.settings_file),
        ("--settings-dir", settings.settings_dir, Settings.settings_dir),
        ("--patches-dir", settings.patches_dir, Settings.patches_dir),
        ("--variants-file", settings.variants_file, Settings.variants_file),
    ):
        words += [option, str(value)] if value != usual else []
    for url in settings.index_urls:
        words += ["--sdist-server-url", without_login(url)]
    for file in constraints:
        words += ["-c", file]
    return (*words, "-O", str(settings.work_dir.parent))

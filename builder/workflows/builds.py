"""Runs one package's hooks and build in a container, and takes in what comes out."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename
from packaging.version import Version

from builder.build.environment import ClashingWheels
from builder.build.task import (
    MAX_WHEEL_BYTES,
    SOURCE_ARCHIVE,
    Answer,
    HookFailed,
    MetadataMade,
    UnusableAnswer,
    WantsMore,
    WheelMade,
    build_task,
    job_variables,
    read_answer,
)
from builder.domain.builds import (
    BuildOutcome,
    BuildSpec,
    BuildSucceeded,
    Failure,
    Goal,
    MetadataFound,
    MoreRequired,
    Phase,
    Wheel,
)
from builder.domain.containers import ContainerExit, Ending, Limits
from builder.domain.core_metadata import UnusableMetadataError, from_core_metadata, pin_of
from builder.domain.digests import Digest
from builder.domain.emulation import BuildTime
from builder.domain.events import BuildTook, Event, Noted, PackageMoved, Stage
from builder.domain.images import TargetPython
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Pin
from builder.domain.repositories import is_provisional
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.inspect.description import OwnBuild
from builder.inspect.wheel import canonicalize
from builder.ports import Store
from builder.prepare.task import top_folder
from builder.resolve.problem import applies
from builder.workflows.environments import Environments
from builder.workflows.interiors import Interiors
from builder.workflows.logs import appending_to, log_path, tail
from builder.workflows.repair import RepairRoom, Repairs, Unrepairable
from builder.workflows.sandbox import RESULT, Finished, Interior, Sandbox, Task, in_words
from builder.workflows.stored import stored


@dataclass(frozen=True)
class BuildRules:
    """How builds are run, apart from what is built."""

    logs: Path
    jobs: Callable[[Pin], int]
    """How many jobs a build's compilers are told to run."""
    limits: Limits


@dataclass(frozen=True)
class _Built:
    """What a backend says that it left, and where."""

    filename: str
    requires: tuple[Requirement, ...]
    finished: Finished


class Builds:
    """Builds wheels, or finds out what a build needs. Safe from several threads."""

    def __init__(
        self,
        store: Store,
        sandbox: Sandbox,
        environments: Environments,
        interiors: Interiors,
        target: TargetPython,
        rules: BuildRules,
        notify: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._sandbox = sandbox
        self._environments = environments
        self._interiors = interiors
        self._target = target
        self._rules = rules
        self._notify = notify
        self._timed: set[Digest] = set()
        self._repairs = Repairs(sandbox)

    def build(self, spec: BuildSpec) -> BuildOutcome:
        """The result for a spec: from the store where the same was built before, else built now.

        Raises:
            EngineError: the engine refused the container.
            ImageError: the image of the spec cannot be loaded.
            StorageError: the disk is full, or the store lost a wheel.
        """
        known = self._known(spec)
        if known is not None:
            if isinstance(known, BuildSucceeded):
                self._notify(PackageMoved(spec.source.pin, Stage.REUSED))
                known = replace(known, reused=True)
                self._tell_time(spec, known)
            return known
        interior = self._interiors.ready(spec.image)
        stage = Stage.BUILDING if spec.goal is Goal.WHEEL else Stage.ASKING
        self._notify(PackageMoved(spec.source.pin, stage, emulated=self._sandbox.emulated))
        outcome = self._run(spec, interior)
        if not isinstance(outcome, Failure):
            self._store.record(spec.key, _to_json(outcome))
        if isinstance(outcome, BuildSucceeded):
            self._tell_time(spec, outcome)
        return outcome

    def _tell_time(self, spec: BuildSpec, built: BuildSucceeded) -> None:
        """Once for each build, however often its result is asked for."""
        if spec.key in self._timed:
            return
        self._timed.add(spec.key)
        emulated = self._sandbox.emulated
        time = BuildTime(built.wheel.pin, built.seconds, emulated, reused=built.reused)
        self._notify(BuildTook(time))

    def _known(self, spec: BuildSpec) -> BuildOutcome | None:
        recorded = self._store.result(spec.key)
        if recorded is None:
            return None
        outcome = _from_json(recorded, spec)
        if isinstance(outcome, BuildSucceeded) and self._store.path(outcome.wheel.digest) is None:
            return None
        return outcome

    def _run(self, spec: BuildSpec, interior: Interior) -> BuildOutcome:
        pin = spec.source.pin
        log = log_path(self._rules.logs, pin)
        what = f"the prepared source of {pin}"
        source = stored(self._store, spec.source.archive, what, "prepared")
        try:
            binds = self._environments.binds(spec.environment)
        except ClashingWheels as clash:
            return Failure(pin, Phase.ENVIRONMENT, str(clash))
        task = Task(
            name=top_folder(pin)[:40].replace("+", "-").replace("!", "-"),
            order=build_task(spec, top_folder(pin)),
            inputs={SOURCE_ARCHIVE: source},
            binds=binds,
            variables=_variables(spec, self._rules.jobs(pin)),
            limits=self._rules.limits,
            interior=interior,
        )
        with appending_to(log) as output, self._sandbox.run(task, output) as finished:
            room = RepairRoom(interior, self._rules.limits, output)
            outcome = self._outcome(spec, finished, room)
        if isinstance(outcome, Failure):
            return replace(outcome, log=log, log_tail=tail(log))
        return outcome

    def _outcome(self, spec: BuildSpec, finished: Finished, room: RepairRoom) -> BuildOutcome:
        pin = spec.source.pin
        if not finished.exit.succeeded:
            return Failure(
                pin,
                Phase.BUILD,
                in_words(finished.exit),
                _hint(finished.exit),
                ending=finished.exit,
            )
        try:
            answer = read_answer(read_small(finished.out, RESULT))
            return self._take_in(spec, answer, finished, room)
        except UnusableAnswer as unusable:
            return Failure(pin, Phase.HOOKS, str(unusable))
        except Unrepairable as unrepairable:
            reason = f"its wheel cannot be repaired: {unrepairable}"
            return Failure(pin, Phase.REPAIR, reason, unrepairable.hint)
        except RefusedOutput as refused:
            return Failure(pin, Phase.INSPECT, str(refused), refused.hint)
        except UnusableMetadataError as unusable:
            return Failure(pin, Phase.INSPECT, str(unusable))

    def _take_in(
        self, spec: BuildSpec, answer: Answer, finished: Finished, room: RepairRoom
    ) -> BuildOutcome:
        pin = spec.source.pin
        match answer:
            case WantsMore(requires, words):
                return MoreRequired(requires, words)
            case MetadataMade(text, requires):
                told = pin_of(text) if _is_asked_for_its_name(spec) else pin
                return MetadataFound(from_core_metadata(text, told, MetadataOrigin.HOOK), requires)
            case HookFailed(hook, reason):
                phase = Phase.BUILD if hook == "build_wheel" else Phase.HOOKS
                return Failure(pin, phase, f"{hook}: {reason}", ending=finished.exit)
            case WheelMade(filename, requires):
                wheel = self._wheel(spec, _Built(filename, requires, finished), room)
                return BuildSucceeded(wheel, requires, seconds=finished.exit.seconds)

    def _wheel(self, spec: BuildSpec, built: _Built, room: RepairRoom) -> Wheel:
        pin = spec.source.pin
        if _is_asked_for_its_name(spec):
            pin = _named_by(built.filename, pin)
        scratch = built.finished.out.parent
        collected, filename = scratch / "collected.whl", built.filename
        take(built.finished.out, filename, collected, MAX_WHEEL_BYTES)
        own_build = OwnBuild(
            spec.settings,
            self._applying(spec.source.build_system.requires),
            self._applying(built.requires),
            spec.foreign_binaries,
        )
        tags, number = self._target.tags, spec.build_number
        if spec.repair is not None:
            # Sound already here: what is repaired must be what RECORD says.
            (scratch / "sound").mkdir()
            sound = canonicalize(collected, filename, pin, tags, number, scratch / "sound")
            path = scratch / "sound" / sound.filename
            repaired = self._repairs.repaired(path, sound, spec.repair, room)
            if repaired is not None:
                collected, filename = repaired.path, repaired.filename
                own_build = replace(own_build, repair=repaired.description)
        made = canonicalize(collected, filename, pin, tags, number, scratch, own_build)
        for note in made.notes:
            self._notify(Noted(f"the wheel of {pin} {note}", warning=True))
        digest = self._store.put(scratch / made.filename)
        return Wheel(pin, made.filename, digest, made.metadata)

    def _applying(self, requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
        return tuple(it for it in requirements if applies(it, self._target, ()))


def _variables(spec: BuildSpec, jobs: int) -> tuple[tuple[str, str], ...]:
    """What the container gets; what the spec says of jobs was laid down for this very build."""
    return tuple({**dict(job_variables(jobs)), **dict(spec.variables)}.items())


def _is_asked_for_its_name(spec: BuildSpec) -> bool:
    """Whether the answer says which release the source is; everywhere else it is held to one."""
    return spec.goal is Goal.METADATA and is_provisional(spec.source.pin.version)


def _named_by(filename: str, pin: Pin) -> Pin:
    with suppress(InvalidWheelFilename):  # inspection says what is wrong with it
        name, version, _, _ = parse_wheel_filename(filename)
        return Pin(name, version)
    return pin


def _hint(ended: ContainerExit) -> str:
    match ended.ending:
        case Ending.OUT_OF_MEMORY:
            return "give builds more memory with --memory, or run fewer at once with -m"
        case Ending.TIMED_OUT:
            return "give builds more time with --timeout"
        case _:
            return ""


def _to_json(outcome: BuildSucceeded | MetadataFound | MoreRequired) -> bytes:
    fields: dict[str, object] = {"hook_requires": [str(r) for r in outcome.hook_requires]}
    match outcome:
        case BuildSucceeded(wheel):
            fields |= {
                "kind": "built",
                "seconds": round(outcome.seconds, 3),
                "filename": wheel.filename,
                "sha256": wheel.digest.sha256,
                "release": str(wheel.pin),
                "requires": [str(r) for r in wheel.metadata.requires],
            }
        case MetadataFound(metadata):
            requires = [str(r) for r in metadata.requires]
            fields |= {"kind": "metadata", "release": str(metadata.pin), "requires": requires}
        case MoreRequired():
            fields |= {"kind": "more", "words": list(outcome.words)}
    return json.dumps(fields).encode()


def _from_json(recorded: bytes, spec: BuildSpec) -> BuildOutcome:
    fields = json.loads(recorded)
    pin = spec.source.pin
    hook_requires = tuple(Requirement(text) for text in fields["hook_requires"])
    requires = tuple(Requirement(text) for text in fields.get("requires", ()))
    if _is_asked_for_its_name(spec) and "release" in fields:
        name, _, version = fields["release"].partition("==")
        pin = Pin(NormalizedName(name), Version(version))
    match fields["kind"]:
        case "built":
            metadata = ReleaseMetadata(pin, requires, MetadataOrigin.WHEEL)
            wheel = Wheel(pin, fields["filename"], Digest(fields["sha256"]), metadata)
            return BuildSucceeded(wheel, hook_requires, seconds=fields.get("seconds", 0.0))
        case "metadata":
            return MetadataFound(ReleaseMetadata(pin, requires, MetadataOrigin.HOOK), hook_requires)
        case _:
            return MoreRequired(hook_requires, tuple(fields["words"]))

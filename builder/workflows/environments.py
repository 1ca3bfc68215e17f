"""Build environments: made once for each set of wheels, from wheels unpacked and compiled once."""

import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from builder.build.environment import assemble
from builder.build.trees import (
    ENVIRONMENT_ROOT,
    add_bytecode,
    unpack_wheel,
)
from builder.domain.builds import Wheel
from builder.domain.containers import BindMount
from builder.domain.digests import Digest
from builder.domain.images import TargetPython
from builder.errors import EngineError
from builder.inspect.collect import RefusedOutput, take
from builder.ports import Store
from builder.workflows.sandbox import Sandbox, Task, in_words
from builder.workflows.stored import stored

_BYTECODE = "bytecode.zip"
_MAX_BYTECODE_ARCHIVE = 2 << 30
_FORMAT = "environment 1"


class Environments:
    """Hands out read-only build environments. Safe from several threads, and between runs."""

    def __init__(self, folder: Path, store: Store, sandbox: Sandbox, target: TargetPython) -> None:
        self._trees = folder / "trees"
        self._environments = folder / "environments"
        self._store = store
        self._sandbox = sandbox
        self._target = target
        self._lock = threading.Lock()

    def binds(self, wheels: Sequence[Wheel]) -> tuple[BindMount, ...]:
        """What a container must mount to see exactly these wheels, as /env and /index.

        Raises:
            ClashingWheels: two of the wheels want the same path.
            StorageError: a wheel is no longer in the store, or there is no room.
        """
        folder = self._ensure(wheels)
        return (
            BindMount(folder / "env", PurePosixPath(ENVIRONMENT_ROOT)),
            BindMount(folder / "index", PurePosixPath("/index")),
        )

    def _ensure(self, wheels: Sequence[Wheel]) -> Path:
        names = [f"{wheel.filename} {wheel.digest.sha256}" for wheel in wheels]
        key = self._key(*names)
        folder = self._environments / key
        # One at a time: environments that start together share most of their wheels.
        with self._lock:
            if not folder.is_dir():
                trees = {wheel: self._trees / self._key(wheel.digest.sha256) for wheel in wheels}
                self._unpack({w: tree for w, tree in trees.items() if not tree.is_dir()})
                files = {wheel: self._stored(wheel) for wheel in wheels}
                with _appearing(folder) as temporary:
                    assemble(temporary, trees, files, self._target)
        return folder

    def _key(self, *parts: str) -> str:
        fields = [_FORMAT, self._sandbox.image, self._sandbox.agent.digest.sha256, *parts]
        return Digest.of_bytes("\n".join(fields).encode()).sha256[:32]

    def _stored(self, wheel: Wheel) -> Path:
        return stored(self._store, wheel.digest, wheel.filename, "built")

    def _unpack(self, missing: dict[Wheel, Path]) -> None:
        if not missing:
            return
        self._trees.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=self._trees, prefix="."))
        try:
            unpacked = {str(n): temporary / str(n) for n in range(len(missing))}
            for (wheel, _), tree in zip(missing.items(), unpacked.values(), strict=True):
                unpack_wheel(wheel, self._stored(wheel), self._target, tree)
            self._compile(unpacked)
            for place, tree in zip(missing.values(), unpacked.values(), strict=True):
                if not place.is_dir():
                    tree.rename(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _compile(self, trees: dict[str, Path]) -> None:
        task = Task(
            name="bytecode",
            order={"action": "bytecode", "prefix": str(ENVIRONMENT_ROOT)},
            binds=[BindMount(t, PurePosixPath("/trees") / name) for name, t in trees.items()],
        )
        with self._sandbox.run(task, lambda _: None) as finished:
            if not finished.exit.succeeded:
                raise EngineError(f"modules could not be compiled: {in_words(finished.exit)}")
            packed = finished.out.parent / _BYTECODE
            try:
                take(finished.out, _BYTECODE, packed, _MAX_BYTECODE_ARCHIVE)
            except RefusedOutput as refused:
                raise EngineError(f"modules could not be compiled: {refused}") from refused
            add_bytecode(packed, trees, self._target)


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    parent = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        parent.chmod(0o755)
        made = parent / "new"
        made.mkdir()
        yield made
        if not folder.is_dir():
            made.rename(folder)
    finally:
        shutil.rmtree(parent, ignore_errors=True)

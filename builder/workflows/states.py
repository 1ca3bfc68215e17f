"""What a state of a git repository is called: looked up in a container, as data."""

from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.repositories import GitReference
from builder.errors import InputError
from builder.inspect.collect import RefusedOutput, read_small
from builder.ports import Repositories, Store
from builder.prepare.identity import Identity, look_task, read_identity
from builder.prepare.task import UnusableSource
from builder.workflows.sandbox import RESULT, Sandbox, Task, in_words

_TOP = "source"
_ARCHIVE = f"{_TOP}.tar.gz"


class States:
    """Finds out what a commit says of itself, and remembers it."""

    def __init__(self, repositories: Repositories, store: Store, sandbox: Sandbox) -> None:
        self._repositories = repositories
        self._store = store
        self._sandbox = sandbox

    def identity(self, commit: GitReference, build_dir: str = "") -> Identity:
        """The project and the version, as far as files of the source tell.

        Args:
            commit: the state of a repository.
            build_dir: the folder of it that is built; empty for all of it.

        Raises:
            InputError: the source is not fit to be unpacked, or what it says is not valid.
        """
        agent = self._sandbox.agent.digest.sha256
        text = f"look 2\n{commit}\n{self._sandbox.image}\n{agent}\n{build_dir}"
        key = Digest.of_bytes(text.encode())
        answer = self._store.result(key)
        try:
            if answer is None:
                answer = self._look(commit, build_dir)
                read_identity(answer)
                self._store.record(key, answer)
            return read_identity(answer)
        except (UnusableSource, RefusedOutput) as unusable:
            raise InputError(
                f"{commit} cannot be built from: {unusable}", hint="name another tag or commit"
            ) from unusable

    def _look(self, commit: GitReference, build_dir: str) -> bytes:
        archive = self._sandbox.scratch / f"{commit.ref}.tar.gz"
        try:
            self._repositories.archive(commit, _TOP, archive)
            return self._ask(archive, build_dir)
        finally:
            archive.unlink(missing_ok=True)

    def _ask(self, archive: Path, build_dir: str) -> bytes:
        order = look_task(_ARCHIVE, build_dir)
        task = Task(name="look", order=order, inputs={_ARCHIVE: archive})
        with self._sandbox.run(task, lambda _printed: None) as finished:
            if not finished.exit.succeeded:
                raise UnusableSource(f"it could not be unpacked: {in_words(finished.exit)}")
            return read_small(finished.out, RESULT)

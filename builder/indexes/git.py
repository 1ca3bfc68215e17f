"""Git repositories, read by the git of this host, which moves bytes and runs nothing.

The only adapter that starts a process: no library reads every transport and packing that
repositories are served with. Nothing is checked out, so no hook, filter or submodule ever has a
turn; `git_commands` says what else is closed. Each commit lies in a bare repository of its own,
which appears whole by a rename and is never written to again.
"""

import fcntl
import gzip
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from requests.utils import get_netrc_auth

from builder.domain.digests import Digest
from builder.domain.repositories import GitReference
from builder.errors import InputError, StorageError
from builder.indexes.git_commands import (
    ATTRIBUTES,
    archive_words,
    fetch_words,
    git_command,
    git_environment,
)
from builder.indexes.git_errors import missing, no_such_ref, unreachable, unwritable

_CHUNK = 1 << 18
_MOST_SAID = 4096
_COMMITTISH = re.compile(r"[0-9a-f]{7,64}")
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_SHALLOW = "shallow"


@dataclass(frozen=True)
class GitLimits:
    """What a repository may cost."""

    seconds: float = 1800.0
    archive_bytes: int = 6 << 30


@dataclass(frozen=True)
class _Ended:
    """How git ended; `said` is the last of what it printed beside its output."""

    status: int
    said: str
    output: bytes = b""

    @property
    def succeeded(self) -> bool:
        return self.status == 0


class GitRepositories:
    """The Repositories port."""

    def __init__(
        self, folder: Path, variables: Mapping[str, str], limits: GitLimits | None = None
    ) -> None:
        self._folder = folder.absolute()
        self._variables = variables
        self._limits = limits or GitLimits()

    def fetch(self, reference: GitReference) -> GitReference:
        """As the port says."""
        if reference.is_commit and self._place(reference).is_dir():
            return reference
        try:
            with _alone(self._folder, _key(reference)) as temporary:
                self._prepare(temporary)
                found = reference.at(self._fetched(reference, temporary))
                if not self._place(found).is_dir():
                    temporary.rename(self._place(found))
        except OSError as error:
            raise unwritable(self._folder, error) from error
        return found

    def archive(self, reference: GitReference, top: str, target: Path) -> Digest:
        """As the port says."""
        place = self._place(self.fetch(reference))
        try:
            with _appearing(target) as raw:
                packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
                with packed:
                    sink = _Counted(packed.write, self._limits.archive_bytes)
                    ended = self._run(place, archive_words(reference.ref, top), sink=sink)
                if sink.is_full:
                    most = self._limits.archive_bytes
                    raise InputError(f"{reference} holds more than {most:,} bytes of files")
                if not ended.succeeded:
                    raise StorageError(
                        f"git could not pack {reference}: {ended.said}",
                        hint=f"remove {place}, and run the same command again",
                    )
            return Digest.of_file(target)
        except OSError as error:
            raise unwritable(target, error) from error

    def has_submodules(self, reference: GitReference) -> bool:
        """As the port says."""
        words = ["cat-file", "-e", f"{reference.ref}:.gitmodules"]
        return self._run(self._place(self.fetch(reference)), words).succeeded

    def _place(self, commit: GitReference) -> Path:
        return self._folder / f"{_key(commit)}-{commit.ref}.git"

    def _prepare(self, repository: Path) -> None:
        made = self._run(repository, ["init", "--quiet", "--bare", "--template="])
        if not made.succeeded:
            raise StorageError(f"git cannot write {repository}: {made.said}")
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info/attributes").write_text(ATTRIBUTES)

    def _fetched(self, reference: GitReference, repository: Path) -> str:
        """Fetches as little as the server lets; the commit that came."""
        ref = reference.ref or "HEAD"
        ended = self._ask(reference, repository, (ref,), shallow=True)
        if not ended.succeeded and _SHALLOW in ended.said:
            ended = self._ask(reference, repository, (ref,), shallow=False)
        name = "FETCH_HEAD"
        if not ended.succeeded and _COMMITTISH.fullmatch(ref):
            # Not every server hands out commits that no branch ends with.
            ended = self._ask(reference, repository, _EVERYTHING, shallow=False)
            name = ref
        if not ended.succeeded:
            raise unreachable(reference, ended.said)
        words = ["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
        commit = self._run(repository, words).output.decode("ascii", "replace").strip()
        if not reference.at(commit).is_commit or (reference.is_commit and commit != ref):
            raise no_such_ref(reference)
        return commit

    def _ask(
        self, reference: GitReference, repository: Path, refs: Sequence[str], *, shallow: bool
    ) -> _Ended:
        return self._run(repository, fetch_words(reference, refs, shallow=shallow), reference)

    def _run(
        self,
        repository: Path,
        words: Sequence[str],
        reference: GitReference | None = None,
        sink: "_Counted | None" = None,
    ) -> _Ended:
        scheme = reference.scheme if reference is not None else ""
        command = git_command(words, repository, scheme)
        environment = git_environment(self._variables, reference, _login(reference))
        output = bytearray()
        taken = sink or _Counted(output.extend, _MOST_SAID)
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise missing() from error
        said = _drained(process, taken, time.monotonic() + self._limits.seconds)
        if process.returncode == 127:
            raise missing()
        return _Ended(process.returncode, said, bytes(output))


@dataclass
class _Counted:
    """Takes bytes up to a limit; what comes after it ends the process that writes them."""

    take: Callable[[bytes], object]
    most: int
    count: int = field(default=0)

    @property
    def is_full(self) -> bool:
        return self.count > self.most

    def __call__(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if not self.is_full:
            self.take(chunk)


def _drained(process: "subprocess.Popen[bytes]", sink: _Counted, deadline: float) -> str:
    """Hands on what a process writes until it ends, or is ended; the last of its complaints."""
    complaints = b""
    assert process.stdout is not None  # noqa: S101 - both are pipes
    assert process.stderr is not None  # noqa: S101
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while selector.get_map():
                if sink.is_full or time.monotonic() > deadline:
                    _kill(process)
                    complaints += b"\nit was stopped: it took too long, or wrote too much"
                    break
                for key, _ in selector.select(timeout=1.0):
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stdout:
                        sink(chunk)
                    else:
                        complaints = (complaints + chunk)[-_MOST_SAID:]
            process.wait()
    finally:
        _kill(process)
        process.stdout.close()
        process.stderr.close()
    return _in_one_line(complaints)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Ends git with all that it started, while it is still there to be named."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _in_one_line(said: bytes) -> str:
    """What others may have written, without what could play tricks on a terminal."""
    lines = said.decode("utf-8", "replace").splitlines()
    told = [line.strip() for line in lines if line.strip()][-4:]
    return "; ".join("".join(c if c.isprintable() else "?" for c in line) for line in told)[:800]


def _key(reference: GitReference) -> str:
    return Digest.of_bytes(reference.url.encode()).sha256[:24]


def _login(reference: GitReference | None) -> tuple[str, str] | None:
    """What the URL says, else netrc, as for every index."""
    if reference is None or reference.scheme not in ("https", "http"):
        return None
    if reference.login is not None:
        return unquote(reference.login[0]), unquote(reference.login[1])
    found = get_netrc_auth(reference.url)
    return (found[0], found[1]) if found else None


@contextmanager
def _alone(folder: Path, key: str) -> Iterator[Path]:
    """A path for a new repository, while no other process fetches from the same place.

    What a killed run left there is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{key}.part"
    with (folder / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _appearing(target: Path) -> Iterator[IO[bytes]]:
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            yield raw
        temporary.chmod(0o644)
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)

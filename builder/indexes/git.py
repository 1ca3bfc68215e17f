"""Git repositories, read by the git of this host, which moves bytes and runs nothing.

No library reads every transport and packing that repositories are served with. Nothing is checked
out, so no hook or filter ever has a turn; `git_commands` says what else is closed. Each commit lies
in a bare repository of its own, which appears whole by a rename and is never written to again.
"""

import fcntl
import gzip
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.parse import unquote

from requests.utils import get_netrc_auth

from builder.domain.digests import Digest
from builder.domain.repositories import NO_SUBMODULES, GitReference, Submodules
from builder.errors import InputError, StorageError
from builder.indexes.git_commands import (
    ATTRIBUTES,
    archive_words,
    fetch_words,
    git_command,
    git_environment,
)
from builder.indexes.git_errors import no_such_ref, unreachable, unwritable
from builder.indexes.git_process import Counted, Ended, run_git
from builder.indexes.git_submodules import (
    DEEPEST,
    MOST,
    Declared,
    chosen,
    declared,
    is_usable,
    link_words,
    linked,
    list_words,
    source_of,
)

_MOST_LISTED = 1 << 20
_COMMITTISH = re.compile(r"[0-9a-f]{7,64}")
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_SHALLOW = "shallow"


@dataclass(frozen=True)
class GitLimits:
    """What a repository may cost."""

    seconds: float = 1800.0
    archive_bytes: int = 6 << 30


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

    def archive(
        self,
        reference: GitReference,
        top: str,
        target: Path,
        submodules: Submodules = NO_SUBMODULES,
    ) -> Digest:
        """As the port says."""
        commit = self.fetch(reference)
        try:
            if not submodules.are_wanted:
                return self._packed(commit, self._place(commit), commit.ref, top, target)
            parts = tuple(islice(self._parts(commit, submodules), MOST + 1))
            if len(parts) > MOST:
                raise InputError(f"{commit} has more than {MOST} submodules")
            with TemporaryDirectory(prefix=".joined-", dir=self._folder) as folder:
                place = Path(folder) / "joined.git"
                joined = self._joined(commit, parts, place)
                return self._packed(commit, place, joined, top, target)
        except OSError as error:
            raise unwritable(target, error) from error

    def _packed(
        self, reference: GitReference, place: Path, commit: str, top: str, target: Path
    ) -> Digest:
        with _appearing(target) as raw:
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
                sink = Counted(packed.write, self._limits.archive_bytes)
                ended = self._run(place, archive_words(commit, top), sink=sink)
            if sink.is_full:
                most = self._limits.archive_bytes
                raise InputError(f"{reference} holds more than {most:,} bytes of files")
            if not ended.succeeded:
                raise StorageError(
                    f"git could not pack {reference}: {ended.said}",
                    hint=f"remove {place}, and run the same command again",
                )
        return Digest.of_file(target)

    def _parts(
        self, commit: GitReference, wanted: Submodules, below: str = "", depth: int = 1
    ) -> Iterator[tuple[str, GitReference]]:
        """Submodules, each with the path from the top and before those in it."""
        if depth > DEEPEST:
            raise InputError(f"{commit} is a submodule of a submodule, {DEEPEST} levels deep")
        place = self._place(commit)
        for one in chosen(commit, self._declared(commit, place), wanted):
            if not is_usable(one.path):
                raise InputError(f"{commit}: {one.path!a} is no path of a submodule")
            listed = self._listed(place, link_words(commit.ref, one.path))
            link = linked(listed.output, one.path)
            if link is None:
                continue  # declared, and not there in this commit
            part = self.fetch(source_of(commit, one, link))
            path = f"{below}{one.path}"
            yield path, part
            yield from self._parts(part, Submodules(every=True), f"{path}/", depth + 1)

    def _declared(self, commit: GitReference, place: Path) -> tuple[Declared, ...]:
        if not self.has_submodules(commit):
            return ()
        listed = self._listed(place, list_words(commit.ref))
        if listed.status not in (0, 1):
            raise InputError(f"{commit}: .gitmodules cannot be read: {listed.said}")
        return declared(listed.output)

    def _listed(self, place: Path, words: Sequence[str]) -> Ended:
        output = bytearray()
        ended = self._run(place, words, sink=Counted(output.extend, _MOST_LISTED))
        return replace(ended, output=bytes(output))

    def _joined(
        self, commit: GitReference, parts: Sequence[tuple[str, GitReference]], place: Path
    ) -> str:
        """A commit of which submodules are plain folders; git itself puts the trees together."""
        self._prepare(place)
        objects = [self._place(one) / "objects" for one in (commit, *(it for _, it in parts))]
        lines = "".join(f"{folder}\n" for folder in dict.fromkeys(objects))
        (place / "objects/info").mkdir(exist_ok=True)
        (place / "objects/info/alternates").write_text(lines)
        self._told(place, ["read-tree", commit.ref])
        for path, part in parts:
            self._told(place, ["update-index", "--force-remove", "--", path])
            self._told(place, ["read-tree", f"--prefix={path}/", part.ref])
        tree = self._told(place, ["write-tree"])
        return self._told(place, ["commit-tree", "-m", "joined", tree])

    def _told(self, place: Path, words: Sequence[str]) -> str:
        """What git prints when all is well.

        Some commands insist on a folder for files, although nothing is put or looked for there.
        """
        ended = self._run(place, [f"--work-tree={place.parent}", *words])
        if not ended.succeeded:
            raise InputError(f"git could not put submodules in their places: {ended.said}")
        return ended.output.decode("ascii", "replace").strip()

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
    ) -> Ended:
        return self._run(repository, fetch_words(reference, refs, shallow=shallow), reference)

    def _run(
        self,
        repository: Path,
        words: Sequence[str],
        reference: GitReference | None = None,
        sink: Counted | None = None,
    ) -> Ended:
        scheme = reference.scheme if reference is not None else ""
        command = git_command(words, repository, scheme)
        environment = git_environment(self._variables, reference, _login(reference))
        return run_git(command, environment, self._folder, sink, self._limits.seconds)


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

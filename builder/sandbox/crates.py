"""The crates of a Rust project: found, fetched by cargo, held to the lock, laid into the source.

Nothing of the project is run: cargo reads manifests. It works in an empty folder, so that neither
its configuration nor its toolchain is the project's to choose.
"""

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import archive
import compiled

UNPACKED = "/build/unpacked"
FETCHED = "/build/fetched"
EMPTY = "/tmp/empty"  # noqa: S108 - inside a container, whose /tmp is its own
CARGO_HOME = "/tmp/cargo"  # noqa: S108
CHECKSUMS = ".cargo-checksum.json"
CONFIG = (".cargo/config.toml", ".cargo/config")
MAX_TEXT = 16 << 20
MAX_REASON = 600
FOLDERS = ("vendor", "vendored-crates")
PRECOMPILED = (".a", ".lib")


def survey(task: dict[str, Any]) -> dict[str, Any]:
    """Says which manifests, locks, configuration and crates a source has."""
    root = _unpack(task)
    manifests = list(task["named"]) or _first(root, task["usual"])
    for path in manifests:
        if not os.path.isfile(os.path.join(root, path)):
            raise archive.ArchiveRefusedError(f"has no {path!r}, which is to name its crates")
    locks: dict[str, str | None] = {}
    for path in manifests:
        found = _run(
            "locate-project",
            "--workspace",
            "--offline",
            "--message-format=plain",
            f"--manifest-path={os.path.join(root, path)}",
        )
        if found.returncode:
            return _failed(found)
        lock = os.path.join(os.path.dirname(found.stdout.strip()), "Cargo.lock")
        locks[os.path.relpath(lock, _top())] = _text(lock)
    return {
        "status": "surveyed",
        "manifests": manifests,
        "locks": locks,
        "config": next(
            (t for n in CONFIG if (t := _text(os.path.join(root, n))) is not None), None
        ),
        "vendor": {name: _vendor(os.path.join(root, name)) for name in FOLDERS},
    }


def fetch(task: dict[str, Any]) -> dict[str, Any]:
    """Lets cargo fetch every crate. The only task that has a network."""
    root = _unpack(task)
    os.makedirs(CARGO_HOME)
    with open(os.path.join(CARGO_HOME, "config.toml"), "x", encoding="utf-8") as file:
        file.write(task["config"])
    first, *others = (os.path.join(root, path) for path in task["manifests"])
    done = _run(
        "vendor",
        *(["--locked"] if task["locked"] else []),
        *(["--respect-source-config"] if task["config"] else []),
        f"--manifest-path={first}",
        *(f"--sync={path}" for path in others),
        FETCHED,
    )
    if done.returncode:
        return _failed(done)
    os.makedirs(FETCHED, exist_ok=True)
    archive.pack(FETCHED, "vendor", "/out/crates.tar.gz", task["epoch"])
    return {
        "status": "fetched",
        "config": done.stdout,
        "locks": {lock: _text(os.path.join(_top(), lock)) for lock in task["locks"]},
    }


def settle(task: dict[str, Any]) -> dict[str, Any]:
    """Checks crates against the lock, and packs the source with them."""
    root = _unpack(task)
    folder = os.path.join(root, task["folder"])
    if task["fetched"]:
        unpacked = "/build/crates"
        archive.unpack("/in/crates.tar.gz", unpacked)
        if os.path.lexists(folder):
            archive.remove(folder)
        os.rename(os.path.join(unpacked, archive.only_folder(unpacked)), folder)
    changed = _check(folder, task["crates"], as_released=task["fetched"])
    emptied = sorted(_emptied(folder))
    for path, text in task["files"].items():
        _write(path, text)
    archive.pack(_top(), task["top"], "/out/source.tar.gz", task["epoch"])
    names, count = compiled.compiled_files(folder)
    told = {"compiled": names, "compiled_count": count}
    return {"status": "settled", "emptied": emptied, "changed": changed, **told}


def forget_changed(folder: str) -> None:
    """Drops the checksums of files of crates that differ from them, or are gone.

    For patches that change crates: cargo takes files that have no checksum as they are.
    """
    for crate in (path for name in FOLDERS for path in _crate_folders(os.path.join(folder, name))):
        listed = _checksums(crate)
        files = {name: it for name, it in listed["files"].items() if _is(crate, name, it)}
        if files != listed["files"]:
            _write_checksums(crate, {**listed, "files": files})


def _unpack(task: dict[str, Any]) -> str:
    """The folder that is built."""
    archive.unpack("/in/source.tar.gz", UNPACKED)
    root = os.path.join(_top(), task["build_dir"])
    if not os.path.isdir(root):
        raise archive.ArchiveRefusedError(f"has no folder {task['build_dir']!r}")
    return os.path.normpath(root)


def _top() -> str:
    return os.path.join(UNPACKED, archive.only_folder(UNPACKED))


def _first(root: str, usual: Sequence[str]) -> list[str]:
    return [path for path in usual if os.path.isfile(os.path.join(root, path))][:1]


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    os.makedirs(EMPTY, exist_ok=True)
    print("--- cargo", words[0], flush=True)
    try:
        done = subprocess.run(
            ["cargo", *words],  # noqa: S607 - the image's, wherever that has it
            cwd=EMPTY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise archive.ArchiveRefusedError(
            "needs cargo, and the image has none; add it to the packages of the image"
        ) from error
    print(done.stderr, end="", flush=True)
    return done


def _failed(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    start = next((n for n, line in enumerate(said) if line.startswith("error")), 0)
    reason = " ".join(said[start:])[:MAX_REASON] or f"exit status {done.returncode}"
    return {"status": "failed", "reason": reason, "said": "\n".join(said)[-8000:]}


def _vendor(folder: str) -> dict[str, Any]:
    """What stands where crates are laid."""
    if not os.path.lexists(folder):
        return {"state": "none", "crates": []}
    crates = list(_crate_folders(folder))
    if not crates or len(crates) != len(os.listdir(folder)):
        return {"state": "other", "crates": []}
    return {"state": "crates", "crates": [_crate(path) for path in crates]}


def _crate(path: str) -> dict[str, Any]:
    listed = _checksums(path)
    intact = all(_is(path, name, digest) for name, digest in listed["files"].items())
    return {"folder": os.path.basename(path), "package": listed["package"], "intact": intact}


def _crate_folders(folder: str) -> Iterator[str]:
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if not os.path.islink(path) and os.path.isfile(os.path.join(path, CHECKSUMS)):
            yield path


def _checksums(crate: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(os.path.join(crate, CHECKSUMS)) or "")
        files, package = dict(found["files"]), found.get("package")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        files, package = {}, 0
    texts = [*files, *files.values(), *([] if package is None else [package])]
    if not all(isinstance(one, str) for one in texts):
        raise archive.ArchiveRefusedError(f"crate {os.path.basename(crate)!r}: unusable checksums")
    return {"files": files, "package": package}


def _write_checksums(crate: str, listed: dict[str, Any]) -> None:
    with open(os.path.join(crate, CHECKSUMS), "w", encoding="utf-8") as file:
        json.dump(listed, file, sort_keys=True, separators=(",", ":"))


def _check(folder: str, crates: Sequence[dict[str, Any]], *, as_released: bool) -> list[str]:
    """Every crate of the lock is there, and nothing else; gives the files that are no release's.

    Args:
        folder: holds the crates.
        crates: name, version and checksum of each crate of the lock.
        as_released: whether a file that has no checksum is refused, too.
    """
    wanted = {(it["name"], it["version"], it["checksum"]) for it in crates}
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    changed: list[str] = []
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.path.isfile(os.path.join(path, CHECKSUMS)):
            raise archive.ArchiveRefusedError(f"{name!r} is among the crates and is none")
        listed = _checksums(path)
        fitting = sorted(it for it in wanted if it[2] == listed["package"] and _fits(name, it))
        if not fitting:
            raise archive.ArchiveRefusedError(f"crate {name!r} is not what the lock names")
        wanted.remove(fitting[-1])
        changed += _differing(path, listed["files"], as_released=as_released)
    if wanted:
        missing = ", ".join(sorted(f"{it[0]} {it[1]}" for it in wanted)[:5])
        raise archive.ArchiveRefusedError(f"the lock names crates that are not there: {missing}")
    return changed


def _fits(folder: str, crate: tuple[str, str, str | None]) -> bool:
    """Cargo adds the version to the name where a crate is there more than once."""
    return folder in (crate[0], f"{crate[0]}-{crate[1]}")


def _differing(crate: str, listed: dict[str, str], *, as_released: bool) -> Iterator[str]:
    name = os.path.basename(crate)
    for path, digest in listed.items():
        if not _is(crate, path, digest):
            raise archive.ArchiveRefusedError(f"crate {name!r}: {path!r} is not what was released")
    for path in _files(crate):
        if path in listed or path == CHECKSUMS or _is_emptied(os.path.join(crate, path)):
            continue
        if as_released:
            raise archive.ArchiveRefusedError(f"crate {name!r}: {path!r} has no checksum")
        yield f"{name}/{path}"


def _is_emptied(path: str) -> bool:
    return path.endswith(PRECOMPILED) and not os.path.getsize(path)


def _is(crate: str, name: str, digest: str) -> bool:
    path = os.path.join(crate, name)
    if ".." in name.split("/") or name.startswith("/"):
        return False
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == digest
    except OSError:
        return False


def _files(crate: str) -> Iterator[str]:
    for parent, folders, files in os.walk(crate):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in sorted((*files, *links)):
            yield os.path.relpath(os.path.join(parent, name), crate)


def _emptied(folder: str) -> Iterator[str]:
    """Empties compiled libraries. They stay, for build scripts that look whether they are there."""
    for crate in _crate_folders(folder):
        found = [name for name in _files(crate) if name.endswith(PRECOMPILED)]
        for name in found:
            path = os.path.join(crate, name)
            if os.path.islink(path) or os.path.getsize(path):
                yield f"{os.path.basename(crate)}/{name}"
            os.unlink(path)
            with open(path, "x"):
                pass
        if found:
            listed = _checksums(crate)
            files = {name: it for name, it in listed["files"].items() if name not in found}
            _write_checksums(crate, {**listed, "files": files})


def _write(name: str, text: str) -> None:
    path = os.path.normpath(os.path.join(_top(), name))
    folder = os.path.dirname(path)
    if os.path.realpath(folder) != os.path.normpath(folder):
        raise archive.ArchiveRefusedError(f"{name!r}: its folder is a link")
    os.makedirs(folder, exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)


def _text(path: str) -> str | None:
    if not os.path.isfile(path):
        return None
    if os.path.getsize(path) > MAX_TEXT:
        raise archive.ArchiveRefusedError(f"{os.path.basename(path)!r}: larger than {MAX_TEXT}")
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")

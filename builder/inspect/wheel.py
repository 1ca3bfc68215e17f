"""Validates a wheel that a build left, and packs it again canonically.

The canonical form: entries sorted by name with RECORD last, times at 1980-01-01, modes 0644 or
0755, deflate, a build tag, and a RECORD written anew. The same contents give the same bytes.
A wheel that was built here gets files that say how.
"""

import base64
import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import Tag, parse_tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.domain.core_metadata import UnusableMetadataError, from_core_metadata
from builder.domain.metadata import MetadataOrigin, ReleaseMetadata
from builder.domain.releases import Pin
from builder.inspect.archive import checked_entries
from builder.inspect.collect import RefusedOutput
from builder.inspect.description import RESERVED, OwnBuild, description
from builder.inspect.elf import ElfFile, elf_files, facts_of
from builder.inspect.installable import check_installable
from builder.inspect.machines import ANY, check_machines
from builder.inspect.promises import check_promises

MAX_METADATA_BYTES = 16 << 20
_STRONG_HASHES = ("sha256", "sha384", "sha512")
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_CHUNK = 1 << 20
_ZIP64_FROM = 1 << 31
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class CanonicalWheel:
    """A wheel that passed, as it was written anew.

    Attributes:
        notes: what is odd about it, each the rest of a sentence that begins with the wheel.
    """

    filename: str
    metadata: ReleaseMetadata
    notes: tuple[str, ...] = ()

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags, sorted."""
        return _platforms(self.filename)


@dataclass(frozen=True)
class _Contents:
    entries: Mapping[str, zipfile.ZipInfo]
    dist_info: str
    record: Mapping[str, tuple[str, str]]


def canonicalize(
    built: Path,
    filename: str,
    pin: Pin,
    tags: frozenset[Tag],
    build_number: int,
    target: Path,
    own_build: OwnBuild | None = None,
) -> CanonicalWheel:
    """Checks a built wheel in full and writes its canonical form.

    Args:
        built: the file as collected; its own name means nothing.
        filename: the name that the backend gave it.
        pin: the release that was to be built.
        tags: what the target can install.
        build_number: the build tag, from 0 up.
        target: a folder for the canonical wheel.
        own_build: what the wheel is to say of its build, and what it may hold; None for one that
            others built, which only has to be sound.

    Raises:
        RefusedOutput: the wheel is of another release, for another target, or not sound.
    """
    new_name = _checked_name(filename, pin, tags, build_number)
    entries = {info.filename: info for info in checked_entries(built)}
    with zipfile.ZipFile(built) as archive:
        contents = _contents(archive, entries, pin)
        _check_places(archive, contents, new_name)
        metadata = _metadata(archive, contents, pin)
        new = {f"{contents.dist_info}/WHEEL": _wheel_file(archive, contents, build_number)}
        notes: tuple[str, ...] = ()
        if own_build is not None:
            files = elf_files(archive, entries.values(), target)
            notes = _held_to_its_tags(new_name, files, new, own_build)
            new |= _description(contents, own_build, files)
        _write(archive, contents, new, target / new_name)
    return CanonicalWheel(new_name, metadata, notes)


def _platforms(filename: str) -> tuple[str, ...]:
    return tuple(sorted({tag.platform for tag in parse_wheel_filename(filename)[3]}))


def _held_to_its_tags(
    filename: str,
    files: Sequence[ElfFile],
    new: Mapping[str, bytes],
    own_build: OwnBuild,
) -> tuple[str, ...]:
    platforms = _platforms(filename)
    allowed = own_build.foreign_binaries
    notes = check_machines(platforms, files, foreign_allowed=allowed)
    check_promises(platforms, files)
    (wheel_file,) = new.values()
    return *notes, *_contradictions(filename, wheel_file.decode(), files)


def _contradictions(filename: str, text: str, files: Sequence[ElfFile]) -> Iterator[str]:
    """Where WHEEL says something else than the name, by which alone installers go."""
    fields = [line.partition(":") for line in text.splitlines()]
    said = {value.strip() for name, _, value in fields if name.strip().lower() == "tag"}
    said_tags = {tag for one in said if one.count("-") == 2 for tag in parse_tag(one)}
    if said_tags != parse_wheel_filename(filename)[3]:
        yield f"says other tags in WHEEL than in its name: {', '.join(sorted(said)) or 'none'}"
    pure = any(
        name.strip().lower() == "root-is-purelib" and value.strip().lower() == "true"
        for name, _, value in fields
    )
    if pure and _platforms(filename) != (ANY,) and any(file.is_run for file in files):
        yield "is tagged for a platform, and yet Root-Is-Purelib is true"


def _checked_name(filename: str, pin: Pin, tags: frozenset[Tag], build_number: int) -> str:
    try:
        name, version, _, wheel_tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise RefusedOutput(f"{filename[:200]!r} is no wheel's name") from error
    if name != pin.name or version != pin.version:
        raise RefusedOutput(f"{filename} is not a wheel of {pin}")
    if not wheel_tags & tags:
        raise RefusedOutput(f"{filename} cannot be installed on the target it was built for")
    stem = filename.removesuffix(".whl").split("-")
    return "-".join([*stem[:2], str(build_number), *stem[-3:]]) + ".whl"


def _contents(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], pin: Pin
) -> _Contents:
    folders = {name.split("/", 1)[0] for name in entries if ".dist-info/" in name}
    tops = sorted(folder for folder in folders if folder.endswith(".dist-info"))
    if len(tops) != 1 or canonicalize_name(tops[0].split("-", 1)[0]) != pin.name:
        raise RefusedOutput(f"the wheel must have one .dist-info of {pin.name}, it has {tops}")
    for needed in ("METADATA", "WHEEL", "RECORD"):
        if f"{tops[0]}/{needed}" not in entries:
            raise RefusedOutput(f"the wheel has no {tops[0]}/{needed}")
    record = _record(_small(archive, entries[f"{tops[0]}/RECORD"]))
    _check_record(entries, record, tops[0])
    return _Contents(entries, tops[0], record)


def _record(text: bytes) -> dict[str, tuple[str, str]]:
    rows: dict[str, tuple[str, str]] = {}
    try:
        for row in csv.reader(io.StringIO(text.decode("utf-8"))):
            if len(row) != 3 or row[0] in rows:
                raise RefusedOutput(f"RECORD has a bad or repeated row: {row[:3]!r}")
            rows[row[0]] = (row[1], row[2])
    except (csv.Error, UnicodeDecodeError) as error:
        raise RefusedOutput(f"RECORD cannot be read: {error}") from error
    return rows


def _check_record(
    entries: Mapping[str, zipfile.ZipInfo], record: Mapping[str, tuple[str, str]], dist_info: str
) -> None:
    """RECORD and archive must name the same files; only RECORD itself may go without a hash."""
    unsigned = {f"{dist_info}/{name}" for name in ("RECORD", *_SIGNATURES)}
    for name in sorted(set(entries) - set(record) - unsigned):
        raise RefusedOutput(f"{name!r} is in the wheel and not in its RECORD")
    for name in sorted(set(record) - set(entries)):
        raise RefusedOutput(f"{name!r} is in RECORD and not in the wheel")
    for name, (digest, _) in record.items():
        if name not in unsigned and digest.split("=", 1)[0] not in _STRONG_HASHES:
            raise RefusedOutput(f"{name!r} has no strong hash in RECORD")


def _check_places(archive: zipfile.ZipFile, contents: _Contents, filename: str) -> None:
    entry_points = contents.entries.get(f"{contents.dist_info}/entry_points.txt")
    text = _small(archive, entry_points) if entry_points is not None else b""
    check_installable(contents.entries, "-".join(filename.split("-")[:2]) + ".data", text)


def _metadata(archive: zipfile.ZipFile, contents: _Contents, pin: Pin) -> ReleaseMetadata:
    text = _small(archive, contents.entries[f"{contents.dist_info}/METADATA"])
    try:
        return from_core_metadata(text, pin, MetadataOrigin.WHEEL)
    except UnusableMetadataError as error:
        raise RefusedOutput(f"the wheel's METADATA is not usable: {error}") from error


def _wheel_file(archive: zipfile.ZipFile, contents: _Contents, build_number: int) -> bytes:
    text = _small(archive, contents.entries[f"{contents.dist_info}/WHEEL"]).decode(
        "utf-8", "replace"
    )
    lines = [line for line in text.splitlines() if line.strip()]
    version = [line for line in lines if line.lower().startswith("wheel-version:")]
    if len(version) != 1 or not version[0].split(":", 1)[1].strip().startswith("1."):
        raise RefusedOutput("the wheel is not of Wheel-Version 1")
    kept = [line for line in lines if not line.lower().startswith("build:")]
    return ("\n".join([*kept, f"Build: {build_number}"]) + "\n").encode()


def _description(
    contents: _Contents, own_build: OwnBuild, files: Sequence[ElfFile]
) -> dict[str, bytes]:
    prefix = f"{contents.dist_info}/"
    for name in contents.entries:
        if name.startswith(tuple(prefix + reserved for reserved in RESERVED)):
            raise RefusedOutput(f"{name!r} is for whoever builds a wheel to write, and was there")
    described = description(own_build, facts_of(files))
    return {prefix + name: text for name, text in described.items()}


def _small(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > MAX_METADATA_BYTES:
        raise RefusedOutput(f"{info.filename!r} is larger than {MAX_METADATA_BYTES} bytes")
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise RefusedOutput(f"{info.filename!r} cannot be read: {error}") from error


def _write(
    archive: zipfile.ZipFile, contents: _Contents, new: Mapping[str, bytes], target: Path
) -> None:
    """Writes the wheel; `new` are the files that change or are added."""
    record_name = f"{contents.dist_info}/RECORD"
    dropped = {f"{contents.dist_info}/{name}" for name in _SIGNATURES} | {record_name}
    rows: list[tuple[str, str, int]] = []
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as out:
        for name in sorted((set(contents.entries) | set(new)) - dropped):
            info = contents.entries.get(name, zipfile.ZipInfo(name))
            chunks: Iterator[bytes] = iter(())
            if name in contents.entries:
                chunks = _verified(archive, info, contents.record[name][0])
            if name in new:
                b"".join(chunks)  # read for its check alone
                chunks = iter((new[name],))
            rows.append(_copy(out, info, chunks))
        lines = [f"{_quoted(name)},{digest},{size}\n" for name, digest, size in rows]
        record = "".join([*lines, f"{record_name},,\n"])
        out.writestr(_entry(record_name, 0), record.encode())


def _verified(archive: zipfile.ZipFile, info: zipfile.ZipInfo, recorded: str) -> Iterator[bytes]:
    """The contents of an entry; fails behind the last byte where RECORD promised others."""
    algorithm, _, promised = recorded.partition("=")
    hasher = hashlib.new(algorithm)
    try:
        with archive.open(info) as source:
            while chunk := source.read(_CHUNK):
                hasher.update(chunk)
                yield chunk
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise RefusedOutput(f"{info.filename!r} cannot be read: {error}") from error
    if promised.rstrip("=") != _encoded(hasher.digest()):
        raise RefusedOutput(f"{info.filename!r} is not what RECORD says")


def _copy(
    out: zipfile.ZipFile, info: zipfile.ZipInfo, chunks: Iterator[bytes]
) -> tuple[str, str, int]:
    hasher = hashlib.sha256()
    size = 0
    large = info.file_size >= _ZIP64_FROM
    with out.open(_entry(info.filename, info.external_attr >> 16), "w", force_zip64=large) as sink:
        for chunk in chunks:
            hasher.update(chunk)
            size += len(chunk)
            sink.write(chunk)
    return info.filename, f"sha256={_encoded(hasher.digest())}", size


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _quoted(name: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name])
    return line.getvalue()


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = (0o100755 if mode & 0o111 else 0o100644) << 16
    return entry
